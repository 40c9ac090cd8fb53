// The norm of all gradients together, and what brings it down to a limit. Pascanu et al. 2013, algorithm 1.
import { add, divide, minimum, sqrt, square } from "../tensor/ops/elementwise.ts";
import { sum } from "../tensor/ops/reduce.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** √Σ g² over all elements of all tensors, f32 []. */
export function globalNorm(gradients: readonly Tensor[]): Tensor {
  let sums = gradients.map((gradient) => sum(square(gradient)));
  // In pairs: errors and the depth of the graph stay small, however many there are.
  while (sums.length > 1) {
    sums = sums
      .filter((_, i) => i % 2 === 0)
      .map((left, i) => (2 * i + 1 < sums.length ? add(left, sums[2 * i + 1]!) : left));
  }
  return sqrt(sums[0]!);
}

/** What gradients of a global norm are multiplied by to bring it to at most `limit`: min(1, limit / (norm + 1e-6)). */
export function clipScale(norm: Tensor, limit: number): Tensor {
  return minimum(divide(limit, add(norm, 1e-6)), 1);
}
