// Gadre et al. 2024: loss of models trained on more tokens per parameter than is optimal, and downstream error from loss.
// Knows no budget.

import type { Law, Numbers } from "../law.ts";
import { leastSquares } from "../leastSquares.ts";
import { grid, sumOfTerms } from "../terms.ts";

const source = "Gadre et al. 2024 (arXiv 2403.08540)";

/** Both exponents are one, so that overtraining shifts curves of loss against compute without tilting them. */
export const overtraining: Law = {
  name: "overtraining",
  title: "Overtraining",
  formula: "L = E + alpha·N^b + beta·6^(b/2)·(M·N)^b, with M = D/N and b < 0",
  source: `${source}, equation 4`,
  convention: "N counts all parameters; C = 6·N·D; loss in nat a token",
  text: "C4's validation set",
  inputs: ["parameters", "tokens"],
  output: "loss",
  constants: ["alpha", "beta", "b", "E"],
  published: {
    redpajama: {
      source: `${source}: five runs on RedPajama, fitted again from the released losses`,
      values: [166.2, 366.7, -0.2729, 1.8366],
    },
  },
  domain: { parameters: [1.1e7, 4.12e8], tokens: [2e8, 8.2e9], flops: [1.3e16, 2e19] },
  regression: {
    features: ([parameters, tokens]: Numbers) => [Math.log(parameters!), Math.log(tokens!) + Math.log(6) / 2],
    ...sumOfTerms({
      terms: [[{ of: 0 }, { of: 2, by: 0 }], [{ of: 1 }, { of: 2, by: 1 }], [{ of: 3 }]],
    }),
    compared: "value",
    huber: Infinity,
    starts: () => grid([0, 5, 10], [0, 5, 10], [-0.1, -0.3, -0.6], [-0.5, 0.5]),
    toFree: ([alpha, beta, b, E]) => [Math.log(alpha!), Math.log(beta!), b!, Math.log(E!)],
    toConstants: ([alpha, beta, b, e]: Numbers) => [Math.exp(alpha!), Math.exp(beta!), b!, Math.exp(e!)],
  },
};

/** Average top-1 error of downstream tasks from loss. */
export const downstreamError: Law = {
  name: "downstream",
  title: "Downstream error from loss",
  formula: "error = epsilon - k·exp(-gamma·L)",
  source: `${source}, equation 5`,
  convention: "top-1 error, averaged over tasks; loss in nat a token",
  text: "C4's validation set",
  inputs: ["loss"],
  output: "error",
  constants: ["epsilon", "k", "gamma"],
  // The constants depend on the tasks; there are none for tasks in general.
  published: {},
  domain: { loss: [2, 6] },
  regression: {
    features: ([loss]: Numbers) => [loss!],
    // Coordinates: ln epsilon, ln(k / epsilon), gamma.
    evaluate: ([epsilon, ratio, gamma]: Numbers, features, offset, gradient) => {
      const loss = features[offset]!;
      const gain = Math.exp(ratio! - gamma! * loss);
      const left = 1 - gain;
      gradient[0] = 1;
      gradient[1] = -gain / left;
      gradient[2] = (gain * loss) / left;
      return left > 0 ? epsilon! + Math.log(left) : Number.NaN;
    },
    compared: "value",
    huber: Infinity,
    starts: ({ features, targets }) =>
      [0.5, 1, 2].map((gamma) => {
        const rows = Array.from(features, (loss) => [1, -Math.exp(-gamma * loss)]);
        const [epsilon, k] = leastSquares(rows, targets.map(Math.exp));
        const least = Math.exp(Math.max(...targets));
        const safe = Math.max(epsilon!, least);
        return [Math.log(safe), Math.log(Math.max(k!, 1e-3 * safe) / safe), gamma];
      }),
    toFree: ([epsilon, k, gamma]) => [Math.log(epsilon!), Math.log(k! / epsilon!), gamma!],
    toConstants: ([epsilon, ratio, gamma]: Numbers) => [
      Math.exp(epsilon!),
      Math.exp(epsilon! + ratio!),
      gamma!,
    ],
  },
};
