// Speeds that decide how long runs are trained: the middle of several rounds, and a line where those differ.
import { afterAll, expect, test } from "vitest";
import type { TrialInput } from "../../src/trial/input.ts";
import { busyLines, middleOf, pacesSchema } from "../../src/trial/paces.ts";
import { prepareTrial } from "../../src/trial/prepare.ts";
import { temporaryFolder } from "../cli/harness.ts";
import { input } from "./harness.ts";

const root = temporaryFolder();
afterAll(() => root.remove());

const roundsOf = (...seconds: number[]) =>
  middleOf(seconds.map((secondsPerStep) => ({ secondsPerStep, peakBytes: 7 })));

test("the middle of the rounds is taken, and how far they lie apart is told", () => {
  expect(roundsOf(2)).toEqual({ secondsPerStep: 2, peakBytes: 7 });
  expect(roundsOf(9, 2, 3)).toEqual({ secondsPerStep: 3, peakBytes: 7, spread: 7 / 3 });
  const paces = [roundsOf(1, 1.05, 1.1), roundsOf(1, 1, 1.5), roundsOf(2)];
  expect(busyLines(["a", "b", "c"], paces)).toEqual([
    expect.stringMatching(/^Speeds were measured on a busy machine: .*\(b 50 %\)/),
  ]);
  expect(busyLines(["a"], paces.slice(0, 1))).toEqual([]);
  // Those of earlier versions.
  expect(pacesSchema.parse([{ secondsPerStep: 1, peakBytes: null }])).toHaveLength(1);
});

test("only what is held to seconds is timed in rounds, and the same speeds serve the usual backend by its name", async () => {
  const prepare = (more: Partial<TrialInput>, folder: string, backend?: "native") =>
    prepareTrial({ input: { ...input, train: { seconds: 4 }, ...more }, folder, backend });
  const held = await prepare({}, root.path);
  for (const { spread } of held.paces!) expect(spread).toBeGreaterThanOrEqual(0);
  const again = await prepare({}, root.path, "native");
  expect(again.paces).toEqual(held.paces);
  expect(again.trial.json).toEqual(held.trial.json);
  const spent = await prepare({ train: { steps: 4 }, stop: "race", spend: "10m" }, `${root.path}/spent`);
  for (const { spread } of spent.paces!) expect(spread).toBeUndefined();
}, 60_000);
