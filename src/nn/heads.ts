// Features divided over heads, for the mixers that have them. Knows no mixer.
// B batch, T length, H heads, W width of all heads together.
import { RequestError } from "../errors.ts";
import { reshape } from "../tensor/ops/movement.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** As many heads as make them about `headWidth` wide, at least one. */
export function headsOf(width: number, headWidth: number): number {
  return Math.max(1, Math.round(width / headWidth));
}

/** The same, of those numbers that divide the width. */
export function evenHeadsOf(width: number, headWidth: number): number {
  return nearestDivisor(width, headsOf(width, headWidth));
}

/** Errors: RequestError, begun by `what`, where `heads` do not divide the features called `name`. */
export function requireHeads(what: string, name: string, width: number, heads: number): void {
  if (width % heads === 0) return;
  throw new RequestError(
    `${what}: ${name} ${width} is not divisible by heads ${heads}; expected a divisor of ${name}, such as ` +
      `${nearestDivisor(width, heads)}`,
  );
}

/** The divisor of `whole` nearest to `wanted`, the smaller of two. */
export function nearestDivisor(whole: number, wanted: number): number {
  const distance = (divisor: number) => Math.abs(divisor - wanted);
  let best = 1;
  for (let small = 1; small * small <= whole; small++) {
    if (whole % small !== 0) continue;
    for (const divisor of [small, whole / small]) {
      const nearer = distance(divisor) - distance(best);
      if (nearer < 0 || (nearer === 0 && divisor < best)) best = divisor;
    }
  }
  return best;
}

/** x [..., W] → [..., H, W/H]. */
export function splitHeads(x: Tensor, heads: number): Tensor {
  return reshape(x, [...x.shape.slice(0, -1), heads, x.shape.at(-1)! / heads]);
}

/** x [..., H, w] → [..., H·w]. */
export function joinHeads(x: Tensor): Tensor {
  const [heads, width] = x.shape.slice(-2) as [number, number];
  return reshape(x, [...x.shape.slice(0, -2), heads * width]);
}
