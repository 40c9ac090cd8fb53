// An encoder trained on text by masked tokens: a whole run, and what it cannot do.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createReference } from "../../src/backend/reference.ts";
import { RequestError } from "../../src/errors.ts";
import { evaluateRun } from "../../src/train/evaluateRun.ts";
import type { TrainEvent } from "../../src/train/events.ts";
import { resume } from "../../src/train/resume.ts";
import { readConfiguration } from "../../src/train/runFolder.ts";
import { type TrainOptions, train } from "../../src/train/train.ts";
import { collect, failure, tinyRun } from "./harness.ts";

let base: string;
let text: string;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "scantling-masked-"));
  text = join(base, "abc.txt");
  writeFileSync(text, "abcd".repeat(60));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const encoder: TrainOptions["architecture"] = {
  ...{ length: 8, width: 16, layers: 1, heads: 2, feedforward: 16, causal: false, positions: "rope" },
  stochasticDepth: 0.05,
};

function optionsOf(name: string, more: Partial<TrainOptions> = {}): TrainOptions {
  const training = {
    ...{ steps: 100, batch: 8, evaluateEvery: 50, schedule: { rate: 0.02, warmup: 5 } },
    objective: { name: "masked-token", chosen: 0.2 },
  };
  return tinyRun(join(base, name), text, { architecture: encoder, training, ...more });
}

const evaluations = (events: readonly TrainEvent[]) =>
  events.flatMap((event) => (event.kind === "evaluation" ? [event] : []));

test("learns what its neighbours say of a token, and resumes with the same bits", async () => {
  const events = await collect(train(optionsOf("whole")));
  const told = evaluations(events);
  expect(told.map(({ step }) => step)).toEqual([50, 100]);
  expect(told[1]!.loss).toBeLessThan(0.8);
  expect(told[1]!.statistics.accuracy).toBeGreaterThan(0.9);
  const log = readFileSync(join(base, "whole", "log.jsonl"), "utf8");
  expect(log).toContain('"accuracy"');
  const { architecture, training } = readConfiguration(join(base, "whole"));
  // Four characters, one for those that are unknown, and the mask.
  expect(architecture.vocabulary).toBe(6);
  expect(training.objective).toEqual({ name: "masked-token", chosen: 0.2, masked: 0.8, random: 0.1 });

  const abort = new AbortController();
  const interrupted: TrainEvent[] = [];
  for await (const event of train(optionsOf("parts", { signal: abort.signal }))) {
    interrupted.push(event);
    if (event.kind === "step" && event.step === 60) abort.abort();
  }
  const rest = await collect(resume({ machine: createReference(), folder: join(base, "parts") }));
  const again = [...evaluations(interrupted), ...evaluations(rest)];
  expect(again.map(({ loss }) => loss)).toEqual(told.map(({ loss }) => loss));
});

test("its loss on the next token is refused, and so is a vocabulary without a place for the mask", async () => {
  await collect(train(optionsOf("short", { training: { steps: 2, objective: "masked-token" } })));
  const scoring = evaluateRun({ machine: createReference(), folder: join(base, "short") });
  await expect(scoring.next()).rejects.toThrow(/attention is not causal/);
  const architecture = { ...encoder, vocabulary: 5 };
  const small = train(optionsOf("small", { architecture }));
  expect(await failure(small, RequestError)).toMatch(
    /at least the 5 tokens of the data and 1 of the objective/,
  );
});

test("nobody knows the lowest loss on masked tokens", async () => {
  const training = { steps: 1, batch: 2, objective: "masked-token" };
  const architecture = { ...encoder, length: 4 };
  const [start] = await collect(train(optionsOf("language", { architecture, training, data: {} })));
  expect(start).toMatchObject({ kind: "start", optimum: null });
});

test("text is refused by a classifier, and next tokens by an encoder, before anything is written", async () => {
  const classes = { training: { objective: "classification", steps: 2 } };
  expect(await failure(train(optionsOf("places", classes)), RequestError)).toMatch(/set pool to average/);
  const next = { training: { steps: 2 } };
  expect(await failure(train(optionsOf("next", next)), RequestError)).toMatch(/masked-token/);
  const pooled = { ...next, architecture: { ...encoder, pool: "last" } as const };
  expect(await failure(train(optionsOf("pooled", pooled)), RequestError)).toMatch(/leave pool out/);
});
