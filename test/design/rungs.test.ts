// How a search spends its budget.
import fc from "fast-check";
import { expect, test } from "vitest";
import { rungSizes } from "../../src/design/rungs.ts";

test("rungs spend the search and no more, in runs that do not get shorter and none longer than the winner's", () => {
  const request = fc.record({
    candidates: fc.integer({ min: 2, max: 64 }),
    rates: fc.integer({ min: 1, max: 5 }),
    seeds: fc.integer({ min: 1, max: 6 }),
    most: fc.double({ min: 0.001, max: 100, noNaN: true }),
  });
  fc.assert(
    fc.property(request, (asked) => {
      const rungs = rungSizes(100, asked);
      const cost = rungs.reduce((sum, { runs, amount }) => sum + runs * amount, 0);
      expect(cost).toBeLessThanOrEqual(100 * (1 + 1e-9));
      const isCapped = rungs.every(({ amount }) => amount === asked.most);
      if (!isCapped) expect(cost).toBeGreaterThan(99.999);
      expect(rungs[0]).toMatchObject({ candidates: asked.candidates, rates: asked.rates });
      expect(rungs.at(-1)!.candidates).toBeLessThanOrEqual(3);
      for (const [place, { amount, candidates }] of rungs.entries()) {
        expect(amount).toBeLessThanOrEqual(asked.most);
        expect(amount).toBeGreaterThanOrEqual(rungs[place - 1]?.amount ?? 0);
        expect(candidates).toBeLessThanOrEqual(rungs[place - 1]?.candidates ?? 64);
      }
    }),
  );
});

test("24 candidates at three rates: each rung has a third of the search", () => {
  const rungs = rungSizes(432, { candidates: 24, rates: 3, seeds: 3, most: 1000 });
  expect(rungs.map(({ candidates, rates, runs }) => [candidates, rates, runs])).toEqual([
    [24, 3, 72],
    [8, 2, 16],
    [3, 2, 12],
  ]);
  for (const { runs, amount } of rungs) expect(runs * amount).toBeCloseTo(144, 5);
});
