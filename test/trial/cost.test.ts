// What a study would take: runs wait for a free process, and seeds of a race for each other.
import { expect, test } from "vitest";
import { costLines } from "../../src/cli/study/lines.ts";
import { runSeconds } from "../../src/study/usual.ts";
import { costOfTrial } from "../../src/trial/cost.ts";
import { context, trialOf } from "./harness.ts";

const paces = [1, 1].map(() => ({ secondsPerStep: 0.01, peakBytes: null }));
const run = runSeconds(1);

/** In runs, one after the other; two arms of 100 updates at three rates and three seeds. */
const wavesOf = (stop: "race" | "full", processes: number) =>
  costOfTrial(trialOf({ stop }, { ...context, processes }), paces).seconds.map((seconds) => seconds / run);

test("a race has a wave for every seed after the first, however many processes there are", () => {
  for (const [processes, least, most] of [
    [1, 8, 10],
    [4, 3, 4],
    [64, 2, 3],
  ] as const) {
    const [a, b] = wavesOf("race", processes);
    expect(a).toBeCloseTo(least, 9);
    expect(b).toBeCloseTo(most, 9);
  }
});

test("all rates and seeds go on together", () => {
  for (const [processes, waves] of [
    [1, 18],
    [4, 5],
    [64, 1],
  ] as const) {
    for (const told of wavesOf("full", processes)) expect(told).toBeCloseTo(waves, 9);
  }
});

test("memory is that of the runs that can go on at a time, and what the system has not got is told", () => {
  const large = paces.map((pace) => ({ ...pace, peakBytes: 2 ** 30 }));
  const linesOf = (stop: "race" | "full", processes: number) => {
    const trial = trialOf({ stop }, { ...context, processes });
    const cost = costOfTrial(trial, large);
    return { gibibytes: cost.peakBytes! / 2 ** 30, told: costLines(trial, cost, 3 * 2 ** 30).join("\n") };
  };
  expect(linesOf("race", 2).gibibytes).toBe(2);
  expect(linesOf("race", 2).told).not.toContain("memory than");
  expect(linesOf("race", 100).gibibytes).toBe(6);
  expect(linesOf("full", 100).gibibytes).toBe(18);
  expect(linesOf("full", 100).told).toMatch(/more memory than the 3\.00 GiB that are free/);
});

test("what is held equal is told, and parameters are counted by its convention", () => {
  const linesOf = (more: Parameters<typeof trialOf>[0]) => {
    const trial = trialOf(more);
    const told = costLines(trial, costOfTrial(trial, paces), Infinity);
    return { trial, told, equal: told.filter((line) => /equal/.test(line)) };
  };
  expect(linesOf({}).equal).toEqual([]);
  expect(linesOf({ equal: { state: true, tolerance: 1 } }).equal).toEqual([
    "equal state of decoding, within 100 %",
  ]);
  const { trial, told, equal } = linesOf({ equal: { convention: "kaplan", tolerance: 0.5 } });
  expect(equal).toEqual(["equal parameters (kaplan), within 50 %"]);
  for (const { name, parameters } of trial.arms) {
    expect(parameters.kaplan).toBeLessThan(parameters.total);
    expect(told.find((line) => line.startsWith(name))).toContain(parameters.kaplan.toLocaleString("en-US"));
  }
});
