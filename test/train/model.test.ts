// A model out of a run's folder, and folders whose parts do not belong together.
import { cpSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Architecture } from "../../src/architecture/architecture.ts";
import { createReference } from "../../src/backend/reference.ts";
import { WorkError } from "../../src/errors.ts";
import { listCheckpoints } from "../../src/train/checkpoint.ts";
import { openModel } from "../../src/train/model.ts";
import { defineConfiguration, readConfiguration, writeConfiguration } from "../../src/train/runFolder.ts";
import { sampleRun } from "../../src/train/sampleRun.ts";
import { train } from "../../src/train/train.ts";
import { collect, tinyRun } from "./harness.ts";

const scratch = mkdtempSync(join(tmpdir(), "scantling-model-"));
const folder = join(scratch, "run");

beforeAll(async () => {
  const text = join(scratch, "abcd.txt");
  writeFileSync(text, "abcd".repeat(100));
  await collect(train(tinyRun(folder, text)));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Gives the run another architecture, as if it had always had it. */
function pretend(change: Partial<Architecture>): void {
  const { hash, earlier, ...settings } = readConfiguration(folder);
  const architecture = { ...settings.architecture, ...change };
  writeConfiguration(folder, defineConfiguration({ ...settings, architecture }, [...earlier, hash]));
}

test("a run is sampled by the library, in pieces", async () => {
  const pieces: string[] = [];
  for await (const piece of sampleRun({ machine: createReference(), folder, tokens: 12, prompt: "ab" }))
    pieces.push(piece);
  expect(pieces.join("")).toMatch(/^[abcd\ufffd]{12}$/);
  expect(pieces.length).toBeGreaterThan(6);
});

test("a damaged checkpoint is told of and the newest valid one opened, if somebody listens", () => {
  const copy = join(scratch, "damaged");
  cpSync(folder, copy, { recursive: true });
  const newest = listCheckpoints(join(copy, "checkpoints")).at(-1)!;
  const file = join(copy, "checkpoints", String(newest), "model.safetensors");
  truncateSync(file, 100);
  const told: string[] = [];
  const { step } = openModel(createReference(), copy, "last", (line) => told.push(line));
  expect(step).toBeLessThan(newest);
  expect(told).toEqual([expect.stringContaining(`${file}: it has 100 bytes`)]);
  expect(() => openModel(createReference(), copy, "last")).toThrow(/model\.safetensors is damaged/);
  expect(() => openModel(createReference(), copy, newest, () => {})).toThrow(/model\.safetensors is damaged/);
});

describe("a model is refused in one line where", () => {
  test.each<[string, Partial<Architecture>, RegExp]>([
    [
      "the tokenizer has more tokens than it",
      { vocabulary: 3 },
      /config\.json is damaged: the tokenizer has 5 tokens and the model 3;/,
    ],
    [
      "the checkpoint has another vocabulary",
      { vocabulary: 9 },
      /tensor "embedding\.tokens" is \[5,8\]; expected \[9,8\]/,
    ],
    [
      "the checkpoint is of another architecture",
      { repeat: 2 },
      /tensor "block\.1\.attention\.\S+" is missing/,
    ],
  ])("%s", (_, change, message) => {
    const before = readConfiguration(folder);
    pretend(change);
    expect(() => openModel(createReference(), folder)).toThrow(WorkError);
    expect(() => openModel(createReference(), folder)).toThrow(message);
    expect(() => openModel(createReference(), folder)).not.toThrow("\n");
    writeConfiguration(folder, before);
  });
});
