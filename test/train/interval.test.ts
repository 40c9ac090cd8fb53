import { describe, expect, test } from "vitest";
import { createRandom } from "../../src/data/random.ts";
import { ratioMeasure, transformed } from "../../src/train/interval.ts";

/** Quantiles at 0.975 from the table in Student's t's standard references (NIST/SEMATECH e-Handbook, 1.3.6.7.2). */
const tabled = [
  [2, 12.706],
  [3, 4.303],
  [6, 2.571],
  [11, 2.228],
  [30, 2.045],
  [101, 1.984],
] as const;

describe("with equal denominators it is the interval of a mean", () => {
  test.each(tabled)("%i items", (items, quantile) => {
    const values = Array.from({ length: items }, (_, i) => (i * i * 37) % 11);
    const mean = values.reduce((sum, value) => sum + value, 0) / items;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (items - 1);
    const half = quantile * Math.sqrt(variance / items);
    const { value, low, high } = ratioMeasure(
      values.map((each) => 5 * each),
      values.map(() => 5),
      0.95,
    );
    expect(value).toBeCloseTo(mean, 12);
    expect(high! - value).toBeCloseTo(half, 2);
    expect(value - low!).toBeCloseTo(half, 2);
  });
});

test("a ratio weighs items by their denominators", () => {
  expect(ratioMeasure([1, 30], [1, 10], 0.95).value).toBe(31 / 11);
  const steady = ratioMeasure([2, 4, 6], [1, 2, 3], 0.95);
  expect([steady.low, steady.high]).toEqual([2, 2]);
});

test("one item has no interval", () => {
  expect(ratioMeasure([3], [2], 0.95)).toEqual({ value: 1.5, low: null, high: null });
  expect(transformed({ value: 0, low: null, high: null }, Math.exp)).toEqual({
    value: 1,
    low: null,
    high: null,
  });
});

describe("of dependent values", () => {
  const length = 3000;
  const correlation = 0.9;
  const random = createRandom(7, 0);
  let draws = 0;
  const normal = () =>
    Math.sqrt(-2 * Math.log(1 - random.uniform(draws++))) * Math.cos(2 * Math.PI * random.uniform(draws++));
  /** An autoregressive sequence of mean 0. */
  const sequence = () => {
    let x = normal() / Math.sqrt(1 - correlation ** 2);
    return Array.from({ length }, () => {
      x = correlation * x + normal();
      return x;
    });
  };
  const holds = (values: readonly number[], items: number) => {
    const size = values.length / items;
    const sums = Array.from({ length: items }, (_, i) =>
      values.slice(i * size, (i + 1) * size).reduce((sum, value) => sum + value, 0),
    );
    const { low, high } = ratioMeasure(sums, Array<number>(items).fill(size), 0.95);
    return low! <= 0 && high! >= 0;
  };
  const share = (items: number) => {
    const runs = 200;
    let held = 0;
    for (let run = 0; run < runs; run++) if (holds(sequence(), items)) held++;
    return held / runs;
  };
  test("long blocks hold the truth about as often as they say", () => {
    const held = share(30);
    expect(held).toBeGreaterThan(0.9);
    expect(held).toBeLessThan(0.99);
  });
  test("single values as items would not", () => {
    expect(share(length)).toBeLessThan(0.6);
  });
});
