// Fits to resamplings of runs, one after another. Knows no threads.

import { createRandom } from "../data/random.ts";
import type { Law, Observations } from "./law.ts";
import { minimise } from "./minimise.ts";
import { summedObjective } from "./objective.ts";

/** Resamplings number `from` up to, not including, `to`. */
export interface Resampling {
  readonly law: string;
  readonly observations: Observations;
  /** From where each fit begins: the fit of all runs. */
  readonly free: Float64Array;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
}

/** Digits beyond these are lost in the spread of the samples. */
const enough = { gradient: 1e-12, decrease: 1e-9, floor: 0, iterations: 500 };

/** Free coordinates of each resampling, runs drawn with replacement. */
export function resampled({ observations, free, seed, from, to }: Resampling, law: Law): Float64Array[] {
  const points = observations.targets.length;
  const random = createRandom(seed, 0);
  const times = new Float64Array(points);
  // The curvature at the minimum of all runs is near that of any resampling.
  const aside = free.map((value) => value + 0.01 * Math.max(0.1, Math.abs(value)));
  const { memory } = minimise(summedObjective(law, observations), aside, enough);
  return Array.from({ length: to - from }, (_, sample) => {
    times.fill(0);
    const base = (from + sample) * points;
    for (let i = 0; i < points; i++) times[random.integer(base + i, points)]! += 1;
    const { drawn, weights } = drawnRuns(observations, times);
    return minimise(summedObjective(law, drawn, weights), free, enough, memory).x;
  });
}

/** The runs that were drawn, each once: a third and more were not. */
function drawnRuns(
  { features, width, targets }: Observations,
  times: Float64Array,
): { drawn: Observations; weights: Float64Array } {
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
  return { drawn, weights };
}
