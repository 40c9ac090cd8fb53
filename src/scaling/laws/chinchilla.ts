// Hoffmann et al. 2022, approach 3: loss from parameters and tokens, with Besiroglu's refit of 2024. Knows no budget.

import type { Law, Numbers } from "../law.ts";
import { grid, sumOfTerms } from "../terms.ts";

/** Constants of L = E + A/N^alpha + B/D^beta. */
export type ChinchillaConstants = readonly [A: number, B: number, E: number, alpha: number, beta: number];

/** N_opt = G (C/6)^a and D_opt = (C/6)^(1-a) / G (Hoffmann et al. 2022, equation 4). */
export function chinchillaOptimum([A, B, , alpha, beta]: readonly number[]): { a: number; G: number } {
  return {
    a: beta! / (alpha! + beta!),
    G: ((alpha! * A!) / (beta! * B!)) ** (1 / (alpha! + beta!)),
  };
}

/** L = E + A/N^alpha + B/D^beta. */
export const chinchilla: Law = {
  name: "chinchilla",
  title: "Chinchilla, approach 3",
  formula: "L = E + A/N^alpha + B/D^beta",
  source: "Hoffmann et al. 2022 (arXiv 2203.15556), section 3.3; Besiroglu et al. 2024 (arXiv 2404.10102)",
  convention: "N counts all parameters, embeddings too; C = 6·N·D; loss in nat a token",
  text: "MassiveText",
  inputs: ["parameters", "tokens"],
  output: "loss",
  constants: ["A", "B", "E", "alpha", "beta"],
  published: {
    hoffmann: {
      source: "the unrounded constants in the source text of Hoffmann et al. 2022",
      values: [406.4, 410.7, 1.6934, 0.33917, 0.28491],
    },
    "hoffmann-rounded": {
      source: "Hoffmann et al. 2022, equation 10, as printed",
      values: [406.4, 410.7, 1.69, 0.34, 0.28],
    },
    besiroglu: {
      source: "Besiroglu et al. 2024, 240 points read off a figure of Hoffmann et al., 4,000 bootstraps",
      values: [482.01, 2085.43, 1.8172, 0.3478, 0.3658],
      standardErrors: [124.5, 1293, 0.026, 0.015, 0.021],
      // Of ln A, ln B, ln E, alpha, beta: of 4,000 bootstraps of the same points by `fitLaw` with seed 0.
      covariance: [
        [0.0625442, -0.0242718, 0.00205769, 0.00372731, -0.00121767],
        [-0.0242718, 0.176851, 0.0036985, -0.00151505, 0.00864119],
        [0.00205769, 0.0036985, 0.000197136, 0.000121412, 0.000180122],
        [0.00372731, -0.00151505, 0.000121412, 0.000222439, -7.60551e-5],
        [-0.00121767, 0.00864119, 0.000180122, -7.60551e-5, 0.000422498],
      ],
    },
  },
  domain: { parameters: [5.7e7, 1.62e10], tokens: [2.45e8, 5e11], flops: [1.4e18, 1.3e22] },
  regression: {
    features: ([parameters, tokens]: Numbers) => [-Math.log(parameters!), -Math.log(tokens!)],
    ...sumOfTerms({
      terms: [[{ of: 0 }, { of: 3, by: 0 }], [{ of: 1 }, { of: 4, by: 1 }], [{ of: 2 }]],
    }),
    huber: 1e-3,
    starts: () => grid([0, 10, 20], [0, 10, 20], [-0.5, 0.5], [0, 0.5, 1], [0, 0.5, 1]),
    toFree: ([A, B, E, alpha, beta]) => [Math.log(A!), Math.log(B!), Math.log(E!), alpha!, beta!],
    toConstants: ([a, b, e, alpha, beta]: Numbers) => [
      Math.exp(a!),
      Math.exp(b!),
      Math.exp(e!),
      alpha!,
      beta!,
    ],
  },
  derived: chinchillaOptimum,
};
