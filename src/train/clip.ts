// The norm of all gradients together, and gradients scaled down to a limit of it. Pascanu et al. 2013, algorithm 1.
import { add, divide, minimum, multiply, sqrt, square } from "../tensor/ops/elementwise.ts";
import { sum } from "../tensor/ops/reduce.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** √Σ g² over all elements of all tensors, f32 []. */
export function globalNorm(gradients: readonly Tensor[]): Tensor {
  return sqrt(gradients.map((gradient) => sum(square(gradient))).reduce(add));
}

/** Gradients whose global norm is at most `limit`: each times min(1, limit / (norm + 1e-6)). */
export function clip(gradients: readonly Tensor[], norm: Tensor, limit: number): Tensor[] {
  const scale = minimum(divide(limit, add(norm, 1e-6)), 1);
  return gradients.map((gradient) => multiply(gradient, scale));
}
