// A planted truth is found by the race that ships; promise.slow.test.ts has more studies, seeds and arms.
import { expect, test } from "vitest";
import { trialOf } from "./harness.ts";
import { bound, simulate } from "./simulate.ts";

const studies = 150;

test("equal arms under heavy-tailed noise: few studies see a win, at less than half the runs", () => {
  const trial = trialOf({ stop: "race", seeds: 5 });
  const { anyFalseWin, runs } = simulate(trial, [0, 0], studies, 0);
  expect(anyFalseWin).toBeLessThanOrEqual(bound(studies));
  expect(runs).toBeLessThanOrEqual(0.5);
});

test("a difference of twice the seed spread is found by five seeds that share their batches", () => {
  const trial = trialOf({ stop: "race", seeds: 5 });
  const { anyFalseWin, decidedRightly, runs } = simulate(trial, [2, 0], studies, 0.5);
  expect(decidedRightly).toBeGreaterThanOrEqual(0.8);
  expect(anyFalseWin).toBeLessThanOrEqual(bound(studies));
  expect(runs).toBeLessThanOrEqual(0.5);
});
