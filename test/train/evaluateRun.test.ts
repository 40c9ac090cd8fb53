// The model of a run on the run's own data and on others, and what of that is refused.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createReference } from "../../src/backend/reference.ts";
import { RequestError } from "../../src/errors.ts";
import { evaluateRun, type RunEvaluation, type RunEvaluationOptions } from "../../src/train/evaluateRun.ts";
import { train } from "../../src/train/train.ts";

const machine = createReference();
let base: string;
let text: string;
let run: string;
/** Loss by step, as training told it. */
const told = new Map<number, number>();
const content = "a cat sat on a mat. a rat ate a hat. ".repeat(30);

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "scantling-evaluate-"));
  text = join(base, "mat.txt");
  writeFileSync(text, content);
  mkdirSync(join(base, "sets", "split"), { recursive: true });
  writeFileSync(join(base, "sets", "split", "train.txt"), content);
  writeFileSync(join(base, "sets", "split", "val.txt"), "a hat sat on a rat. ".repeat(8));
  run = join(base, "run");
  const events = train({
    machine,
    folder: run,
    architecture: { length: 8, width: 8, heads: 2, feedforward: 8 },
    training: { steps: 20, batch: 4, evaluateEvery: 10, schedule: { rate: 0.03, warmup: 2 } },
    data: { data: text },
  });
  for await (const event of events) if (event.kind === "evaluation") told.set(event.step, event.loss);
}, 60_000);
afterAll(() => rmSync(base, { recursive: true }));

async function evaluate(options: Partial<RunEvaluationOptions> = {}): Promise<RunEvaluation> {
  for await (const event of evaluateRun({
    machine,
    folder: run,
    dataFolder: join(base, "sets"),
    ...options,
  })) {
    if (event.kind === "end") return event.result!;
  }
  throw new Error("no end");
}

test("on its own data it is what training measured", async () => {
  for (const checkpoint of ["last", 20] as const) {
    const result = await evaluate({ checkpoint });
    expect(result.loss.value).toBeCloseTo(told.get(20)!, 10);
    expect(result).toMatchObject({ run, step: 20, data: "mat.txt", part: "validation", tokens: 110 });
  }
  const best = await evaluate();
  expect(best.loss.value).toBeCloseTo(Math.min(...told.values()), 10);
  expect(best.bitsPerByte.value).toBeCloseTo(best.loss.value / Math.LN2, 10);
  expect((await evaluate({ data: text, batch: 3 })).loss.value).toBeCloseTo(best.loss.value, 10);
});

describe("on other data", () => {
  test("a file is scored whole", async () => {
    const other = join(base, "other.txt");
    writeFileSync(other, content);
    const result = await evaluate({ data: other });
    expect(result).toMatchObject({ part: "whole", tokens: content.length - 1, bytes: content.length - 1 });
  });

  test("of data that come split the validation part is", async () => {
    expect(await evaluate({ data: "split" })).toMatchObject({
      data: "split",
      part: "validation",
      tokens: 159,
    });
  });
});

describe("refused in one line", () => {
  test.each<[string, Partial<RunEvaluationOptions>, RegExp]>([
    ["a run that is not there", { folder: "nowhere" }, /nowhere holds no run/],
    [
      "a checkpoint that is not there",
      { checkpoint: 7 },
      /has no checkpoint of step 7; expected one of 10, 20/,
    ],
    ["data that are not there", { data: "spilt" }, /called spilt .*did you mean split\?/],
    ["images", { data: "mnist" }, /mnist is a set of images; expected text/],
    ["a stride beyond the length", { stride: 9 }, /stride is 9; expected .* from 1 to the model's length 8/],
  ])("%s", async (_, options, message) => {
    const error = await evaluate(options).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RequestError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain("\n");
  });

  test("characters that the tokenizer does not know, counted and named", async () => {
    const odd = join(base, "odd.txt");
    writeFileSync(odd, "a cat sits on a xylophone ☃☃");
    await expect(evaluate({ data: odd })).rejects.toThrow(
      /odd\.txt has 7 tokens that the run's tokenizer does not know \("i" "l" "p" "x" "y" "☃"\); expected text like/,
    );
  });

  test("text that is too short", async () => {
    const short = join(base, "short.txt");
    writeFileSync(short, "a");
    await expect(evaluate({ data: short })).rejects.toThrow(/the text has 1 token, at least 2 are needed/);
  });

  test("its own data after they have changed", async () => {
    writeFileSync(text, content.replace("cat", "rat"));
    try {
      await expect(evaluate()).rejects.toThrow(
        /mat\.txt is not what the run in .* was trained on; restore it, or name/,
      );
    } finally {
      writeFileSync(text, content);
    }
  });
});

test("the built-in language has an optimum, which no model beats by more than chance", async () => {
  const folder = join(base, "language");
  const events = train({
    machine,
    folder,
    architecture: { length: 16, width: 4, heads: 1, feedforward: 4 },
    training: { steps: 1, batch: 8, evaluationTokens: 16 },
  });
  for await (const _ of events);
  const { optimum, loss, tokens } = await evaluate({ folder, limit: 2000, batch: 64 });
  expect(tokens).toBe(2000);
  expect(optimum!.value).toBeGreaterThan(0.5);
  expect(loss.value).toBeGreaterThan(optimum!.value);
  expect((await evaluate({ folder, limit: 200, stride: 8 })).optimum).toBeNull();
  expect(await evaluate({ data: "language", limit: 10 }).catch((error: Error) => error.message)).toMatch(
    /language has \d+ tokens that the run's tokenizer does not know/,
  );
});
