// Soft labels: smoothed ones, and those of mixed images. B rows of a batch, V classes.

import jstat from "jstat";
import { createRandom } from "../../random.ts";

/** Label `label` of `classes` as probabilities: (1 - smoothing) of it and smoothing / V of each (Szegedy et al. 2016). */
export function smoothLabel(row: Float32Array, label: number, smoothing: number): void {
  row.fill(smoothing / row.length);
  row[label]! += 1 - smoothing;
}

/**
 * mixup (Zhang et al. 2018): each row of `from` [B, ...] becomes `weight` of itself and the rest of the next row, the last
 * one of the first. Rows of a batch are in random order, so neighbours are pairs drawn at random.
 */
export function mixRows(from: Float32Array, to: Float32Array, weights: ArrayLike<number>): void {
  const rows = weights.length;
  const length = from.length / rows;
  for (let row = 0; row < rows; row++) {
    const weight = weights[row]!;
    const at = row * length;
    const other = ((row + 1) % rows) * length;
    for (let i = 0; i < length; i++) to[at + i] = weight * from[at + i]! + (1 - weight) * from[other + i]!;
  }
}

/** The weight of an item, drawn from Beta(alpha, alpha): a pure function of seed and item. */
export function mixWeights(seed: number, alpha: number): (item: number) => number {
  const random = createRandom(seed, 7);
  return (item) => {
    const weight = jstat.beta.inv(random.uniform(item), alpha, alpha);
    return Math.min(1, Math.max(0, weight));
  };
}
