// Products of row groups with a matrix each; where the groups begin is known only at run time (experts, dropless).
import { apply, type NdArray, type Op, sizeOf, type Tensor } from "../tensor.ts";

/** Rows of group e, cut to those that exist. */
function groupRows(offsets: NdArray, e: number, rows: number): [number, number] {
  return [Math.max(offsets.data[e]!, 0), Math.min(offsets.data[e + 1]!, rows)];
}

export interface GroupedProductAttributes {
  /** w is [E, M, K] and enters transposed. */
  readonly transposed: boolean;
}

/** x [N, K], w [E, K, M] (or [E, M, K] transposed), offsets i32 [E+1] → [N, M]. */
const groupedProductOp: Op<GroupedProductAttributes> = {
  name: "groupedProduct",
  lowering: "kernel",
  infer: ([x, w, offsets], { transposed }) => {
    const [groups, depth, columns] = transposed
      ? [w!.shape[0], w!.shape[2], w!.shape[1]]
      : [w!.shape[0], w!.shape[1], w!.shape[2]];
    const fits =
      x!.shape.length === 2 &&
      w!.shape.length === 3 &&
      x!.shape[1] === depth &&
      offsets!.shape.length === 1 &&
      offsets!.shape[0] === groups! + 1;
    if (!fits || x!.dtype !== "f32" || w!.dtype !== "f32" || offsets!.dtype !== "i32") {
      throw new RangeError(
        `groupedProduct: ${x!.dtype} [${x!.shape}] with ${w!.dtype} [${w!.shape}]${transposed ? " transposed" : ""}, ` +
          `${offsets!.dtype} offsets [${offsets!.shape}]`,
      );
    }
    return [{ shape: [x!.shape[0]!, columns!], dtype: "f32" }];
  },
  evaluate: ([x, w, offsets], { transposed }, [output]) => {
    const [rows, columns] = output!.shape as [number, number];
    const depth = x!.shape[1]!;
    const data = new Float64Array(rows * columns);
    for (let e = 0; e < w!.shape[0]!; e++) {
      const [from, to] = groupRows(offsets!, e, rows);
      for (let i = from; i < to; i++) {
        for (let j = 0; j < columns; j++) {
          let total = 0;
          for (let k = 0; k < depth; k++) {
            const place = transposed ? j * depth + k : k * columns + j;
            total += x!.data[i * depth + k]! * w!.data[e * depth * columns + place]!;
          }
          data[i * columns + j] = total;
        }
      }
    }
    return [{ shape: output!.shape, data }];
  },
  gradient: (node, [g]) => {
    if (g === undefined) return [undefined, undefined, undefined];
    const { transposed } = node.attributes;
    const [x, w, offsets] = node.inputs as [Tensor, Tensor, Tensor];
    const dw = transposed ? groupedOuter(g, x, offsets) : groupedOuter(x, g, offsets);
    return [groupedProduct(g, w, offsets, { transposed: !transposed }), dw, undefined];
  },
  flops: (node) => 2 * sizeOf(node.outputs[0]!.shape) * node.inputs[0]!.shape[1]!,
};

/** x [N, K], y [N, M], offsets i32 [E+1] → [E, K, M]: xᵀ·y over the rows of each group. */
const groupedOuterOp: Op<undefined> = {
  name: "groupedOuter",
  lowering: "kernel",
  infer: ([x, y, offsets]) => {
    const fits =
      x!.shape.length === 2 &&
      y!.shape.length === 2 &&
      x!.shape[0] === y!.shape[0] &&
      offsets!.shape.length === 1 &&
      offsets!.shape[0]! >= 1;
    if (!fits || x!.dtype !== "f32" || y!.dtype !== "f32" || offsets!.dtype !== "i32") {
      throw new RangeError(
        `groupedOuter: ${x!.dtype} [${x!.shape}] with ${y!.dtype} [${y!.shape}], ` +
          `${offsets!.dtype} offsets [${offsets!.shape}]`,
      );
    }
    return [{ shape: [offsets!.shape[0]! - 1, x!.shape[1]!, y!.shape[1]!], dtype: "f32" }];
  },
  evaluate: ([x, y, offsets], _, [output]) => {
    const [groups, left, right] = output!.shape as [number, number, number];
    const data = new Float64Array(sizeOf(output!.shape));
    for (let e = 0; e < groups; e++) {
      const [from, to] = groupRows(offsets!, e, x!.shape[0]!);
      for (let row = from; row < to; row++) {
        for (let i = 0; i < left; i++) {
          for (let j = 0; j < right; j++) {
            data[(e * left + i) * right + j]! += x!.data[row * left + i]! * y!.data[row * right + j]!;
          }
        }
      }
    }
    return [{ shape: output!.shape, data }];
  },
  gradient: (node, [g]) => {
    if (g === undefined) return [undefined, undefined, undefined];
    const [x, y, offsets] = node.inputs as [Tensor, Tensor, Tensor];
    return [groupedProduct(y, g, offsets, { transposed: true }), groupedProduct(x, g, offsets), undefined];
  },
  flops: (node) => 2 * sizeOf(node.inputs[0]!.shape) * node.inputs[1]!.shape[1]!,
};

/**
 * Rows offsets[e] … offsets[e+1]-1 of x [N, K] times w[e], for w [E, K, M] (`transposed`: w [E, M, K], its transpose)
 * and non-decreasing offsets i32 [E+1] → [N, M]. Rows in no group give zeros.
 */
export function groupedProduct(x: Tensor, w: Tensor, offsets: Tensor, { transposed = false } = {}): Tensor {
  return apply(groupedProductOp, [x, w, offsets], { transposed });
}

/** For each group e the sum of outer products of its rows: x [N, K], y [N, M], offsets i32 [E+1] → [E, K, M]. */
export function groupedOuter(x: Tensor, y: Tensor, offsets: Tensor): Tensor {
  return apply(groupedOuterOp, [x, y, offsets], undefined);
}
