// What a person watching a study reads.

import { expect, test } from "vitest";
import type { StudyEvent } from "../../src/study/events.ts";
import type { Job } from "../../src/study/job.ts";
import { createStudyView } from "../../src/study/view.ts";

const job = (run: string): Job => ({ run, until: 200, spec: null });
const result = (run: string, seconds: number): StudyEvent => ({
  kind: "result",
  result: { run, until: 200, value: 1, flops: 1, seconds },
});
const start: StudyEvent = { kind: "start", folder: "study", processes: 2, threads: 1 };
const stage = (runs: string[], done: number): StudyEvent => ({
  ...{ kind: "stage", stage: 1, jobs: runs.map(job), done },
});
const jobStart = (run: string): StudyEvent => ({ kind: "jobStart", job: job(run), attempt: 1 });
const progress = (run: string, at: number, told: string): StudyEvent => ({
  ...{ kind: "progress", job: job(run), at, told },
});

test("a table of what is at work, and how long it may take", () => {
  let now = 100;
  const view = createStudyView(false, () => now);
  const told = [start, stage(["a", "bcd", "e", "f"], 2), jobStart("bcd"), jobStart("a")].flatMap(view.take);
  expect(told).toEqual(["stage 1: 6 jobs, 2 of them done before"]);
  now = 130;
  view.take(progress("a", 50, "loss 1.25"));
  expect(view.lines()).toEqual([
    "stage 1 · 2/6 done · 30.0 s",
    "  a    50/200  30.0 s  loss 1.25",
    "  bcd  0/200  30.0 s",
  ]);
  expect(view.take(result("a", 30))).toEqual([]);
  expect(view.take({ kind: "retry", job: job("bcd"), attempt: 1, reason: "crashed (SIGABRT)" })).toEqual([
    "again: bcd crashed (SIGABRT)",
  ]);
  expect(
    view.take({
      ...{ kind: "failure", failure: { run: "bcd", until: 200, reason: "crashed (SIGABRT)", attempts: 3 } },
    }),
  ).toEqual(["failed: bcd until 200 crashed (SIGABRT)"]);
  expect(view.lines()).toEqual(["stage 1 · 4/6 done · 1 failed · 30.0 s · about 30.0 s left"]);
  expect(view.take({ kind: "pause", reason: "no space is left" })).toEqual([
    "paused: no space is left; the study goes on when there is room",
  ]);
  expect(view.lines()[0]).toBe("stage 1 · 4/6 done · 1 failed · 30.0 s · paused, the disk is full");
  expect(view.take({ kind: "continue" })).toEqual(["there is room again"]);
});

test("how long a stage may take is told from its own jobs", () => {
  const view = createStudyView(false, () => 0);
  for (const event of [start, stage(["a", "b"], 0), result("a", 100), result("b", 100)]) view.take(event);
  for (const event of [stage(["c", "d"], 0), result("c", 1)]) view.take(event);
  expect(view.lines()).toEqual(["stage 1 · 1/2 done · 0.0 s · about 1.0 s left"]);
});

test("what is no terminal gets a line for each finished job", () => {
  const view = createStudyView(true, () => 0);
  const events = [start, stage(["a"], 0), jobStart("a"), progress("a", 200, "loss 1.25"), result("a", 61)];
  expect(events.flatMap(view.take)).toEqual(["stage 1: 1 job", "1/1 a until 200: 1 min 01 s loss 1.25"]);
});

test("more jobs than lines are counted, and nothing a worker says moves the cursor", () => {
  const view = createStudyView(false, () => 0);
  const runs = ["a", "b", "c", "d", "e"];
  for (const event of [start, stage(runs, 0), ...runs.map(jobStart), progress("a", 1, "x\u001b[2J\ny")])
    view.take(event);
  expect(view.lines(4)).toEqual([
    "stage 1 · 0/5 done · 0.0 s",
    "  a  1/200  0.0 s  x [2J y",
    "  b  0/200  0.0 s",
    "  and 3 more",
  ]);
  expect(view.lines(6)).toHaveLength(6);
  const failure = { run: "a", until: 200, reason: "two\nlines", attempts: 1 };
  expect(view.take({ kind: "failure", failure })).toEqual(["failed: a until 200 two lines"]);
});
