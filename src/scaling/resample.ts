// Fits to resamplings of runs, one after another. Knows no threads.

import { createRandom } from "../data/random.ts";
import type { Law, Observations } from "./law.ts";
import { minimise, type Objective } from "./minimise.ts";
import { summedObjective } from "./objective.ts";

/**
 * How runs are resampled: drawn with replacement, or each with a random weight from an exponential distribution, so that none is ever
 * left out (the Bayesian bootstrap; Xu et al. 2020, "fractional random weights").
 */
export type Weighting = "drawn" | "weighted";

/** Resamplings number `from` up to, not including, `to`. */
export interface Resampling {
  readonly law: string;
  readonly observations: Observations;
  /** From where each fit begins: the fit of all runs. */
  readonly free: Float64Array;
  readonly weighting: Weighting;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
}

/** Digits beyond these are lost in the spread of the samples. */
const enough = { gradient: 1e-12, decrease: 1e-9, floor: 0, iterations: 500 };

/** Free coordinates of each resampling. */
export function resampled(
  { observations, free, weighting, seed, from, to }: Resampling,
  law: Law,
): Float64Array[] {
  const points = observations.targets.length;
  const random = createRandom(seed, 0);
  const weights = new Float64Array(points);
  // The curvature at the minimum of all runs is near that of any resampling.
  const aside = free.map((value) => value + 0.01 * Math.max(0.1, Math.abs(value)));
  const { memory } = minimise(summedObjective(law, observations), aside, enough);
  /** Reads the weights anew in every search. */
  const weighted = summedObjective(law, observations, weights);
  return Array.from({ length: to - from }, (_, sample) => {
    const base = (from + sample) * points;
    if (weighting === "weighted") {
      for (let i = 0; i < points; i++) weights[i] = -Math.log(1 - random.uniform(base + i));
      return minimise(weighted, free, enough, memory).x;
    }
    weights.fill(0);
    for (let i = 0; i < points; i++) weights[random.integer(base + i, points)]! += 1;
    return minimise(drawnObjective(law, observations, weights), free, enough, memory).x;
  });
}

/** Of the runs that were drawn, each evaluated once: a third and more were not. */
function drawnObjective(
  law: Law,
  { features, width, targets }: Observations,
  times: Float64Array,
): Objective {
  const weights = times.filter((count) => count > 0);
  const drawn = {
    width,
    features: new Float64Array(weights.length * width),
    targets: new Float64Array(weights.length),
  };
  let to = 0;
  for (let i = 0; i < times.length; i++) {
    if (times[i] === 0) continue;
    for (let j = 0; j < width; j++) drawn.features[to * width + j] = features[i * width + j]!;
    drawn.targets[to++] = targets[i]!;
  }
  return summedObjective(law, drawn, weights);
}
