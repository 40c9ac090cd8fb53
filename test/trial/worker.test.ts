// A run of a study, stopped on its way and gone on with: it brings back what an undisturbed one does.
import { copyFileSync, existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Job, Json } from "../../src/study/job.ts";
import { checkpointsPath } from "../../src/train/runFolder.ts";
import { defineTrial } from "../../src/trial/define.ts";
import { jobOf } from "../../src/trial/runs.ts";
import { readValue } from "../../src/trial/values.ts";
import { work } from "../../src/trial/worker.ts";
import { temporaryFolder } from "../cli/harness.ts";
import { input } from "./harness.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const text = join(folder.path, "text.txt");
writeFileSync(text, "abcd bcda cdab ".repeat(300));

const data = { name: "text.txt", vocabulary: 6, trainingTokens: 4050, validationTokens: 450 };
const trial = defineTrial(
  { ...input, data: text, train: { steps: 36 }, evaluationTokens: 128 },
  { data, backend: "reference" },
);
const job = jobOf(trial.runs[0]![1]![0]!);

/** What the run brings back but its speed. */
async function result(name: string, stopAt = Infinity, of: Job = job) {
  const stop = new AbortController();
  const { value, flops } = await work(of, {
    ...{ folder: join(folder.path, name), threads: 1, signal: stop.signal },
    report: ({ at }) => {
      if (at >= stopAt) stop.abort();
    },
  });
  const { tokensPerSecond, ...rest } = readValue(job.run, value);
  expect(tokensPerSecond).toBeGreaterThan(0);
  return { ...rest, flops };
}

test("a run that is stopped goes on from its checkpoint, or begins anew without one, to the same result", async () => {
  const whole = await result("whole");
  expect(whole.curve.map(({ step }) => step)).toEqual([3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36]);
  expect(whole.backend).toBe("reference");
  expect(whole.selection).toBe(whole.curve.at(-1)!.loss);
  expect(whole.test).not.toBe(whole.selection);
  await expect(result("stopped", 7)).rejects.toThrow(/goes on from its checkpoint/);
  await expect(result("stopped", 20)).rejects.toThrow(/goes on from its checkpoint/);
  expect(await result("stopped")).toEqual(whole);
  // Killed after its last update and before its result was written: there is nothing left to train.
  expect(await result("stopped")).toEqual(whole);
  await expect(result("lost", 7)).rejects.toThrow(/goes on from its checkpoint/);
  rmSync(checkpointsPath(join(folder.path, "lost")), { recursive: true });
  expect(existsSync(join(folder.path, "lost", "config.json"))).toBe(true);
  expect(await result("lost")).toEqual(whole);
}, 60_000);

test("a run whose data lie elsewhere by now begins anew, to the same result", async () => {
  const [before, after] = ["before.txt", "after.txt"].map((name) => join(folder.path, name));
  const jobOn = (path: string): Job => ({
    ...job,
    spec: { ...(job.spec as { readonly [key: string]: Json }), data: path },
    identity: "of the text",
  });
  copyFileSync(text, before!);
  const whole = await result("unmoved", Infinity, jobOn(before!));
  await expect(result("moved", 7, jobOn(before!))).rejects.toThrow(/goes on from its checkpoint/);
  renameSync(before!, after!);
  expect(await result("moved", Infinity, jobOn(after!))).toEqual(whole);
}, 60_000);

test("a run that fails says what it had trained by then", async () => {
  const spec = job.spec as { readonly training: { readonly [key: string]: Json } };
  const { rate: _, ...schedule } = spec.training.schedule as { readonly [key: string]: Json };
  const training = { ...spec.training, clip: null, optimizer: "sgd", schedule: { ...schedule, rate: 1e200 } };
  const failing = result("failing", Infinity, { ...job, spec: { ...spec, training } });
  await expect(failing).rejects.toMatchObject({ flops: expect.any(Number) });
  const { flops } = await failing.catch((error: unknown) => error as { readonly flops: number });
  const { flops: all } = await result("whole");
  expect(flops).toBeGreaterThan(0);
  expect(flops).toBeLessThan(all);
}, 60_000);
