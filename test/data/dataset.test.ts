import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadDataset } from "../../src/data/dataset.ts";
import { restoreTokenizer } from "../../src/data/tokenizer.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "scantling-dataset-"));
  mkdirSync(join(folder, "split"));
  writeFileSync(join(folder, "split", "train.txt"), "abc".repeat(10));
  writeFileSync(join(folder, "split", "val.txt"), "abcz!z");
  writeFileSync(join(folder, "binary.bin"), new Uint8Array(50));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("text is split, and its vocabulary comes from training alone", async () => {
  const dataset = await loadDataset({ data: "split", dataFolder: folder });
  expect(dataset.tokenizer.vocabulary).toBe(4);
  expect(dataset.tokenizer.decode(dataset.training)).toBe("abc".repeat(10));
  expect([...dataset.validation]).toEqual([0, 1, 2, 3, 3, 3]);
  expect(dataset.notes).toEqual(['3 validation tokens are unknown to the tokenizer: "!" "z"']);
  expect(dataset.language).toBeNull();
});

test("a tokenizer of an earlier run is used as it is", async () => {
  const restored = restoreTokenizer({ kind: "characters", characters: "!abcz", unknown: true });
  const dataset = await loadDataset({ data: "split", dataFolder: folder, restored });
  expect([...dataset.validation]).toEqual([1, 2, 3, 4, 0, 4]);
  expect(dataset.notes).toEqual([]);
});

test("bytes take any file", async () => {
  const dataset = await loadDataset({ data: join(folder, "binary.bin"), tokenizer: "bytes" });
  expect(dataset.training.length).toBe(45);
  expect(dataset.validation.length).toBe(5);
  await expect(loadDataset({ data: join(folder, "binary.bin") })).rejects.toThrow(/NUL byte/);
});

describe("the built-in language", () => {
  test("is the default and knows its optimum", async () => {
    const dataset = await loadDataset({});
    expect(dataset.language?.alphabet.length).toBe(dataset.tokenizer.vocabulary);
    expect(dataset.tokenizer.decode(dataset.training.subarray(0, 500))).toBe(
      dataset.language?.decode(dataset.training.subarray(0, 500)),
    );
    const optimum = dataset.language!.optimalLoss(dataset.validation, 256);
    expect(optimum.value).toBeGreaterThan(dataset.language!.entropyRate);
    expect(optimum.standardError).toBeLessThan(0.005);
  });

  test("takes no tokenizer and no split", async () => {
    await expect(loadDataset({ data: "language", tokenizer: "bytes" })).rejects.toThrow(/takes no tokenizer/);
    await expect(loadDataset({ validationFraction: 0.2 })).rejects.toThrow(/comes split/);
  });
});

test.skipIf(process.env.SCANTLING_DATA === undefined)("tinyshakespeare has its known shape", async () => {
  const dataset = await loadDataset({ data: "tinyshakespeare", dataFolder: process.env.SCANTLING_DATA });
  expect(dataset.tokenizer.vocabulary).toBe(66);
  expect(dataset.training.length).toBe(1_003_854);
  expect(dataset.validation.length).toBe(111_540);
  expect(dataset.tokenizer.decode(dataset.training.subarray(0, 14))).toBe("First Citizen:");
});
