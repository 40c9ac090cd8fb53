// How what several heads have read becomes the output of a mixer, plainly or under a gate. Knows no mixer.
// D width, H heads, V width of a head's values.
import { silu } from "../tensor/composites/activation.ts";
import { multiply } from "../tensor/ops/elementwise.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { joinHeads } from "./heads.ts";
import { linearMap } from "./linear.ts";
import type { Surroundings } from "./primitive.ts";
import type { Scope } from "./scope.ts";

/** What the heads read [..., H, V] → [..., D]. */
export function readOut(
  { width, standardDeviation }: Surroundings,
  scope: Scope,
  read: Tensor,
  bias: boolean,
): Tensor {
  const mixed = scope.observe("mixed", joinHeads(read));
  return linearMap(scope.within("output"), mixed, { width, bias, standardDeviation });
}

/** What the heads read [..., H, V], each normalised, under a gate made of x [..., D] → [..., D]. */
export function gatedReadOut(
  { width, standardDeviation }: Surroundings,
  scope: Scope,
  x: Tensor,
  read: Tensor,
  normalise: (read: Tensor) => Tensor,
): Tensor {
  const options = { bias: false, standardDeviation };
  const [heads, valueWidth] = read.shape.slice(-2) as [number, number];
  const gate = linearMap(scope.within("gate"), x, { ...options, width: heads * valueWidth });
  const mixed = scope.observe("mixed", multiply(joinHeads(normalise(read)), silu(gate)));
  return linearMap(scope.within("output"), mixed, { ...options, width });
}
