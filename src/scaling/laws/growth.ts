// Du et al. 2024 (G_stack): how many tokens a small model is trained on before its layers are stacked. Knows no growing.

import type { Law, Numbers } from "../law.ts";
import { linearRegression } from "../leastSquares.ts";

/** How many times the layers are stacked: 2 to 4 are good, 4 is advised. */
export const stackingFactor = 4;

/** log10 d = u·log10 N + v/log10 C + w. */
export const growthTiming: Law = {
  name: "growth",
  title: "Growth timing",
  formula: "log10 d = u·log10 N + v/log10 C + w",
  source: "Du et al. 2024 (arXiv 2405.15319), equation 4",
  convention: "d tokens are for the small model, N parameters and C operations for the large one",
  inputs: ["parameters", "flops"],
  output: "growthTokens",
  constants: ["u", "v", "w"],
  published: { "g-stack": { source: "Du et al. 2024, equation 4", values: [0.88, 163.27, -5.74] } },
  domain: { parameters: [4.1e8, 7e9], flops: [1e20, 1.4e22] },
  regression: {
    features: ([parameters, flops]: Numbers) => [
      ...[Math.log(parameters!), Math.LN10 / Math.log10(flops!), Math.LN10],
    ],
    ...linearRegression(3),
    toFree: (constants) => constants,
    toConstants: (free) => Array.from(free),
  },
};
