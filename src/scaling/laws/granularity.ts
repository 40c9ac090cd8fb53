// Krajewski et al. 2024: loss of mixtures of fine-grained experts, and the granularity that is best for a budget. Knows no
// architecture.

import { type Law, type Numbers, predict } from "../law.ts";
import { grid, sumOfTerms } from "../terms.ts";

/** L = c + (g/G^gamma + a)/N^alpha + b/D^beta with G = d_ff / d_expert. */
export const granularity: Law = {
  name: "moe-granularity",
  title: "Fine-grained experts",
  formula: "L = c + (g/G^gamma + a)/N^alpha + b/D^beta",
  source: "Krajewski et al. 2024 (arXiv 2402.07871), equation 9",
  convention:
    "N counts all parameters without embeddings; 64 times as many as are active; loss in nat a token",
  text: "C4",
  inputs: ["parameters", "tokens", "granularity"],
  output: "loss",
  constants: ["a", "alpha", "b", "beta", "g", "gamma", "c"],
  published: {
    krajewski: {
      source: "Krajewski et al. 2024, table 1",
      values: [18.1, 0.115, 30.8, 0.147, 2.1, 0.58, 0.47],
    },
  },
  domain: { parameters: [1.29e8, 3.7e9], tokens: [1.6e10, 1.3e11], granularity: [1, 16] },
  regression: {
    features: ([parameters, tokens, g]: Numbers) => [
      -Math.log(parameters!),
      -Math.log(tokens!),
      -Math.log(g!),
    ],
    // Coordinates: ln a, alpha, ln b, beta, ln g, gamma, ln c.
    ...sumOfTerms({
      terms: [
        [{ of: 6 }],
        [{ of: 4 }, { of: 5, by: 2 }, { of: 1, by: 0 }],
        [{ of: 0 }, { of: 1, by: 0 }],
        [{ of: 2 }, { of: 3, by: 1 }],
      ],
    }),
    huber: 1e-3,
    starts: () => grid([2, 5], [0.1, 0.3], [2, 5], [0.1, 0.3], [0, 2], [0.4, 0.9], [-0.7, 0.3]),
    toFree: ([a, alpha, b, beta, g, gamma, c]) => [
      ...[Math.log(a!), alpha!, Math.log(b!), beta!],
      ...[Math.log(g!), gamma!, Math.log(c!)],
    ],
    toConstants: ([a, alpha, b, beta, g, gamma, c]: Numbers) => [
      ...[Math.exp(a!), alpha!, Math.exp(b!), beta!],
      ...[Math.exp(g!), gamma!, Math.exp(c!)],
    ],
  },
};

/** A mixture of experts of `layers` layers: what its routing costs grows with granularity. */
export interface GranularShape {
  readonly width: number;
  readonly layers: number;
  /** Experts for each of a layer without routing: the rate by which parameters grow. */
  readonly expansion: number;
}

/**
 * Training operations per token: (12 d² c_f + d E G c_r) L with c_f = 6 and c_r = 14, as in code that the authors released. With
 * models of width 64·L these give the granularities that the paper finds best, 8 at 1e18 FLOP and 64 at 1e25; c_r = 6 or 28 do not.
 */
export function granularFlopsPerToken({ width, layers, expansion }: GranularShape, g: number): number {
  return (12 * width ** 2 * 6 + width * expansion * g * 14) * layers;
}

/** The power of two from 1 to 4,096 with the least loss for a shape and a budget of operations. */
export function bestGranularity(
  shape: GranularShape,
  flops: number,
  constants: readonly number[] = granularity.published.krajewski!.values,
): { granularity: number; tokens: number; loss: number } {
  const parameters = (4 + 8 * shape.expansion) * shape.width ** 2 * shape.layers;
  const candidates = Array.from({ length: 13 }, (_, power) => {
    const g = 2 ** power;
    const tokens = flops / granularFlopsPerToken(shape, g);
    return { granularity: g, tokens, loss: predict(granularity, constants, [parameters, tokens, g]) };
  });
  return candidates.reduce((best, one) => (one.loss < best.loss ? one : best));
}
