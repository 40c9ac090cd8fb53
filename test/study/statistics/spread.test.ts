// Which arms are quiet, and what that does to studies of few arms.
import { expect, test } from "vitest";
import { createRandom } from "../../../src/data/random.ts";
import { compareArms } from "../../../src/study/statistics/compare.ts";
import { spreadsOf } from "../../../src/study/statistics/spread.ts";

const studies = 300;

/** Tables of arms whose scores are normal, one after the other; `spreads` has an arm's standard deviation. */
function tables(spreads: readonly number[], seeds: number, offsets: readonly number[] = []) {
  const random = createRandom(11, seeds);
  let next = 0;
  const normal = () =>
    Math.sqrt(-2 * Math.log(1 - random.uniform(next++))) * Math.cos(2 * Math.PI * random.uniform(next++));
  return Array.from({ length: studies }, () => {
    // What a seed does to all arms.
    const shared = Array.from({ length: seeds }, () => 2 * normal());
    return spreads.map((spread, arm) =>
      shared.map((common) => ({ score: (offsets[arm] ?? 0) + common + spread * normal(), itemVariance: 0 })),
    );
  });
}

const share = (of: readonly boolean[]): number => of.filter(Boolean).length / of.length;

test.each([
  [3, 2, 0.5],
  [3, 3, 0.9],
  [5, 2, 0.7],
  [5, 3, 0.95],
])(
  "of %i equal arms with %i seeds a difference of eight spreads is found in %f of studies",
  (arms, seeds, least) => {
    const spreads = Array.from({ length: arms }, () => 1);
    const found = tables(spreads, seeds, [8]).map((table) =>
      compareArms([table], { margin: 0 })
        .filter(({ arms: [first] }) => first === 0)
        .every(({ verdict }) => verdict.kind === "win" && verdict.winner === 0),
    );
    expect(share(found)).toBeGreaterThan(least);
  },
);

test("arms that hardly vary are quiet, whatever seeds do to all, and those that vary alike seldom are", () => {
  const quiet = (spreads: readonly number[]) => tables(spreads, 5).map((table) => spreadsOf(table).quiet);
  const mixed = quiet([0.01, 0.01, 0.01, 1, 1]);
  expect(share(mixed.map((found) => found.slice(0, 3).every(Boolean)))).toBeGreaterThan(0.9);
  expect(share(mixed.flatMap((found) => found.slice(3)))).toBeLessThan(0.1);
  expect(share(quiet([1, 1, 1, 1, 1]).flat())).toBeLessThan(0.25);
});
