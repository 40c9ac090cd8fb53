// A ratio of two sums, such as nats a token, and how sure it is. Knows nothing of where the sums come from.
import jstat from "jstat";

/** A figure with its confidence interval; null where there are fewer than two items to tell from. */
export interface Measure {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

/**
 * Σ numerators / Σ denominators over independent items, with a confidence interval from Student's t distribution with
 * (items - 1) degrees of freedom. The variance is that of the ratio estimator (Cochran, "Sampling Techniques", 1977,
 * equation 2.46); items of equal denominators give the usual interval of a mean.
 * @param level share of such intervals that hold the true ratio, e.g. 0.95
 */
export function ratioMeasure(
  numerators: ArrayLike<number>,
  denominators: ArrayLike<number>,
  level: number,
): Measure {
  const items = numerators.length;
  let top = 0;
  let bottom = 0;
  for (let i = 0; i < items; i++) {
    top += numerators[i]!;
    bottom += denominators[i]!;
  }
  const value = top / bottom;
  if (items < 2) return { value, low: null, high: null };
  let squares = 0;
  for (let i = 0; i < items; i++) squares += (numerators[i]! - value * denominators[i]!) ** 2;
  const standardError = Math.sqrt((items / (items - 1)) * squares) / bottom;
  const half = jstat.studentt.inv((1 + level) / 2, items - 1) * standardError;
  return { value, low: value - half, high: value + half };
}

/** A measure through an increasing function, such as loss to perplexity: the interval's ends go through it as well. */
export function transformed({ value, low, high }: Measure, by: (x: number) => number): Measure {
  return {
    value: by(value),
    low: low === null ? null : by(low),
    high: high === null ? null : by(high),
  };
}
