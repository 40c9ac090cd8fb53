// Scores of answers that are classes, by their cross-entropy. Knows no objective. R answers, V classes.
import { crossEntropies, softCrossEntropies } from "../../tensor/composites/loss.ts";
import { and, cast, equal, less, lessEqual, select } from "../../tensor/ops/elementwise.ts";
import { iota } from "../../tensor/ops/leaf.ts";
import { max, min, sum } from "../../tensor/ops/reduce.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Score } from "./objective.ts";

/** logits [R, V], targets i32 [R]; negative ones are not scored. */
export function scoreClasses(logits: Tensor, targets: Tensor): Score {
  const count = sum(cast(lessEqual(0, targets), "f32"));
  return { loss: sum(crossEntropies(logits, targets)), count, statistics: {} };
}

/** The same, and how often the likeliest class (of equally likely ones the first) is the target. */
export function scoreGuesses(logits: Tensor, targets: Tensor): Score {
  const hits = cast(equal(firstOfLargest(logits), targets), "f32");
  return { ...scoreClasses(logits, targets), statistics: { accuracy: sum(hits) } };
}

/** logits [R, V], shares of classes f32 [R, V], rows of zeros not scored; right is the class with the largest share. */
export function scoreShares(logits: Tensor, shares: Tensor): Score {
  const scored = less(0, sum(shares, [-1]));
  const hits = and(scored, equal(firstOfLargest(logits), firstOfLargest(shares)));
  return {
    loss: sum(softCrossEntropies(logits, shares)),
    count: sum(cast(scored, "f32")),
    statistics: { accuracy: sum(cast(hits, "f32")) },
  };
}

/** As `argMaximum`, by reductions that share a pass over the logits with the loss: x [R, V] → i32 [R]. */
export function firstOfLargest(x: Tensor): Tensor {
  const places = iota(x.shape, 1);
  return min(select(equal(x, max(x, [-1], true)), places, x.shape[1]!), [-1]);
}
