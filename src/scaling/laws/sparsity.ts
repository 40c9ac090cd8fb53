// Abnar et al. 2025: loss of mixtures of experts from total parameters, tokens and the share of inactive experts. Knows no
// architecture.

import { type Law, type Numbers, predict } from "../law.ts";
import { grid, sumOfTerms } from "../terms.ts";

/** L = a/N^alpha + b/D^beta + c/(1-S)^lambda + d/((1-S)^delta N^gamma) + e with S = (E - K)/E. */
export const sparsity: Law = {
  name: "moe-sparsity",
  title: "Sparse experts",
  formula: "L = a/N^alpha + b/D^beta + c/(1-S)^lambda + d/((1-S)^delta·N^gamma) + e",
  source: "Abnar et al. 2025 (arXiv 2501.12370), equation 6",
  convention:
    "N counts all parameters, S is the share of experts that a token does not meet; loss in nat a token",
  text: "RedPajama",
  inputs: ["parameters", "tokens", "sparsity"],
  output: "loss",
  constants: ["a", "b", "c", "d", "e", "alpha", "beta", "lambda", "delta", "gamma"],
  // With lambda near zero, c/(1-S)^lambda + e is nearly c + e + c·lambda·ln(1/(1-S)), and d/((1-S)^delta N^gamma) bends it as well:
  // of 200 sets of 100 runs intervals by bootstrap held d, gamma and delta in 80, 82 and 88 %.
  exchangeable: ["c", "d", "e", "lambda", "delta", "gamma"],
  published: {
    abnar: {
      source: "Abnar et al. 2025, table 3",
      values: [16612.5, 5455.67, 0.4598, 17.26, 0.94, 0.5962, 0.3954, -0.1666, 0.1603, 0.1595],
    },
  },
  domain: { parameters: [1e8, 1.3e11], sparsity: [0, 0.98], flops: [3e19, 1e21] },
  regression: {
    features: ([parameters, tokens, s]: Numbers) => [
      ...[-Math.log(parameters!), -Math.log(tokens!), -Math.log1p(-s!)],
    ],
    ...sumOfTerms({
      terms: [
        [{ of: 0 }, { of: 5, by: 0 }],
        [{ of: 1 }, { of: 6, by: 1 }],
        [{ of: 2 }, { of: 7, by: 2 }],
        [{ of: 3 }, { of: 8, by: 2 }, { of: 9, by: 0 }],
        [{ of: 4 }],
      ],
    }),
    huber: 1e-3,
    starts: () =>
      grid([5, 10], [5, 10], [-1], [3], [-0.5, 0.5], [0.3, 0.6], [0.3, 0.5], [-0.2, 0.1], [0.2], [0.2]),
    toFree: (constants) => constants.map((value, i) => (i < 5 ? Math.log(value) : value)),
    toConstants: (free) => Array.from(free, (value, i) => (i < 5 ? Math.exp(value) : value)),
  },
};

/** The sparsity of least loss, between 0 and 0.99, at the same total parameters and the same operations: fewer active ones see more tokens. */
export function bestSparsity(
  { parameters, flops }: { readonly parameters: number; readonly flops: number },
  constants: readonly number[] = sparsity.published.abnar!.values,
): { sparsity: number; tokens: number; loss: number } {
  const candidates = Array.from({ length: 100 }, (_, percent) => {
    const s = percent / 100;
    const tokens = flops / (6 * parameters * (1 - s));
    return { sparsity: s, tokens, loss: predict(sparsity, constants, [parameters, tokens, s]) };
  });
  return candidates.reduce((best, one) => (one.loss < best.loss ? one : best));
}
