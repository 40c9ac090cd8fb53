// The folder of a study: what is refused before anything is run in it, without a change.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { writeResult } from "../../src/study/ended.ts";
import { toJson } from "../../src/study/job.ts";
import { openStore, prepareFolder, readStudy } from "../../src/study/store.ts";
import { lockFolder } from "../../src/train/lock.ts";
import { jobOf, type TrialRun } from "../../src/trial/runs.ts";
import { requireTrialFolder, runTrial } from "../../src/trial/trial.ts";
import { temporaryFolder } from "../cli/harness.ts";
import { resultOf, trialOf } from "./harness.ts";

const root = temporaryFolder();
afterAll(() => root.remove());

/** As if the run had ended. */
function endRun(folder: string, run: TrialRun): void {
  mkdirSync(join(folder, "runs", run.run, "results"), { recursive: true });
  writeResult(folder, jobOf(run), {
    run: run.run,
    until: run.steps,
    value: toJson(resultOf(run, 2).value),
    flops: 1,
    seconds: 1,
  });
}

test("a folder is taken by its own study and by more seeds of it, and refused to any other, and left as it is", () => {
  const folder = join(root.path, "study");
  const trial = trialOf();
  requireTrialFolder(folder, trial);
  prepareFolder(folder);
  openStore(folder, trial.json);
  const before = readFileSync(join(folder, "study.json"), "utf8");
  for (const own of [trial, trialOf({ seeds: 4 })]) requireTrialFolder(folder, own);
  expect(() => requireTrialFolder(folder, trialOf({ margin: 0.1 }))).toThrow(
    /another study: margin is 0\.01/,
  );
  const edited = trialOf({ batch: 8 });
  expect(() => requireTrialFolder(folder, edited)).toThrow(/holds another study/);
  endRun(folder, trial.runs[0]![0]![0]!);
  requireTrialFolder(folder, trial);
  expect(() => requireTrialFolder(folder, trialOf({ seeds: 1 }))).toThrow(
    /3 seeds there, 1 here; seeds can only be raised/,
  );
  expect(() => requireTrialFolder(folder, edited)).toThrow(
    /edited after runs were made; 1 of 1 no longer belong to it: wide-rate/,
  );
  expect(readFileSync(join(folder, "study.json"), "utf8")).toBe(before);
  expect(() => requireTrialFolder(root.path, trial)).toThrow(/holds study and no study/);
});

test("more seeds are taken by a study that may run, and not while another one is at work in the folder", async () => {
  const folder = join(root.path, "busy");
  prepareFolder(folder);
  openStore(folder, trialOf().json);
  const before = readFileSync(join(folder, "study.json"), "utf8");
  const call = async () => {
    for await (const event of runTrial({
      ...{ trial: trialOf({ seeds: 5 }), folder, signal: AbortSignal.abort() },
    })) {
      if (event.kind === "end") return event.result.earlierSeeds;
    }
    return null;
  };
  const other = lockFolder(folder);
  await expect(call()).rejects.toThrow(/is in use by process/);
  expect(readFileSync(join(folder, "study.json"), "utf8")).toBe(before);
  requireTrialFolder(folder, trialOf());
  other.release();
  // Nothing had been run, so nothing had been seen.
  expect(await call()).toEqual([]);
  expect(readStudy(folder)).toEqual(trialOf({ seeds: 5 }).json);
});

test("spend may be raised and a name changed, and neither makes another study", () => {
  const folder = join(root.path, "spend");
  const spending = (spend: string | undefined, more = {}) =>
    trialOf({ stop: "race", ...(spend === undefined ? {} : { spend }), ...more });
  const trial = spending("1e12flops");
  prepareFolder(folder);
  openStore(folder, trial.json);
  for (const own of [
    trial,
    spending("2e12flops"),
    spending(undefined),
    spending("1e12flops", { name: "other" }),
    spending("2e12flops", { seeds: 4, name: "other" }),
  ]) {
    requireTrialFolder(folder, own);
  }
  for (const spend of ["0.5e12flops", "10m"]) {
    expect(() => requireTrialFolder(folder, spending(spend))).toThrow(
      new RegExp(`spend is 1e12flops there and ${spend} here, and can only be raised`),
    );
  }
  expect(() => requireTrialFolder(folder, spending("2e12flops", { name: "other", margin: 0.1 }))).toThrow(
    /another study: margin is 0\.01 there and 0\.1 here/,
  );
});

test("what was spent goes on with more to spend, and the report tells of the look", async () => {
  const folder = join(root.path, "more");
  const of = (spend: string) => trialOf({ stop: "race", spend });
  prepareFolder(folder);
  openStore(folder, of("1e12flops").json);
  endRun(folder, of("1e12flops").runs[0]![0]![0]!);
  const call = async (spend: string): Promise<void> => {
    for await (const _ of runTrial({ trial: of(spend), folder, signal: AbortSignal.abort() }));
  };
  // As much, written otherwise: nothing was raised.
  await call("1000Gflops");
  expect(readStudy(folder)).toEqual(of("1000Gflops").json);
  await call("2e12flops");
  expect(readStudy(folder)).toMatchObject({ spend: "2e12flops", earlierSeeds: [3], earlierRuns: [1] });
});
