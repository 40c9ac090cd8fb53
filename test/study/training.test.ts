// Studies of trained runs: what stays of a run that is over.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { prepareRun, writeResult } from "../../src/study/ended.ts";
import type { Job } from "../../src/study/job.ts";
import { runFolder } from "../../src/study/paths.ts";
import { openStore, prepareFolder } from "../../src/study/store.ts";
import { runTrainingStudy } from "../../src/study/training.ts";
import { checkpointsPath } from "../../src/train/runFolder.ts";
import { planOf, temporaryFolder } from "./harness.ts";

const base = temporaryFolder();
afterAll(base.remove);

test("checkpoints that a killed call left beside a result go when the study goes on, but for runs that go further", async () => {
  const folder = join(base.path, "study");
  prepareFolder(folder);
  openStore(folder, 1);
  const jobs = ["over", "open"].map((run): Job => ({ run, until: 5, spec: null }));
  const checkpoints = jobs.map(({ run }) => checkpointsPath(runFolder(folder, run)));
  for (const [place, job] of jobs.entries()) {
    prepareRun(folder, job.run);
    writeResult(folder, job, { run: job.run, until: 5, value: job.run, flops: 1, seconds: 1 });
    mkdirSync(checkpoints[place]!);
    writeFileSync(join(checkpoints[place]!, "model"), "weights");
  }
  const study = runTrainingStudy({
    ...{ folder, request: 1, worker: "file:///nobody.mjs", plan: planOf(jobs) },
    isOver: ({ value }) => value === "over",
  });
  for await (const _ of study);
  expect(checkpoints.map((path) => existsSync(path))).toEqual([false, true]);
});
