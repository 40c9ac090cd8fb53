// Rows picked and rows added by an index known only at run time.
import { apply, isFloat, type Op, sizeOf, type Tensor } from "../tensor.ts";
import { add, and, less, lessEqual, multiply, select } from "./elementwise.ts";
import { fill, iota } from "./leaf.ts";
import { reshape } from "./movement.ts";

/** x [N, rest…], indices i32 [I…] → [I…, rest…]. An index outside 0..N-1 gives zeros. */
const gatherOp: Op<undefined> = {
  name: "gather",
  lowering: "kernel",
  infer: ([x, indices]) => {
    if (x!.shape.length === 0 || indices!.dtype !== "i32") {
      throw new RangeError(
        `gather: rows of [${x!.shape}] by ${indices!.dtype} indices; expected rows and i32`,
      );
    }
    return [{ shape: [...indices!.shape, ...x!.shape.slice(1)], dtype: x!.dtype }];
  },
  evaluate: ([x, indices], _, [output]) => {
    const data = new Float64Array(sizeOf(output!.shape));
    const width = sizeOf(x!.shape.slice(1));
    indices!.data.forEach((row, i) => {
      if (row >= 0 && row < x!.shape[0]!)
        data.set(x!.data.subarray(row * width, (row + 1) * width), i * width);
    });
    return [{ shape: output!.shape, data }];
  },
  gradient: (node, [g]) => {
    const [x, indices] = node.inputs as [Tensor, Tensor];
    return [g && isFloat(x.dtype) ? scatterAdd(indices, g, x.shape[0]!) : undefined, undefined];
  },
  flops: () => 0,
  independent: (node) => ({ axes: node.inputs[1]!.shape.length, shared: [0] }),
};

export interface ScatterAddAttributes {
  /** Rows of the result. */
  readonly rows: number;
}

/** indices i32 [I…], updates [I…, rest…] → [rows, rest…]: each update added to its row, those outside dropped. */
const scatterAddOp: Op<ScatterAddAttributes> = {
  name: "scatterAdd",
  lowering: "kernel",
  infer: ([indices, updates], { rows }) => {
    const leading = indices!.shape;
    const fits =
      updates!.shape.length >= leading.length && leading.every((size, axis) => size === updates!.shape[axis]);
    if (!fits || indices!.dtype !== "i32" || updates!.dtype === "bool") {
      throw new RangeError(
        `scatterAdd: ${updates!.dtype} updates [${updates!.shape}] by ${indices!.dtype} indices [${leading}]`,
      );
    }
    return [{ shape: [rows, ...updates!.shape.slice(leading.length)], dtype: updates!.dtype }];
  },
  evaluate: ([indices, updates], { rows }, [output]) => {
    const data = new Float64Array(sizeOf(output!.shape));
    const width = sizeOf(output!.shape.slice(1));
    indices!.data.forEach((row, i) => {
      if (row < 0 || row >= rows) return;
      for (let j = 0; j < width; j++) data[row * width + j]! += updates!.data[i * width + j]!;
    });
    return [{ shape: output!.shape, data }];
  },
  gradient: (node, [g]) => [undefined, g && gather(g, node.inputs[0]!)],
  flops: (node) => sizeOf(node.inputs[1]!.shape),
};

/** Rows x[index, …] at every index: x [N, rest…], indices i32 [I…] → [I…, rest…]; zeros where outside 0..N-1. */
export function gather(x: Tensor, indices: Tensor): Tensor {
  return apply(gatherOp, [x, indices], undefined);
}

/** Sums updates [I…, rest…] into the rows their indices i32 [I…] name → [rows, rest…]; drops those outside. */
export function scatterAdd(indices: Tensor, updates: Tensor, rows: number): Tensor {
  return apply(scatterAddOp, [indices, updates], { rows });
}

/** x [L…, N], indices i32 [L…, M] → [L…, M]: x[l, indices[l, m]] within each row; zeros where outside 0..N-1. */
export function takeAlong(x: Tensor, indices: Tensor): Tensor {
  const width = x.shape.at(-1) ?? 0;
  return gather(reshape(x, [-1]), flatPositions("takeAlong", indices, x.shape.slice(0, -1), width));
}

/** The transpose of `takeAlong`: updates [L…, M] added at indices i32 [L…, M] of rows of the given width → [L…, width]. */
export function addAlong(indices: Tensor, updates: Tensor, width: number): Tensor {
  const rows = indices.shape.slice(0, -1);
  const flat = flatPositions("addAlong", indices, rows, width);
  return reshape(scatterAdd(flat, updates, sizeOf(rows) * width), [...rows, width]);
}

/** Positions in the flattened [rows…, width]; -1 where the index is outside its row. */
function flatPositions(what: string, indices: Tensor, rows: readonly number[], width: number): Tensor {
  const { shape } = indices;
  if (shape.length !== rows.length + 1 || rows.some((size, axis) => size !== shape[axis])) {
    throw new RangeError(`${what}: indices [${shape}] do not match rows [${rows}]`);
  }
  const flat = reshape(indices, [sizeOf(rows), shape.at(-1)!]);
  const inside = and(lessEqual(0, flat), less(flat, width));
  const start = multiply(iota(flat.shape, 0), width);
  return reshape(select(inside, add(flat, start), fill(-1, flat.shape, "i32")), shape);
}
