import { expect, test } from "vitest";
import { createRandom } from "../../../src/data/random.ts";
import { criticalValue } from "../../../src/study/statistics/criticalValue.ts";
import { levelsOfLooks } from "../../../src/study/statistics/looks.ts";

test("one look has it all", () => {
  expect(levelsOfLooks(0.05, [1])[0]).toBeCloseTo(0.05, 8);
});

test("looks at equal shares have O'Brien and Fleming's levels", () => {
  // Jennison and Turnbull 2000: five looks at 5 %, 2.040·√(5/k).
  const expected = [0.000005, 0.0013, 0.0084, 0.0226, 0.0413];
  for (const [look, level] of levelsOfLooks(0.05, [0.2, 0.4, 0.6, 0.8, 1]).entries()) {
    expect(level).toBeCloseTo(expected[look]!, 3);
  }
});

test("of however many looks the first has a level that a bound can be had for", () => {
  const levels = levelsOfLooks(
    0.05,
    Array.from({ length: 99 }, (_, look) => (look + 2) / 100),
  );
  expect(Math.min(...levels)).toBeGreaterThan(0);
  expect(criticalValue(levels[0]!, 64, 63)).toBeLessThan(100);
});

test.each([0.05, 0.01, 0.2])("a walk crosses any of its bounds with a chance of at most %f", (alpha) => {
  const random = createRandom(3, 0);
  const levels = levelsOfLooks(alpha, [0.4, 0.6, 0.8, 1]);
  const walks = 4000;
  let crossed = 0;
  for (let walk = 0; walk < walks; walk++) {
    let sum = 0;
    let any = false;
    for (let step = 0; step < 5; step++) {
      const index = 2 * (walk * 5 + step);
      sum +=
        Math.sqrt(-2 * Math.log(1 - random.uniform(index))) *
        Math.cos(2 * Math.PI * random.uniform(index + 1));
      // The two-sided chance of so large a sum, by Abramowitz and Stegun 26.2.17.
      if (step > 0 && chance(Math.abs(sum) / Math.sqrt(step + 1)) < levels[step - 1]!) any = true;
    }
    if (any) crossed++;
  }
  expect(crossed / walks).toBeLessThan(alpha + 2 * Math.sqrt((alpha * (1 - alpha)) / walks));
  expect(crossed / walks).toBeGreaterThan(0.5 * alpha);
});

function chance(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const tail = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
  const sum = tail.reduce((total, each, power) => total + each * t ** (power + 1), 0);
  return (2 * sum * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
}
