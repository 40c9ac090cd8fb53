// How the best model grows with compute: N_opt = k·C^a, D_opt = C / (6·N_opt). Knows nothing of how optima are found.

import type { Diagnostic } from "./diagnose.ts";
import type { Estimate } from "./intervals.ts";
import { lineThrough } from "./line.ts";

/** The size that is best for a budget. */
export interface Optimum {
  readonly flops: number;
  readonly parameters: number;
  readonly loss: number;
}

/** What approaches 1 and 2 come to. */
export interface FrontierFit {
  readonly law: "isoflop" | "envelope";
  readonly formula: "N_opt = k·C^a, D_opt = C/(6·N_opt)";
  readonly convention: string;
  readonly points: number;
  readonly constants: { readonly k: Estimate; readonly a: Estimate };
  readonly optima: readonly Optimum[];
  readonly intervals: {
    readonly method: "bootstrap" | "none";
    readonly level: number;
    readonly samples: number;
  };
  readonly domain: {
    readonly flops: readonly [number, number];
    readonly parameters: readonly [number, number];
  };
  readonly diagnostics: readonly Diagnostic[];
}

export const frontierFormula = "N_opt = k·C^a, D_opt = C/(6·N_opt)";

/** The line of least squares in logarithms. */
export function powerLawOf(optima: readonly Optimum[]): { k: number; a: number } {
  const points = optima.map(({ flops, parameters }) => ({ x: Math.log(flops), y: Math.log(parameters) }));
  const { slope, intercept } = lineThrough(points);
  return { k: Math.exp(intercept), a: slope };
}

/** Says where the best sizes lie about the law by more than half of what they spread; of two there is nothing to say. */
export function poorFrontier(optima: readonly Optimum[]): Diagnostic[] {
  if (optima.length < 3) return [];
  const { k, a } = powerLawOf(optima);
  const sizes = optima.map(({ parameters }) => Math.log(parameters));
  const mean = sizes.reduce((sum, one) => sum + one, 0) / sizes.length;
  const spread = Math.hypot(...sizes.map((size) => size - mean));
  const left = Math.hypot(...optima.map(({ flops }, i) => sizes[i]! - Math.log(k * flops ** a)));
  if (left <= spread / 2) return [];
  const text = `the best sizes of ${optima.length} budgets do not follow a power law: ${Math.round((100 * left) / spread)} % of their spread is left`;
  return [{ kind: "poor fit", text }];
}

/**
 * Approach 1 as published (Hoffmann et al. 2022, table 3 of optimal sizes): the line through its ends, 400 M parameters at 1.92e19
 * FLOP and 1 T at 1.27e26. The exponent, 0.498, is printed as 0.50.
 */
export const hoffmannEnvelope = powerLawOf([
  { flops: 1.92e19, parameters: 4e8, loss: 0 },
  { flops: 1.27e26, parameters: 1e12, loss: 0 },
]);
