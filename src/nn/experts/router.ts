// The router of experts: how much each expert is wanted by each token, and what is added to the loss so that all experts
// come to be used. Knows no capacity and no network. N tokens, D width, Z prototypes of X experts each, E = Z · X.
import { logSoftmax, logSumExp, softmax } from "../../tensor/composites/softmax.ts";
import { add, cast, divide, equal, multiply, negate, square } from "../../tensor/ops/elementwise.ts";
import { iota } from "../../tensor/ops/leaf.ts";
import { reshape } from "../../tensor/ops/movement.ts";
import { normal } from "../../tensor/ops/random.ts";
import { mean, sum } from "../../tensor/ops/reduce.ts";
import { topK } from "../../tensor/ops/sort.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { linearMap } from "../linear.ts";
import type { Surroundings } from "../primitive.ts";
import type { Scope } from "../scope.ts";

export interface RouterSettings {
  readonly experts: number;
  readonly prototypes: number;
  /** Standard deviation of the noise on logits while training, times X. */
  readonly noise: number;
  /** Weight of the z-loss. */
  readonly zLoss: number;
}

export interface Wanted {
  /** [N, Z, X], 1 over each prototype. */
  readonly probabilities: Tensor;
}

/**
 * x [N, D] → probabilities. While training, logits get Gaussian noise of standard deviation noise / X (WideNet's code:
 * 1 / X), and the mean of (log Σ exp)² times `zLoss` is added to the loss (Zoph et al. 2022, "ST-MoE", equation 5).
 */
export function route(
  { experts, prototypes, noise, zLoss }: RouterSettings,
  { standardDeviation }: Surroundings,
  scope: Scope,
  x: Tensor,
): Wanted {
  const each = experts / prototypes;
  const clean = linearMap(scope.within("router"), x, { width: experts, bias: false, standardDeviation });
  const key = noise === 0 ? undefined : scope.randomKey();
  const noisy = key === undefined ? clean : add(clean, multiply(normal(key, clean.shape), noise / each));
  const logits = reshape(noisy, [x.shape[0]!, prototypes, each]);
  const probabilities = scope.observe("probabilities", softmax(logits));
  if (zLoss > 0) scope.loss("zLoss", multiply(mean(square(logSumExp(logits))), zLoss));
  scope.statistic("entropy", negate(mean(sum(multiply(probabilities, logSoftmax(logits)), [-1]))));
  return { probabilities };
}

export interface Chosen {
  /** Of all E, the best of each prototype first, i32 [N, Z, K]. */
  readonly experts: Tensor;
  /** [N, Z, K]. */
  readonly gates: Tensor;
}

/** The K likeliest experts of each prototype, with their probabilities, raw or divided by their sum, as gates. */
export function chooseExperts(
  { probabilities }: Wanted,
  chosen: number,
  gates: "raw" | "renormalised",
): Chosen {
  const [tokens, prototypes, each] = probabilities.shape as [number, number, number];
  const { values, indices } = topK(probabilities, chosen);
  const first = multiply(iota([tokens, prototypes, chosen], 1), each);
  return {
    experts: prototypes === 1 ? indices : add(indices, first),
    gates: gates === "raw" ? values : divide(values, sum(values, [-1], true)),
  };
}

/**
 * Adds balance · X · Σₑ fₑ·Pₑ to the loss, the mean over prototypes, where fₑ is the share of the choices that are e, before any is
 * dropped, and Pₑ the mean probability (Fedus et al. 2021, equation 4; with several choices as WideNet's code has it).
 */
export function balance({ probabilities }: Wanted, { experts }: Chosen, weight: number, scope: Scope): void {
  const [tokens, prototypes, each] = probabilities.shape as [number, number, number];
  const chosen = experts.shape[2]!;
  const numbers = iota([tokens * prototypes * chosen, prototypes * each], 1);
  const isChosen = cast(equal(reshape(experts, [tokens * prototypes * chosen, 1]), numbers), "f32");
  const load = multiply(mean(isChosen, [0]), prototypes); // [E], 1 over each prototype
  scope.statistic("load", divide(load, prototypes));
  if (weight === 0) return;
  const average = reshape(mean(probabilities, [0]), [prototypes * each]);
  scope.loss("balance", multiply(sum(multiply(load, average)), (weight * each) / prototypes));
}
