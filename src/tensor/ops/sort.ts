// Order along the last axis: sort, the largest or smallest few, the place of the largest.
import { makeNode, type Op, sizeOf, type Tensor } from "../tensor.ts";
import { addAlong } from "./gather.ts";
import { reshape } from "./movement.ts";

export interface SortAttributes {
  readonly descending: boolean;
  /** How many of the first elements in the order are wanted. */
  readonly k: number;
}

/** x [L…, N] → values [L…, k] and where they came from, i32 [L…, k]. Stable; NaN comes last either way. */
const sortOp: Op<SortAttributes> = {
  name: "sort",
  lowering: "kernel",
  infer: ([x], { k }) => {
    const length = x!.shape.at(-1);
    if (length === undefined || !Number.isInteger(k) || k < 1 || k > length) {
      throw new RangeError(`sort: first ${k} along the last axis of [${x!.shape}]`);
    }
    const shape = [...x!.shape.slice(0, -1), k];
    return [
      { shape, dtype: x!.dtype },
      { shape, dtype: "i32" },
    ];
  },
  evaluate: ([x], { descending, k }, [output]) => {
    const { shape } = output!;
    const values = new Float64Array(sizeOf(shape));
    const permutation = new Float64Array(values.length);
    const length = x!.shape.at(-1)!;
    for (let row = 0; row < values.length / k; row++) {
      const keys = x!.data.subarray(row * length, (row + 1) * length);
      const order = Array.from(keys.keys()).sort((i, j) => compare(keys[i]!, keys[j]!, descending));
      for (let i = 0; i < k; i++) {
        permutation[row * k + i] = order[i]!;
        values[row * k + i] = keys[order[i]!]!;
      }
    }
    return [
      { shape, data: values },
      { shape, data: permutation },
    ];
  },
  gradient: (node, [g]) => [g && addAlong(node.outputs[1]!, g, node.inputs[0]!.shape.at(-1)!)],
  // Comparisons are no floating-point operations.
  flops: () => 0,
  independent: (node) => ({ axes: node.inputs[0]!.shape.length - 1, shared: [] }),
};

function compare(a: number, b: number, descending: boolean): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  if (a === b) return 0;
  return a < b === descending ? 1 : -1;
}

/** Sorted elements and where each came from. */
export interface Sorted {
  readonly values: Tensor;
  /** i32: the place along the last axis each value came from. */
  readonly indices: Tensor;
}

function sorted(x: Tensor, attributes: SortAttributes): Sorted {
  const [values, indices] = makeNode(sortOp, [x], attributes).outputs as [Tensor, Tensor];
  return { values, indices };
}

/** Sorts along the last axis; ascending by default. Equal elements keep their order; NaN comes last. */
export function sort(x: Tensor, { descending = false } = {}): Sorted {
  return sorted(x, { descending, k: x.shape.at(-1) ?? 0 });
}

/** The k largest elements along the last axis, largest first; of equal ones the earlier first. x [L…, N] → [L…, k]. */
export function topK(x: Tensor, k: number): Sorted {
  return sorted(x, { descending: true, k });
}

/** Place of the largest element along the last axis (the first of equals), i32: x [L…, N] → [L…]. */
export function argMaximum(x: Tensor): Tensor {
  return reshape(topK(x, 1).indices, x.shape.slice(0, -1));
}
