// The way into every Hyena: one product for all that is mixed, then a short convolution. Poli et al. 2023, section 3.4.
// B batch, T length, D width, M features of all projections.
import { concatenate } from "../../tensor/ops/movement.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { linearMap } from "../linear.ts";
import type { Surroundings } from "../primitive.ts";
import type { Scope } from "../scope.ts";
import { convolve, convolveStep } from "../shortConvolution.ts";

export interface ProjectionOptions {
  /** M. */
  readonly features: number;
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

/** x [B, T, D] → projections [B, T, M], and what entered the short convolution. */
export function project(options: ProjectionOptions, surroundings: Surroundings, scope: Scope, x: Tensor) {
  const entered = product(options, surroundings, scope, x);
  const convolution = { taps: options.taps, bias: true };
  return { projected: convolve(scope.within("convolution"), entered, convolution), entered };
}

/** One token x [B, D] after a tail → projections [B, M] and the next tail. */
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
  return { projected: y, tail: next };
}
