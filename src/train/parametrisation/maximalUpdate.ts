// Maximal update parametrisation for Adam, over width (muP: Yang et al. 2021, table 8, in the form with a multiplier at the
// logits) and over depth (Depth-muP: Yang et al. 2023; CompleteP: Dey et al. 2025, table 1). Knows no training.
import type { Architecture } from "../../architecture/schema.ts";
import type { ParameterDeclaration } from "../../nn/parameters.ts";
import type { OptimizerFactors } from "../optimizer.ts";
import type { Parametrisation } from "./settings.ts";
import type { WidthAxes } from "./widthAxes.ts";

/** Those of width, with or without depth. */
export type MaximalUpdate = Extract<Parametrisation, { readonly baseWidth: number }>;

/** Ratios to the base, and α: what residual branches are multiplied by is depth^-α. */
interface Ratios {
  readonly width: number;
  readonly depth: number;
  readonly alpha: number;
  readonly zeroHead: boolean;
}

export function ratiosOf(architecture: Architecture, to: MaximalUpdate): Ratios {
  const width = architecture.width / to.baseWidth;
  const { zeroHead } = to;
  if (to.kind === "mup") return { width, depth: 1, alpha: 1, zeroHead };
  const alpha = to.kind === "completep" ? 1 : 0.5;
  return { width, depth: architecture.repeat / to.baseDepth, alpha, zeroHead };
}

/** Multipliers of the forward pass. */
export function multipliers({ width, depth, alpha }: Ratios): {
  readonly logits: number;
  readonly residual: number;
} {
  return { logits: 1 / width, residual: depth ** -alpha };
}

/** What one parameter's deviation at the start and its optimiser's settings are multiplied by. */
export function maximalUpdateFactors(
  name: string,
  { role }: ParameterDeclaration,
  { grows, exponent }: WidthAxes,
  { width, depth, alpha, zeroHead }: Ratios,
): OptimizerFactors & { readonly deviation: number } {
  // Leading axes are of matrices side by side.
  const [reads, writes] = [grows.at(-2) ?? false, grows.at(-1)!];
  const sumsOverWidth = role === "hidden" && reads;
  const isInBlock = /^(?:block\.\d+|first|last)\./.test(name);
  const wanted = writes ? 0.5 : 1;
  return {
    // Some initialisers go by their inputs already.
    deviation: role === "head" && zeroHead ? 0 : sumsOverWidth ? width ** (exponent - wanted) : 1,
    rate: (sumsOverWidth ? 1 / width : 1) * (isInBlock ? depth ** (alpha - 1) : 1),
    weightDecay: sumsOverWidth ? width : 1,
    epsilon: (isInBlock ? depth ** -alpha : 1) / width,
  };
}
