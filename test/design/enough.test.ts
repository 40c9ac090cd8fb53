// The least budget that is named is accepted, and hardly less is.
import { expect, test } from "vitest";
import { defineDesign } from "../../src/design/define.ts";
import type { ContextFor } from "../../src/design/enough.ts";
import { readDesign } from "../../src/design/input.ts";
import { type Budget, readBudget } from "../../src/study/budget.ts";
import { designOf } from "./simulate.ts";

const design = designOf(
  9,
  { budget: "1h" },
  Array.from({ length: 9 }, (_, place) => 0.01 * (place + 1)),
);
const { data, candidates, leftOut, processes } = design;
const context = { data, candidates, leftOut, processes, screen: null, screened: null, sizedBy: null };

/** Candidates whose updates take longer by the root of the budget. */
const growing: ContextFor = ({ budget }) => ({
  ...context,
  secondsPerStep: candidates.map((_, place) => 0.001 * (place + 1) * Math.sqrt(budget.value)),
});
const fixed: ContextFor = () => ({ ...context, secondsPerStep: design.secondsPerStep! });

const settingsOf = (value: number, unit: Budget["unit"] = "seconds") => ({
  ...readDesign({ budget: "1h", length: 8, batch: 4 }),
  budget: { unit, value },
});
const defined = (at: ContextFor, value: number, unit?: Budget["unit"]) => {
  const settings = settingsOf(value, unit);
  return defineDesign(settings, at(settings), at);
};

/** As it is named. */
function leastOf(at: ContextFor, value: number, unit?: Budget["unit"]): number {
  try {
    defined(at, value, unit);
  } catch (error) {
    return readBudget(/expected at least (\S+),/.exec((error as Error).message)![1]!).value;
  }
  throw new Error("expected it to be refused");
}

test.each([
  ["of fixed candidates", fixed],
  ["of candidates that grow with it", growing],
])("a time: the least %s", (_, at) => {
  const named = [1, 5, 60].map((value) => leastOf(at, value));
  for (const least of named) {
    expect(defined(at, least).rungs.length).toBe(2);
    // Candidates are timed anew, and a tenth slower is no reason to refuse.
    expect(() => defined(at, 0.8 * least)).toThrow(/is too small/);
    expect(least / named[0]!).toBeCloseTo(1, 1);
  }
});

test("FLOPs: the least is accepted, and a tenth less is not", () => {
  const at: ContextFor = () => context;
  const least = leastOf(at, 1000, "flops");
  expect(defined(at, least, "flops").rungs.length).toBe(2);
  expect(() => defined(at, 0.85 * least, "flops")).toThrow(/is too small/);
});

test("where the winner's run is too short, no budget is enough, and that is said", () => {
  const settings = { ...settingsOf(7200), final: 1 };
  expect(() => defineDesign(settings, fixed(settings), fixed)).toThrow(
    /^design: final 1s is too small: deep-9 needs 20 updates; expected at least \d+s, or smaller candidates$/,
  );
});
