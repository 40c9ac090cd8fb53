// What is read of a run, against what the run itself told; and that reading it loads nothing that draws.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { createReference } from "../../src/backend/reference.ts";
import { RequestError } from "../../src/errors.ts";
import type { TrainEvent } from "../../src/train/events.ts";
import { runCurve, runResult } from "../../src/train/runResult.ts";
import { train } from "../../src/train/train.ts";
import { temporaryFolder } from "../cli/harness.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

it("agrees with the events of the run", async () => {
  const text = join(folder.path, "text.txt");
  writeFileSync(text, "abcd ".repeat(100));
  const run = join(folder.path, "run");
  const events: TrainEvent[] = [];
  const options = {
    machine: createReference(),
    folder: run,
    data: { data: text },
    architecture: { length: 4, width: 8, heads: 2, feedforward: 8 },
    training: { steps: 40, batch: 2, evaluateEvery: 10, seed: 1 },
  };
  for await (const event of train(options)) events.push(event);
  const steps = events.filter((event) => event.kind === "step");
  const evaluations = events.filter((event) => event.kind === "evaluation");

  const result = runResult(run);
  const best = evaluations.reduce((a, b) => (b.loss < a.loss ? b : a));
  expect(result).toMatchObject({
    ...{ folder: run, step: 40, steps: 40, tokens: 40 * 2 * 4, optimum: null, aboveOptimum: null },
    ...{ validationLoss: best.loss, bestStep: best.step, shareOfPeak: null },
  });
  const [before, last] = steps.slice(-2);
  expect(result.trainingLoss).toBeCloseTo((before!.loss + last!.loss) / 2, 12);

  const curve = runCurve(run);
  expect(curve.training).toEqual(steps.map(({ step, loss }) => ({ step, loss })));
  expect(curve.validation).toEqual(evaluations.map(({ step, loss }) => ({ step, loss })));
});

it("refuses a folder without a run and leaves nothing there", () => {
  const empty = join(folder.path, "empty");
  expect(() => runResult(empty)).toThrow(RequestError);
  expect(() => runCurve(empty)).toThrow(RequestError);
  expect(existsSync(empty)).toBe(false);
});

/** A source file and all that loading it loads; imports of types alone load nothing. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const imports = readFileSync(file, "utf8").matchAll(/^(?:import|export) (?!type )[^;]*?from "(\.[^"]+)"/gm);
  for (const [, path] of imports) loadedBy(resolve(dirname(file), path!), seen);
  return seen;
}

it("is read by the processes of studies, which load neither plots nor pages", () => {
  const root = fileURLToPath(new URL("../../src", import.meta.url));
  const drawing = (module: string) =>
    [...loadedBy(join(root, module))].filter((file) => /report\/(charts|page|run|html|figure)/.test(file));
  expect(drawing("train/runReport.ts")).not.toEqual([]);
  expect(drawing("train/runResult.ts")).toEqual([]);
  expect(drawing("trial/worker.ts")).toEqual([]);
});
