// A study that is asked for more seeds goes on in its folder; any other edit is another study.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { writeResult } from "../../src/study/ended.ts";
import {
  countedLooks,
  moreSeedsLine,
  type TakenOver,
  takeOver as takeOverSeeded,
} from "../../src/study/moreSeeds.ts";
import { openStore, prepareFolder, readStudy } from "../../src/study/store.ts";
import { requestOf, type Trial } from "../../src/trial/define.ts";
import { trialResult } from "../../src/trial/result.ts";
import { jobOf, type TrialRun } from "../../src/trial/runs.ts";
import { noteLines } from "../../src/trial/words.ts";
import { temporaryFolder } from "../cli/harness.ts";
import { resultsOf, trialOf } from "../trial/harness.ts";

const takeOver = (folder: string, trial: Trial): TakenOver =>
  takeOverSeeded(folder, { seeds: trial.seeds, requestOf: (count) => requestOf(trial, count) });

/** As if the run had ended. */
function endRun(folder: string, run: TrialRun): void {
  mkdirSync(join(folder, "runs", run.run, "results"), { recursive: true });
  writeResult(folder, jobOf(run), { run: run.run, until: run.steps, value: 1, flops: 1, seconds: 1 });
}

const root = temporaryFolder();
afterAll(() => root.remove());

test("raised seeds are the same study, which remembers how often it was looked at", () => {
  const folder = join(root.path, "raised");
  const [two, three, five] = [2, 3, 5].map((seeds) => trialOf({ seeds }));
  prepareFolder(folder);
  openStore(folder, takeOver(folder, two!).request);
  endRun(folder, two!.runs[0]![0]![0]!);
  expect(takeOver(folder, three!).earlierSeeds).toEqual([2]);
  // Asked for the same again: nothing was looked at in between.
  const again = takeOver(folder, three!);
  expect(again.earlierSeeds).toEqual([2]);
  openStore(folder, again.request);
  endRun(folder, three!.runs[0]![0]![2]!);
  expect(takeOver(folder, five!).earlierSeeds).toEqual([2, 3]);
  openStore(folder, takeOver(folder, five!).request);
  // The runs of the fewer seeds are runs of the study with more.
  const names = (trial: typeof two) => trial!.runs.flat(2).map(({ run }) => run);
  expect(names(five)).toEqual(expect.arrayContaining(names(two)));
  const known = resultsOf(five!, ({ arm, seed }) => 2 - 0.1 * arm + 0.01 * seed);
  const notes = noteLines(trialResult(five!, known, [2, 3])).join("\n");
  expect(notes).toMatch(/Seeds were added after .* \(with 2, then 3\): .* up to 15 %, not 5 %/);
});

test("a look that saw no new run is not counted", () => {
  const folder = join(root.path, "idle");
  const [two, three, five] = [2, 3, 5].map((seeds) => trialOf({ seeds }));
  prepareFolder(folder);
  openStore(folder, takeOver(folder, two!).request);
  // Nothing had been run when seeds were raised.
  expect(takeOver(folder, three!).earlierSeeds).toEqual([]);
  endRun(folder, three!.runs[0]![0]![0]!);
  const taken = takeOver(folder, five!);
  expect(taken.earlierSeeds).toEqual([3]);
  // Nothing is run: what is seen is what was seen.
  expect(countedLooks(folder, taken)).toEqual([]);
  const again = takeOver(folder, trialOf({ seeds: 6 }));
  expect(again.earlierSeeds).toEqual([3]);
  endRun(folder, five!.runs[0]![0]![1]!);
  expect(countedLooks(folder, again)).toEqual([3]);
});

test("looks of studies of earlier versions all count", () => {
  const folder = join(root.path, "earlier");
  const [two, three] = [2, 3].map((seeds) => trialOf({ seeds }));
  prepareFolder(folder);
  openStore(folder, { ...two!.json, earlierSeeds: [1] });
  expect(countedLooks(folder, takeOver(folder, two!))).toEqual([1]);
  endRun(folder, two!.runs[0]![0]![0]!);
  const taken = takeOver(folder, three!);
  endRun(folder, two!.runs[0]![0]![1]!);
  expect(countedLooks(folder, taken)).toEqual([1, 2]);
});

test("the line tells a larger spend from more seeds", () => {
  expect(moreSeedsLine([2], 3)[0]).toMatch(/^Seeds were added after .* \(with 2\): .* up to 10 %/);
  expect(moreSeedsLine([3], 3)[0]).toMatch(/^Seeds were added or spend was raised .* \(with 3 seeds\): /);
});

test("fewer seeds, another first seed or any other edit are another study", () => {
  const folder = join(root.path, "other");
  prepareFolder(folder);
  openStore(folder, takeOver(folder, trialOf({ seeds: 3 })).request);
  const before = readStudy(folder);
  for (const edit of [
    { seeds: 4, firstSeed: 2 },
    { seeds: 4, rates: [0.001, 0.01] },
    { seeds: 4, margin: 0.1 },
  ]) {
    const { request } = takeOver(folder, trialOf(edit));
    expect(() => openStore(folder, request)).toThrow(/holds another study/);
    expect(readStudy(folder)).toEqual(before);
  }
  expect(() => takeOver(folder, trialOf({ seeds: 2 }))).toThrow(
    /other holds .*: 3 seeds there, 2 here; seeds can only be raised/,
  );
  expect(readStudy(folder)).toEqual(before);
  expect(existsSync(join(root.path, "new"))).toBe(false);
  expect(takeOver(join(root.path, "new"), trialOf()).earlierSeeds).toEqual([]);
});
