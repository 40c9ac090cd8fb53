// How far apart the outermost of several means must lie, in standard errors of a difference, before that is more than
// chance. Knows nothing of arms or of what was measured.
import jstat from "jstat";
import { rangeTail } from "./studentizedRange.ts";

const known = new Map<string, number>();

/**
 * The quantile at 1 - alpha of the largest |t| among all pairs of `means` means with a common spread: Tukey's
 * studentized range over √2, and for two means Student's two-sided t.
 * @param alpha the chance of going beyond it where all means are equal, above 0 and below 1
 * @param means 2 or more
 * @param degreesOfFreedom of the estimate of the spread, 1 or more; rounded down to what tables of it list
 */
export function criticalValue(alpha: number, means: number, degreesOfFreedom: number): number {
  const degrees = tabled(degreesOfFreedom);
  const key = `${alpha} ${means} ${degrees}`;
  const cached = known.get(key);
  if (cached !== undefined) return cached;
  const value = solve(alpha, means, degrees);
  known.set(key, value);
  return value;
}

/** So that few quantiles are ever worked out; rounding down makes a test no bolder. */
function tabled(degrees: number): number {
  if (degrees < FEW) return Math.floor(4 * degrees) / 4;
  if (degrees < 30) return Math.floor(degrees);
  if (degrees < 120) return 10 * Math.floor(degrees / 10);
  return degrees < 1000 ? 120 : 1000;
}

/** Below so many jstat's distribution function of the range is off by more than a few per cent of alpha (held to SciPy's). */
const FEW = 5;

function solve(alpha: number, means: number, degrees: number): number {
  const one = jstat.studentt.inv(1 - alpha / 2, degrees);
  if (means === 2) return one;
  // Between the quantile of one pair and Bonferroni's for all pairs, which is never too small: alone where alpha is so small that
  // neither distribution function is good enough.
  const all = jstat.studentt.inv(1 - alpha / (means * (means - 1)), degrees);
  if (alpha < 1e-4) return all;
  const tail = (value: number) =>
    degrees < FEW
      ? rangeTail(Math.SQRT2 * value, means, degrees)
      : 1 - jstat.tukey.cdf(Math.SQRT2 * value, means, degrees);
  let low = one;
  let high = all;
  while (high - low > 1e-5 * high) {
    const middle = (low + high) / 2;
    if (tail(middle) > alpha) low = middle;
    else high = middle;
  }
  return high;
}
