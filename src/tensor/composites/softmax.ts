// Softmax and its logarithm along the last axis, stable for any finite logits.
import { add, divide, exp, log, stopGradient, subtract } from "../ops/elementwise.ts";
import { reshape } from "../ops/movement.ts";
import { max, sum } from "../ops/reduce.ts";
import type { Tensor } from "../tensor.ts";

/** x minus its largest element; softmax does not change, so no gradient flows through the largest. */
function centered(x: Tensor): { top: Tensor; rest: Tensor } {
  const top = stopGradient(max(x, [-1], true));
  return { top, rest: subtract(x, top) };
}

/** exp(x) / Σ exp(x) along the last axis. */
export function softmax(x: Tensor): Tensor {
  const weights = exp(centered(x).rest);
  return divide(weights, sum(weights, [-1], true));
}

/** Logarithm of `softmax`. */
export function logSoftmax(x: Tensor): Tensor {
  const { rest } = centered(x);
  return subtract(rest, log(sum(exp(rest), [-1], true)));
}

/** log Σ exp(x) along the last axis: [L…, N] → [L…]. */
export function logSumExp(x: Tensor): Tensor {
  const { top, rest } = centered(x);
  return reshape(add(top, log(sum(exp(rest), [-1], true))), x.shape.slice(0, -1));
}
