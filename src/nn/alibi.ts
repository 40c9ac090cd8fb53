// Attention with linear biases: a score falls with the distance of its key, by a slope of each head's own. Press et al.
// 2022. A softmax does not see what all its scores share, so slope·(j - i) may be slope·j: one more feature of queries
// and keys. B batch, T length, H heads, d head width.
import { cast } from "../tensor/ops/elementwise.ts";
import { literal } from "../tensor/ops/leaf.ts";
import { broadcastTo, concatenate, reshape } from "../tensor/ops/movement.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** More heads than any model has. */
export const MOST_SLOPES = 4096;

/**
 * A slope for each head: 2^(-8/n), 2^(-16/n), … for the largest power of two n ≤ heads; those left over take every other
 * slope of 2n heads.
 */
export function alibiSlopes(heads: number): number[] {
  const whole = 2 ** Math.floor(Math.log2(heads));
  const between = Array.from({ length: heads - whole }, (_, i) => 2 ** ((-4 * (2 * i + 1)) / whole));
  return [...Array.from({ length: whole }, (_, i) => 2 ** ((-8 * (i + 1)) / whole)), ...between];
}

/** Queries [B, T, H, d] → [B, T, H, d + 1]; `divisor` undoes the factor on the scores. */
export function slopedQueries(query: Tensor, divisor: number): Tensor {
  const [batch, length, heads] = query.shape as [number, number, number];
  const slopes = literal(
    alibiSlopes(heads).map((slope) => slope * divisor),
    [heads, 1],
  );
  return concatenate([query, broadcastTo(slopes, [batch, length, heads, 1])], 3);
}

/** Keys [B, T, H, d] at positions i32 [T] → [B, T, H, d + 1]. */
export function placedKeys(key: Tensor, positions: Tensor): Tensor {
  const [batch, length, heads] = key.shape as [number, number, number];
  const places = reshape(cast(positions, "f32"), [length, 1, 1]);
  return concatenate([key, broadcastTo(places, [batch, length, heads, 1])], 3);
}
