// Wins that stepping down alone decides: their intervals end at 0, hold with all others, and a sentence says what that means.
import { expect, test } from "vitest";
import { createRandom } from "../../../src/data/random.ts";
import { compareArms } from "../../../src/study/statistics/compare.ts";
import { stepDownLine } from "../../../src/study/statistics/stepDown.ts";
import { type PairResult, pairResult } from "../../../src/trial/pairResult.ts";
import { pairText } from "../../../src/trial/words.ts";

const studies = 400;
const names = ["a", "b", "c"];

/** Three arms with five seeds: two that are near, one far off. */
function comparisonsOf(truth: readonly number[], seed: number) {
  const random = createRandom(seed, 0);
  let next = 0;
  const normal = () =>
    Math.sqrt(-2 * Math.log(1 - random.uniform(next++))) * Math.cos(2 * Math.PI * random.uniform(next++));
  return Array.from({ length: studies }, () =>
    compareArms(
      [truth.map((mean) => Array.from({ length: 5 }, () => ({ score: mean + normal(), itemVariance: 0 })))],
      { margin: 0 },
    ),
  );
}

test.each([0, 1.6, 2.1, 3.2])(
  "with a difference of %f all true ones lie in their intervals in 95 % of studies",
  (near) => {
    const truth = [0, near, 50];
    const all = comparisonsOf(truth, 3);
    const held = all.filter((pairs) =>
      pairs.every(({ arms: [first, second], low, high }) => {
        const difference = truth[first]! - truth[second]!;
        return low! <= difference && difference <= high!;
      }),
    );
    // Two standard errors of a share of 95 % among so many.
    expect(held.length / studies).toBeGreaterThan(0.95 - 2 * Math.sqrt((0.95 * 0.05) / studies));
  },
);

test("a sentence says what an interval that ends at 0 means, where there is one", () => {
  const results = comparisonsOf([0, 2.1, 50], 3).map((pairs) => pairs.map((pair) => pairResult(pair, names)));
  const told = results.filter((pairs) => stepDownLine(pairs).length > 0);
  // Some studies have such a pair, most have none.
  expect(told.length).toBeGreaterThan(studies / 50);
  expect(told.length).toBeLessThan(studies / 4);
  for (const [near, ...far] of told) {
    expect(near).toMatchObject({ verdict: "win", first: "a", second: "b" });
    expect(pairText(near!)).toMatch(/by \d\.\d{4} nat \[0\.0000, \d/);
    expect(stepDownLine(far)).toEqual([]);
    expect(stepDownLine([near!])).toEqual([
      expect.stringMatching(/^Where a win's interval ends at 0, 0 itself/),
    ]);
  }
});

test("an end that is near 0 and not 0 is told with the digits that say so, and without the sentence", () => {
  const pair: PairResult = {
    ...{ first: "a", second: "b", measure: "loss", difference: -0.05, interval: [-0.09997, -0.00003] },
    ...{ seeds: 3, verdict: "win", winner: "a", furtherSeeds: null },
  };
  expect(pairText(pair)).toBe("a over b by 0.0500 nat [0.00003, 0.1000]");
  expect(stepDownLine([pair])).toEqual([]);
  expect(stepDownLine([{ winner: null, interval: [0, 1] }])).toEqual([]);
});
