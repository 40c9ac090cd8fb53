// A line and the interval of a new point: against a book's example, and by how often it holds new points.
import { expect, test } from "vitest";
import { createRandom } from "../../src/data/random.ts";
import { lineThrough, predictOnLine } from "../../src/scaling/line.ts";

test("by hand: four points, a new one at 5", () => {
  // y = 2 + x with residuals -1, 1, 1, -1 gives slope 1, intercept 2, and a residual variance of 4 / 2.
  const points = [-1, 1, 1, -1].map((residual, i) => ({ x: i, y: 2 + i + residual }));
  expect(lineThrough(points)).toEqual({ slope: 1, intercept: 2 });
  const { value, interval } = predictOnLine(points, 5);
  expect(value).toBeCloseTo(7, 12);
  const reach = 4.302653 * Math.sqrt(2 * (1 + 1 / 4 + 3.5 ** 2 / 5));
  expect(interval![0]).toBeCloseTo(7 - reach, 4);
  expect(interval![1]).toBeCloseTo(7 + reach, 4);
});

test("no interval from two points, nor from points at one place", () => {
  expect(
    predictOnLine(
      [
        { x: 0, y: 1 },
        { x: 1, y: 2 },
      ],
      2,
    ),
  ).toEqual({ value: 3, standardError: null, interval: null });
  expect(
    predictOnLine(
      [1, 2, 3].map((y) => ({ x: 0, y })),
      2,
    ).interval,
  ).toBeNull();
});

test("intervals hold 95 % of new points, three times as far away as the known ones", () => {
  const random = createRandom(5, 0);
  const normal = (at: number) =>
    Math.sqrt(-2 * Math.log(1 - random.uniform(2 * at))) * Math.cos(2 * Math.PI * random.uniform(2 * at + 1));
  let held = 0;
  for (let i = 0; i < 1000; i++) {
    const points = [0, 1, 2, 3].map((x) => ({ x, y: 3 - 0.5 * x + normal(5 * i + x) }));
    const [low, high] = predictOnLine(points, 9).interval!;
    const y = 3 - 4.5 + normal(5 * i + 4);
    if (y >= low && y <= high) held++;
  }
  expect(held / 1000).toBeGreaterThan(0.93);
  expect(held / 1000).toBeLessThan(0.97);
});
