// Muennighoff et al. 2023: what tokens are worth that have been seen before, and parameters beyond what they can use. Knows no
// budget.

import type { Law, Numbers, Regression } from "../law.ts";
import { grid } from "../terms.ts";

/** What `times` - 1 repetitions leave of a quantity: in units of the unique amount (equation 5). */
export function effectiveTimes(times: number, decay: number): number {
  return times <= 1 ? times : 1 + decay * (1 - Math.exp(-(times - 1) / decay));
}

/** Effective tokens for each token trained on, at so many epochs of the same data. @param decay R*_D */
export function valueOfEpochs(epochs: number, decay = 15.387756): number {
  return effectiveTimes(epochs, decay) / epochs;
}

/**
 * N and D of the Chinchilla law are replaced by N' = U_N (1 + R*_N (1 - exp(-R_N / R*_N))) and D' likewise, with U_D unique tokens and
 * U_N the parameters that are optimal for them. Both exponents are one.
 */
export const dataConstrained: Law = {
  name: "data-constrained",
  title: "Data-constrained",
  formula: "L = E + A/N'^alpha + B/D'^alpha; X' = U_X (1 + R*_X (1 - exp(-R_X/R*_X)))",
  source: "Muennighoff et al. 2023 (arXiv 2305.16264), section 3.1 and the released code",
  convention:
    "N counts all parameters; tokens are those trained on, unique tokens those that differ; loss in nat a token",
  text: "C4",
  inputs: ["parameters", "tokens", "uniqueTokens"],
  output: "loss",
  constants: ["A", "B", "E", "alpha", "RD", "RN"],
  published: {
    muennighoff: {
      source: "the constants in the released code of Muennighoff et al. 2023",
      values: [
        ...[Math.exp(6.255414), Math.exp(7.3049974), Math.exp(0.6254804)],
        ...[0.3526596, 15.387756, 5.309743],
      ],
    },
  },
  domain: { parameters: [7e6, 8.7e9], tokens: [1e8, 9e11], uniqueTokens: [1e8, 1.8e11], flops: [9e18, 2e22] },
  regression: {
    features: ([parameters, tokens, unique]: Numbers) => [
      Math.log(parameters!),
      Math.log(tokens!),
      // More unique tokens than are trained on are of no use.
      Math.log(Math.min(unique!, tokens!)),
    ],
    evaluate,
    huber: 1e-3,
    starts: () => grid([4, 8, 14], [4, 8, 14], [-0.5, 0.5], [0.2, 0.4], [1.5, 3], [1.5, 3]),
    toFree: ([A, B, E, alpha, RD, RN]) => [
      ...[Math.log(A!), Math.log(B!), Math.log(E!)],
      ...[alpha!, Math.log(RD!), Math.log(RN!)],
    ],
    toConstants: ([a, b, e, alpha, rd, rn]: Numbers) => [
      ...[Math.exp(a!), Math.exp(b!), Math.exp(e!)],
      ...[alpha!, Math.exp(rd!), Math.exp(rn!)],
    ],
  },
};

/** ln of effective times at ln times, and its derivatives by ln times and ln decay. */
function lnEffective(lnTimes: number, lnDecay: number): [value: number, byTimes: number, byDecay: number] {
  if (lnTimes <= 0) return [lnTimes, 1, 0];
  const [times, decay] = [Math.exp(lnTimes), Math.exp(lnDecay)];
  const more = (times - 1) / decay;
  const left = Math.exp(-more);
  const effective = 1 - decay * Math.expm1(-more);
  return [Math.log(effective), (times * left) / effective, (decay * (1 - left - more * left)) / effective];
}

function evaluate(
  free: Parameters<Regression["evaluate"]>[0],
  features: Numbers,
  offset: number,
  gradient: Float64Array,
): number {
  const [a, b, e, alpha, rd, rn] = free as unknown as [number, number, number, number, number, number];
  const [lnN, lnD, lnUnique] = [features[offset]!, features[offset + 1]!, features[offset + 2]!];
  const [data, , dataByDecay] = lnEffective(lnD - lnUnique, rd);
  // Optimal parameters for the unique tokens: with one exponent, N_opt / D_opt = (A/B)^(1/alpha).
  const lnOptimal = lnUnique + (a - b) / alpha;
  const [model, modelByTimes, modelByDecay] = lnEffective(lnN - lnOptimal, rn);
  const lnModel = lnOptimal + model;
  const lnData = lnUnique + data;
  const terms = [a - alpha * lnModel, b - alpha * lnData, e];
  const most = Math.max(...terms);
  const sizes = terms.map((term) => Math.exp(term - most));
  const sum = sizes[0]! + sizes[1]! + sizes[2]!;
  const [shareN, shareD, shareE] = [sizes[0]! / sum, sizes[1]! / sum, sizes[2]! / sum];
  // lnModel moves with lnOptimal by 1 - modelByTimes.
  const byOptimal = 1 - modelByTimes;
  gradient[0] = shareN * (1 - byOptimal);
  gradient[1] = shareD + shareN * byOptimal;
  gradient[2] = shareE;
  gradient[3] = -shareN * lnModel - shareD * lnData + (shareN * byOptimal * (a - b)) / alpha;
  gradient[4] = -shareD * alpha * dataByDecay;
  gradient[5] = -shareN * alpha * modelByDecay;
  return most + Math.log(sum);
}
