// Systems of equations with a lower triangular matrix.
import { apply, type Op, sizeOf, type Tensor } from "../tensor.ts";
import { matmul, swapLast } from "./contract.ts";
import { less, lessEqual, negate, select } from "./elementwise.ts";
import { iota } from "./leaf.ts";
import { broadcastTo } from "./movement.ts";

export interface TriangularSolveAttributes {
  /** The diagonal counts as ones and is not read. */
  readonly unit: boolean;
  /** Solve with the transpose of the matrix. */
  readonly transpose: boolean;
}

/** l [N…, n, n], b [N…, n, m] → x with l·x = b, or lᵀ·x = b. What stands above the diagonal of l is not read. */
const triangularSolveOp: Op<TriangularSolveAttributes> = {
  name: "triangularSolve",
  lowering: "kernel",
  infer: ([l, b]) => {
    const rank = l!.shape.length;
    const fits =
      rank >= 2 &&
      b!.shape.length === rank &&
      l!.shape[rank - 1] === l!.shape[rank - 2] &&
      l!.shape.slice(0, -1).every((size, axis) => size === b!.shape[axis]);
    if (!fits || l!.dtype !== "f32" || b!.dtype !== "f32") {
      throw new RangeError(`triangularSolve: ${l!.dtype} [${l!.shape}] with ${b!.dtype} [${b!.shape}]`);
    }
    return [{ shape: b!.shape, dtype: "f32" }];
  },
  evaluate: ([l, b], { unit, transpose }) => {
    const [n, m] = b!.shape.slice(-2) as [number, number];
    const data = Float64Array.from(b!.data);
    for (let batch = 0; batch < sizeOf(b!.shape.slice(0, -2)); batch++) {
      const matrix = l!.data.subarray(batch * n * n, (batch + 1) * n * n);
      const x = data.subarray(batch * n * m, (batch + 1) * n * m);
      for (let step = 0; step < n; step++) {
        const i = transpose ? n - 1 - step : step;
        for (let column = 0; column < m; column++) {
          let value = x[i * m + column]!;
          for (let before = 0; before < step; before++) {
            const j = transpose ? n - 1 - before : before;
            value -= matrix[transpose ? j * n + i : i * n + j]! * x[j * m + column]!;
          }
          x[i * m + column] = unit ? value : value / matrix[i * n + i]!;
        }
      }
    }
    return [{ shape: b!.shape, data }];
  },
  // x = l⁻¹b: ∂b = l⁻ᵀg, ∂l = -tril(∂b·xᵀ); for lᵀ the product is the other way round.
  gradient: (node, [g]) => {
    if (g === undefined) return [undefined, undefined];
    const { unit, transpose } = node.attributes;
    const l = node.inputs[0]!;
    const x = node.outputs[0]!;
    const db = triangularSolve(l, g, { unit, transpose: !transpose });
    const product = transpose ? matmul(x, swapLast(db)) : matmul(db, swapLast(x));
    return [negate(lowerTriangle(product, { strict: unit })), db];
  },
  flops: (node) => sizeOf(node.inputs[1]!.shape) * node.inputs[0]!.shape.at(-1)!,
  independent: (node) => ({ axes: node.inputs[0]!.shape.length - 2, shared: [] }),
};

/**
 * Solves l·x = b (or lᵀ·x = b) for x: l [N…, n, n] lower triangular, b [N…, n, m] → [N…, n, m]. Only the lower triangle
 * of l is read; with `unit` its diagonal counts as ones. A zero on the diagonal gives infinities.
 */
export function triangularSolve(l: Tensor, b: Tensor, { unit = false, transpose = false } = {}): Tensor {
  return apply(triangularSolveOp, [l, b], { unit, transpose });
}

/** x [N…, n, m] with zeros above the diagonal; `strict`: on it as well. */
export function lowerTriangle(x: Tensor, { strict = false } = {}): Tensor {
  const square = x.shape.slice(-2);
  const row = iota(square, 0);
  const column = iota(square, 1);
  return select(broadcastTo(strict ? less(column, row) : lessEqual(column, row), x.shape), x, 0);
}
