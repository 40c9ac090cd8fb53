// Normalisation along the last axis.
import { add, divide, multiply, sqrt, square, subtract } from "../ops/elementwise.ts";
import { mean } from "../ops/reduce.ts";
import type { Tensor } from "../tensor.ts";

/** (x - mean) / √(variance + epsilon), times `scale`, plus `bias` (both [D], optional): x [L…, D]. Ba et al. 2016. */
export function layerNorm(x: Tensor, scale?: Tensor, bias?: Tensor, epsilon = 1e-5): Tensor {
  const rest = subtract(x, mean(x, [-1], true));
  const normal = divide(rest, sqrt(add(mean(square(rest), [-1], true), epsilon)));
  const scaled = scale === undefined ? normal : multiply(normal, scale);
  return bias === undefined ? scaled : add(scaled, bias);
}

/** x / √(mean of squares + epsilon), times `scale` ([D], optional): x [L…, D]. Zhang and Sennrich 2019. */
export function rmsNorm(x: Tensor, scale?: Tensor, epsilon = 1e-5): Tensor {
  const normal = divide(x, sqrt(add(mean(square(x), [-1], true), epsilon)));
  return scale === undefined ? normal : multiply(normal, scale);
}
