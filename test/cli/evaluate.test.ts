// The evaluate command on a tiny model and the reference backend.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunEvaluation } from "../../src/train/evaluateRun.ts";
import { refusal, scantling, temporaryFolder } from "./harness.ts";

const folder = temporaryFolder();
const text = join(folder.path, "abc.txt");
const run = join(folder.path, "run");
const onReference = ["evaluate", run, "--backend", "reference"];

beforeAll(async () => {
  writeFileSync(text, "abcd ".repeat(100));
  const model = ["--length", "4", "--width", "8", "--heads", "2", "--layers", "1", "--batch", "4"];
  const words = ["train", "--backend", "reference", "--data", text, ...model, "--sample-tokens", "0"];
  const { exitCode } = await scantling([...words, "--steps", "6", "--out", run]);
  expect(exitCode).toBe(0);
});
afterAll(() => folder.remove());

describe("evaluate", () => {
  it("prints the figures with their intervals, and progress on standard error", async () => {
    const { exitCode, out, err } = await scantling(onReference);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^loss {8}\d\.\d{4} nats\/token {2}\(\d\.\d{4} to \d\.\d{4}\)$/m);
    expect(out).toMatch(/^perplexity {2}\d\.\d{3} {2}\(/m);
    expect(out).toMatch(/^bits\/byte {3}\d\.\d{4} {2}\(/m);
    expect(out).toMatch(/^accuracy {4}\d+\.\d\d % {2}\(/m);
    expect(out).toMatch(
      /^95 % intervals for other text of this kind: Student's t over 13 blocks of about 4 tokens$/m,
    );
    expect(err).toMatch(/^data {7}abc\.txt, validation part: 49 tokens to score$/m);
    expect(err).toMatch(/^49 of 49 tokens {2}loss \d/m);
  });

  it("--json prints one document and nothing else; --out keeps it", async () => {
    const file = join(folder.path, "result.json");
    const { out } = await scantling([
      ...onReference,
      "--json",
      "--stride",
      "2",
      "--limit",
      "30",
      "--out",
      file,
    ]);
    const result = JSON.parse(out) as RunEvaluation;
    expect(result).toMatchObject({ run, step: 6, stride: 2, length: 4, tokens: 30, complete: true });
    expect(result.interval).toMatchObject({ level: 0.95, method: expect.stringContaining("Student's t") });
    expect(result.loss.low!).toBeLessThan(result.loss.value);
    expect(result.perplexity.value).toBeCloseTo(Math.exp(result.loss.value), 10);
    expect(readFileSync(file, "utf8")).toBe(out);
    expect((await refusal([...onReference, "--out", file])).err).toMatch(/the file exists/);
  });

  it("gives the same figures from any number of windows at a time, and by any checkpoint that is named", async () => {
    const figures = async (...words: string[]) =>
      (JSON.parse((await scantling([...onReference, "--json", ...words])).out) as RunEvaluation).loss.value;
    const loss = await figures("--checkpoint", "last");
    expect(await figures("--batch", "1", "--checkpoint", "6")).toBeCloseTo(loss, 12);
  });

  it("an interrupt gives what is scored and exit code 130", async () => {
    const stop = new AbortController();
    const outcome = await scantling([...onReference, "--batch", "1", "--json"], {
      signal: stop.signal,
      onError: (line) => {
        if (line.includes(" of ")) stop.abort();
      },
    });
    expect(outcome.exitCode).toBe(130);
    expect(JSON.parse(outcome.out)).toMatchObject({ complete: false });
    expect(outcome.err).toMatch(/interrupted\n$/);
  });

  it.each([
    [["evaluate"], "missing required argument 'run'"],
    [["evaluate", "nowhere"], "nowhere holds no run"],
    [[...onReference, "--checkpoint", "newest"], "Expected best, last or the number of a step."],
    [[...onReference, "--checkpoint", "3"], "has no checkpoint of step 3"],
    [
      [...onReference, "--stride", "5"],
      "stride is 5; expected a whole number from 1 to the model's length 4",
    ],
    [[...onReference, "--data", "wikitext-2"], "wikitext-2 is not on this machine"],
  ])("refuses %j in one line", async (words, message) => {
    const environment = { SCANTLING_CACHE: join(folder.path, "cache") };
    const { exitCode, err } = await refusal(words, { environment });
    expect(err).toContain(message);
    expect(exitCode).toBe(2);
  });
});
