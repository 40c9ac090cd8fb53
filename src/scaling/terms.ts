// Laws whose output is a sum of terms that are exponentials of something linear in the free coordinates, such as
// E + A/N^alpha + B/D^beta, evaluated as log-sum-exp with their gradient. Knows no particular law.

import type { Batch, Numbers, Regression } from "./law.ts";

/** A factor of a term: coordinate `of` times feature `by`; without `of` the feature alone, without `by` the coordinate. */
export interface Factor {
  readonly of?: number;
  readonly by?: number;
}

/** ln output = [coordinate `power`] · ln of the sum over terms of exp(sum of its factors). */
export interface Terms {
  readonly terms: readonly (readonly Factor[])[];
  /** Without it the power is 1. */
  readonly power?: number;
}

/** How a sum of terms is evaluated: many runs at once, or one. */
export function sumOfTerms(sum: Terms): Pick<Regression, "evaluate" | "batch"> {
  const width = 1 + Math.max(...sum.terms.flat().map(({ by = -1 }) => by));
  return {
    batch: (features, ownWidth, count) => termsBatch(sum, columnsOf(features, ownWidth, count), count),
    evaluate: (free, features, offset, gradient) => {
      const one = termsBatch(sum, columnsOf(features.slice(offset, offset + width), width, 1), 1);
      const value = one.predict(free)[0]!;
      gradient.fill(0);
      one.pull(Float64Array.of(1), gradient);
      return value;
    },
  };
}

/** Feature by feature, so that the inner loops of a fit run along one array. */
function columnsOf(features: Numbers, width: number, count: number): Float64Array[] {
  return Array.from({ length: width }, (_, by) => {
    const column = new Float64Array(count);
    for (let i = 0; i < count; i++) column[i] = features[i * width + by]!;
    return column;
  });
}

function termsBatch({ terms, power }: Terms, columns: readonly Float64Array[], count: number): Batch {
  const zeros = () => new Float64Array(count);
  /** Of each term, its exponential in relation to that of the largest. */
  const sizes = terms.map(zeros);
  const most = zeros();
  const inner = zeros();
  const predicted = zeros();
  const scales = zeros();
  const weighted = zeros();
  return {
    predict(free) {
      most.fill(-Infinity);
      for (const [k, factors] of terms.entries()) {
        const exponents = sizes[k]!;
        exponents.fill(0);
        for (const { of, by } of factors) {
          const coordinate = of === undefined ? 1 : free[of]!;
          if (by === undefined) shift(exponents, coordinate);
          else addTimes(exponents, columns[by]!, coordinate);
        }
        raise(most, exponents);
      }
      scales.fill(0);
      for (const exponents of sizes) exponentiate(exponents, most, scales);
      const outer = power === undefined ? 1 : free[power]!;
      for (let i = 0; i < count; i++) {
        inner[i] = most[i]! + Math.log(scales[i]!);
        predicted[i] = outer * inner[i]!;
        scales[i] = outer / scales[i]!;
      }
      return predicted;
    },
    pull(slopes, gradient) {
      for (const [k, factors] of terms.entries()) {
        const own = sizes[k]!;
        for (let i = 0; i < count; i++) weighted[i] = slopes[i]! * scales[i]! * own[i]!;
        for (const { of, by } of factors) {
          if (of !== undefined)
            gradient[of]! += by === undefined ? total(weighted) : dot(weighted, columns[by]!);
        }
      }
      if (power !== undefined) gradient[power]! += dot(slopes, inner);
    },
  };
}

function shift(to: Float64Array, by: number): void {
  for (let i = 0; i < to.length; i++) to[i]! += by;
}

function addTimes(to: Float64Array, from: Float64Array, times: number): void {
  for (let i = 0; i < to.length; i++) to[i]! += times * from[i]!;
}

function raise(most: Float64Array, values: Float64Array): void {
  for (let i = 0; i < most.length; i++) if (values[i]! > most[i]!) most[i] = values[i]!;
}

function exponentiate(exponents: Float64Array, most: Float64Array, sums: Float64Array): void {
  for (let i = 0; i < exponents.length; i++) {
    const size = Math.exp(exponents[i]! - most[i]!);
    exponents[i] = size;
    sums[i]! += size;
  }
}

function total(values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** All combinations of one value of each list. */
export function grid(...lists: readonly (readonly number[])[]): number[][] {
  return lists.reduce<number[][]>(
    (found, list) => found.flatMap((start) => list.map((value) => [...start, value])),
    [[]],
  );
}
