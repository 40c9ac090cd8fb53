// Losses: one number for how wrong a prediction is.
import {
  cast,
  divide,
  equal,
  lessEqual,
  maximum,
  multiply,
  select,
  square,
  subtract,
} from "../ops/elementwise.ts";
import { iota } from "../ops/leaf.ts";
import { reshape } from "../ops/movement.ts";
import { mean, sum } from "../ops/reduce.ts";
import { sameShape, type Tensor } from "../tensor.ts";
import { logSumExp } from "./softmax.ts";

/** A mean and how much it is the mean of. */
export interface CrossEntropy {
  /** Mean over the counted rows, in nats; 0 when none is counted. */
  readonly loss: Tensor;
  /** Rows with a target, f32 []. */
  readonly count: Tensor;
}

/** -log softmax(logits)[target] for each row: logits [N, V], targets i32 [N] → [N]; 0 where the target is negative. */
export function crossEntropies(logits: Tensor, targets: Tensor): Tensor {
  const [rows, classes] = logits.shape as [number, number];
  if (
    logits.shape.length !== 2 ||
    targets.dtype !== "i32" ||
    targets.shape.length !== 1 ||
    targets.shape[0] !== rows
  ) {
    throw new RangeError(
      `crossEntropy: logits [${logits.shape}], targets ${targets.dtype} [${targets.shape}]; expected [N, V] and i32 [N]`,
    );
  }
  const isTarget = equal(iota([rows, classes], 1), reshape(targets, [rows, 1]));
  const picked = sum(select(isTarget, logits, 0), [-1]);
  return select(lessEqual(0, targets), subtract(logSumExp(logits), picked), 0);
}

/** -Σ share · log softmax(logits) of each row: logits [N, V], shares of classes f32 [N, V] → [N]; 0 for a row of zeros. */
export function softCrossEntropies(logits: Tensor, shares: Tensor): Tensor {
  if (logits.shape.length !== 2 || shares.dtype !== "f32" || !sameShape(logits.shape, shares.shape)) {
    throw new RangeError(
      `softCrossEntropies: logits [${logits.shape}], shares ${shares.dtype} [${shares.shape}]; expected f32 [N, V] of both`,
    );
  }
  const whole = multiply(sum(shares, [-1]), logSumExp(logits));
  return subtract(whole, sum(multiply(shares, logits), [-1]));
}

/** Mean cross-entropy of logits [N, V] against targets i32 [N]; rows with a negative target are ignored. */
export function crossEntropy(logits: Tensor, targets: Tensor): CrossEntropy {
  const count = sum(cast(lessEqual(0, targets), "f32"));
  return { loss: divide(sum(crossEntropies(logits, targets)), maximum(count, 1)), count };
}

/** Mean of (x - target)² over all elements. */
export function meanSquaredError(x: Tensor, target: Tensor): Tensor {
  return mean(square(subtract(x, target)));
}
