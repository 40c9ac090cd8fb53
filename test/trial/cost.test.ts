// What a study would take: runs wait for a free process, and seeds of a race for each other.
import { expect, test } from "vitest";
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
