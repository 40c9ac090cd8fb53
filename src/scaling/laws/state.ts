// The state-optimal law of the MAD paper: perplexity against the total size of state at equal compute. Knows no architecture.

import type { Law, Numbers } from "../law.ts";
import { linearRegression } from "../leastSquares.ts";

/** P = k·M^c. The paper gives the exponent, about -0.28, and no factor. */
export const stateOptimal: Law = {
  name: "state",
  title: "State-optimal",
  formula: "P = k·M^c",
  source: "Poli et al. 2024 (arXiv 2403.17844), section 4; c is about -0.28 there",
  convention: "M is the total number of state elements; P the perplexity at the best size for equal compute",
  text: "the Pile",
  inputs: ["state"],
  output: "perplexity",
  constants: ["k", "c"],
  published: {},
  domain: { flops: [4e18, 8e19] },
  regression: {
    features: ([state]: Numbers) => [1, Math.log(state!)],
    ...linearRegression(2),
    toFree: ([k, c]) => [Math.log(k!), c!],
    toConstants: ([k, c]: Numbers) => [Math.exp(k!), c!],
  },
};
