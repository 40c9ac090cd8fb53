// The way into every Hyena: one product for all that is mixed, then a short convolution. Poli et al. 2023, section 3.4.
// B batch, T length, D width, M features of all projections.
import { concatenate, split } from "../../tensor/ops/movement.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { linearMap } from "../linear.ts";
import type { Surroundings } from "../primitive.ts";
import type { Scope } from "../scope.ts";
import { convolveInParts, convolveStep } from "../shortConvolution.ts";

export interface ProjectionOptions {
  /** M. */
  readonly features: number;
  /** Projections, all of one width. */
  readonly parts: number;
  /** The product makes M / groups features and they are repeated `groups` times. */
  readonly groups: number;
  readonly taps: number;
  readonly bias: boolean;
}

/** x [..., D] → [..., M]. */
function product(
  { features, groups, bias }: ProjectionOptions,
  { standardDeviation }: Surroundings,
  scope: Scope,
  x: Tensor,
): Tensor {
  const made = linearMap(scope.within("input"), x, { width: features / groups, bias, standardDeviation });
  return concatenate(
    Array.from({ length: groups }, () => made),
    -1,
  );
}

/** x [B, T, D] → the projections, [B, T, M / parts] each, and what entered the short convolution. */
export function project(options: ProjectionOptions, surroundings: Surroundings, scope: Scope, x: Tensor) {
  const entered = product(options, surroundings, scope, x);
  const convolution = { taps: options.taps, bias: true };
  return {
    projections: convolveInParts(scope.within("convolution"), entered, convolution, options.parts),
    entered,
  };
}

/** One token x [B, D] after a tail → the projections, [B, M / parts] each, and the next tail. */
export function projectStep(
  options: ProjectionOptions,
  surroundings: Surroundings,
  scope: Scope,
  x: Tensor,
  tail: Tensor,
) {
  const entered = product(options, surroundings, scope, x);
  const convolution = { taps: options.taps, bias: true };
  const { y, tail: next } = convolveStep(scope.within("convolution"), entered, tail, convolution);
  const sizes = Array.from({ length: options.parts }, () => options.features / options.parts);
  return { projections: split(y, sizes, -1), tail: next };
}
