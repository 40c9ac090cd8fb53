// Intervals of what is fitted: percentiles of samples, and the linear approximation at the minimum. Knows no particular law.

import jstat from "jstat";
import type { Law, Numbers, Observations } from "./law.ts";
import { inverse } from "./leastSquares.ts";

/** A value with its standard error and 95 % interval; null where they are unknown. */
export interface Estimate {
  readonly value: number;
  readonly standardError: number | null;
  readonly interval: readonly [low: number, high: number] | null;
}

/**
 * From samples of a bootstrap: their standard deviation, and percentiles. The usual 2.5 and 97.5 are too narrow for few runs by
 * sqrt((n - p)/n), by which least squares shrinks residuals, and by the difference of Student's t from the normal distribution; they
 * are moved out by as much (Hesterberg 2015, "expanded percentiles"). @param freedom n runs and p constants; left out, they are many
 * and few. Samples that `areWide` have or need no first of the two
 */
export function sampledEstimate(
  value: number,
  samples: readonly number[],
  freedom?: { readonly points: number; readonly constants: number; readonly areWide?: boolean },
): Estimate {
  const mean = samples.reduce((sum, one) => sum + one, 0) / samples.length;
  const variance = samples.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (samples.length - 1);
  const sorted = [...samples].sort((a, b) => a - b);
  const tail = freedom === undefined ? 0.025 : expandedTail(freedom);
  return {
    value,
    standardError: Math.sqrt(variance),
    interval: [quantile(sorted, tail), quantile(sorted, 1 - tail)],
  };
}

function expandedTail({
  points,
  constants,
  areWide = false,
}: {
  readonly points: number;
  readonly constants: number;
  readonly areWide?: boolean;
}): number {
  const left = points - constants;
  const narrow = areWide ? 1 : Math.sqrt(points / left);
  return jstat.normal.cdf(-narrow * jstat.studentt.inv(0.975, left), 0, 1);
}

/** A quantile of sorted numbers, between neighbours in proportion. */
function quantile(sorted: readonly number[], probability: number): number {
  const place = probability * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (place - below) * (sorted[above]! - sorted[below]!);
}

/** What runs say of the free coordinates at a minimum of least squares, and the squares that are left there. */
export function informationAt(
  { regression: { evaluate, compared = "log" } }: Law,
  { features, width, targets }: Observations,
  free: Numbers,
): { readonly information: number[][]; readonly squares: number } {
  const size = free.length;
  const information = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  const gradient = new Float64Array(size);
  let squares = 0;
  for (let i = 0; i < targets.length; i++) {
    const predicted = evaluate(free, features, i * width, gradient);
    const factor = compared === "log" ? 1 : Math.exp(predicted);
    squares += (compared === "log" ? predicted - targets[i]! : factor - Math.exp(targets[i]!)) ** 2;
    for (let j = 0; j < size; j++)
      for (let k = 0; k < size; k++) information[j]![k]! += factor * factor * gradient[j]! * gradient[k]!;
  }
  return { information, squares };
}

/** Covariance of the free coordinates by least squares at the minimum; null where it is not finite. */
export function linearisedCovariance(law: Law, observations: Observations, free: Numbers): number[][] | null {
  const { information, squares } = informationAt(law, observations, free);
  const variance = squares / (observations.targets.length - free.length);
  return inverse(information)?.map((row) => row.map((entry) => variance * entry)) ?? null;
}

/**
 * By the delta method, with Student's t on `freedom` degrees. What is positive wherever the search may go has its interval in
 * logarithms, and stays positive; what could be negative, such as an exponent of either sign, has it around itself.
 */
export function linearisedEstimate(
  of: (free: Numbers) => number,
  free: Numbers,
  covariance: readonly (readonly number[])[],
  freedom: number,
): Estimate {
  const value = of(free);
  const slopes = Array.from(free, (at, i) => {
    const step = 1e-5 * Math.max(1, Math.abs(at));
    const shifted = (by: number) => of(Array.from(free, (x, j) => (j === i ? x + by : x)));
    return (shifted(step) - shifted(-step)) / (2 * step);
  });
  const variance = slopes.reduce(
    (sum, slope, i) => sum + slope * slopes.reduce((row, other, j) => row + other * covariance[i]![j]!, 0),
    0,
  );
  const standardError = Math.sqrt(Math.max(0, variance));
  const half = (freedom === Infinity ? 1.959964 : jstat.studentt.inv(0.975, freedom)) * standardError;
  const isPositive = value > 0 && staysPositive(of, free, value, slopes);
  return {
    value,
    standardError,
    interval: isPositive
      ? [value * Math.exp(-half / value), value * Math.exp(half / value)]
      : [value - half, value + half],
  };
}

/** Whether it is still positive where a straight line from here would be at minus the value. */
function staysPositive(
  of: (free: Numbers) => number,
  free: Numbers,
  value: number,
  slopes: readonly number[],
): boolean {
  const steepness = slopes.reduce((sum, slope) => sum + slope ** 2, 0);
  if (steepness === 0) return true;
  return of(Array.from(free, (at, i) => at - (2 * value * slopes[i]!) / steepness)) > 0;
}
