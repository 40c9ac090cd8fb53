// Running sums along the last axis.
import { apply, type Op, type Tensor } from "../tensor.ts";

export interface CumulativeSumAttributes {
  /** Each place holds the sum of those before it, without its own. */
  readonly exclusive: boolean;
  /** Sums run from the end. */
  readonly reverse: boolean;
}

const cumulativeSumOp: Op<CumulativeSumAttributes> = {
  name: "cumulativeSum",
  lowering: "kernel",
  infer: ([x]) => {
    if (x!.shape.length === 0 || x!.dtype === "bool") {
      throw new RangeError(
        `cumulativeSum: ${x!.dtype} [${x!.shape}]; expected numbers along at least one axis`,
      );
    }
    return [x!];
  },
  evaluate: ([x], { exclusive, reverse }) => {
    const data = new Float64Array(x!.data.length);
    const length = x!.shape.at(-1)!;
    for (let start = 0; start < data.length; start += length) {
      let total = 0;
      for (let i = 0; i < length; i++) {
        const at = start + (reverse ? length - 1 - i : i);
        const before = total;
        total += x!.data[at]!;
        data[at] = exclusive ? before : total;
      }
    }
    return [{ shape: x!.shape, data }];
  },
  gradient: (node, [g]) => {
    const { exclusive, reverse } = node.attributes;
    return [g && cumulativeSum(g, { exclusive, reverse: !reverse })];
  },
  flops: (node) => node.inputs[0]!.shape.reduce((product, size) => product * size, 1),
  independent: (node) => ({ axes: node.inputs[0]!.shape.length - 1, shared: [] }),
};

/** Running sum along the last axis: y[i] = Σ_{j ≤ i} x[j]; `exclusive` for j < i, `reverse` for j ≥ i (or j > i). */
export function cumulativeSum(x: Tensor, { exclusive = false, reverse = false } = {}): Tensor {
  return apply(cumulativeSumOp, [x], { exclusive, reverse });
}
