// The folder of a study: what is refused before anything is run in it, without a change.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openStore, prepareFolder, readStudy, writeResult } from "../../src/study/store.ts";
import { lockFolder } from "../../src/train/lock.ts";
import { jobOf } from "../../src/trial/define.ts";
import { requireTrialFolder, runTrial } from "../../src/trial/trial.ts";
import { temporaryFolder } from "../cli/harness.ts";
import { trialOf } from "./harness.ts";

const root = temporaryFolder();
afterAll(() => root.remove());

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
  const run = trial.runs[0]![0]![0]!;
  mkdirSync(join(folder, "runs", run.run, "results"), { recursive: true });
  writeResult(folder, jobOf(run), { run: run.run, until: run.steps, value: 1, flops: 1, seconds: 1 });
  requireTrialFolder(folder, trial);
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
  expect(await call()).toEqual([3]);
  expect(await call()).toEqual([3]);
  expect(readStudy(folder)).toMatchObject({ seeds: [1, 2, 3, 4, 5], earlierSeeds: [3] });
});
