// How a search spends its budget.
import fc from "fast-check";
import { expect, test } from "vitest";
import { rungSizes, wavesOf } from "../../src/design/rungs.ts";

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

test("in time a wave takes as long with few runs as with as many as there are processes", () => {
  const asked = { candidates: 21, rates: 3, seeds: 3, most: 1e6 };
  const clock = (processes: number) => {
    const rungs = rungSizes(3600 * processes, { ...asked, processes });
    expect(rungs.map(({ runs }) => runs)).toEqual([63, 14, 12]);
    return rungs.reduce((sum, rung) => sum + rung.amount * wavesOf(rung, processes), 0);
  };
  for (const processes of [1, 2, 3, 16, 64]) expect(clock(processes)).toBeCloseTo(3600, 3);
  // 63 runs are four waves, 14 are one, and six and six are two; no run is shorter than those of the rung before.
  const [first, second, last] = rungSizes(3600 * 16, { ...asked, processes: 16 });
  expect([first, second, last].map((rung) => wavesOf(rung!, 16))).toEqual([4, 1, 2]);
  expect([first!.amount, second!.amount, last!.amount].map(Math.round)).toEqual([225, 900, 900]);
});

test("a plan by FLOPs is the same to the bit as ever: designs that were begun go on by it", () => {
  const amounts = rungSizes(1e5, { candidates: 21, rates: 3, seeds: 3, most: 1e6 }).map(
    ({ amount }) => amount,
  );
  expect(amounts).toEqual([529.1005291003793, 2380.9523809517063, 2777.777777776991]);
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
