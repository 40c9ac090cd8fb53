// The sample command on a tiny model and the reference backend.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { refusal, scantling, temporaryFolder } from "./harness.ts";

const folder = temporaryFolder();
const before = process.cwd();

beforeAll(async () => {
  process.chdir(folder.path);
  writeFileSync("abc.txt", "ab€cd ".repeat(100));
  const model = ["--length", "8", "--width", "8", "--heads", "2", "--layers", "1", "--batch", "4"];
  for (const tokenizer of ["characters", "bytes"]) {
    const words = ["train", "--data", "abc.txt", "--tokenizer", tokenizer, "--steps", "4", ...model];
    const { exitCode, err } = await scantling([
      ...[...words, "--backend", "reference", "--sample-tokens", "0", "--out", join("runs", tokenizer)],
    ]);
    expect([exitCode, exitCode === 0 ? "" : err]).toEqual([0, ""]);
  }
});
afterAll(() => {
  process.chdir(before);
  folder.remove();
});

interface Result {
  run: string;
  prompt: string | null;
  samples: { text: string; ending: string }[];
}

const on = (run: string) => ["sample", join("runs", run), "--backend", "reference"];
const sample = on("characters");

async function json(words: readonly string[], settings: Parameters<typeof scantling>[1] = {}) {
  const { exitCode, out } = await scantling([...words, "--json"], settings);
  expect(out.endsWith("\n") && out.trim().split("\n").length === 1).toBe(true);
  return { exitCode, result: JSON.parse(out) as Result };
}

describe("sample", () => {
  it("continues a prompt, the same way for the same seed", async () => {
    const words = [...sample, "--prompt", "ab€", "--tokens", "30", "--seed"];
    const first = await scantling([...words, "1"]);
    expect(first.out).toMatch(/^ab€/);
    expect(first.out).toHaveLength(3 + 30 + 1);
    expect((await scantling([...words, "1"])).out).toBe(first.out);
    expect((await scantling([...words, "2"])).out).not.toBe(first.out);
    const { result } = await json([...words, "1"]);
    expect(result).toMatchObject({
      prompt: "ab€",
      temperature: 0.8,
      topK: null,
      topP: null,
      stop: [],
      seed: 1,
    });
    expect(result.samples).toEqual([{ text: first.out.slice(3, -1), ending: "tokens" }]);
  });

  it("takes the likeliest at temperature 0, as with top-k 1 and a small top-p", async () => {
    const texts = await Promise.all(
      [
        ["--temperature", "0"],
        ["--top-k", "1"],
        ["--top-p", "0.001"],
      ].map(async (cut) => (await json([...sample, "--tokens", "20", ...cut])).result.samples[0]!.text),
    );
    expect(new Set(texts).size).toBe(1);
  });

  it("writes several samples in order, each as it is alone", async () => {
    const words = [...sample, "--prompt", "a", "--tokens", "12", "--temperature", "2"];
    const { result } = await json([...words, "--count", "3"]);
    const texts = result.samples.map(({ text }) => text);
    expect(new Set(texts).size).toBe(3);
    const { out } = await scantling([...words, "--count", "3", "--out", "texts/three.txt"]);
    expect(out).toBe(texts.map((text, i) => `--- ${i + 1} of 3 ---\na${text}\n`).join(""));
    expect(readFileSync("texts/three.txt", "utf8")).toBe(out);
    expect((await json(words)).result.samples).toEqual([result.samples[0]]);
  });

  it("ends before the first of the stop texts", async () => {
    const words = [...sample, "--tokens", "60", "--temperature", "3", "--seed", "5"];
    const whole = (await json(words)).result.samples[0]!.text;
    const stop = whole.slice(20, 22);
    const { result } = await json([...words, "--stop", "nowhere", "--stop", stop]);
    expect(result.samples).toEqual([{ text: whole.slice(0, whole.indexOf(stop)), ending: "stop" }]);
  });

  it("reads a prompt from standard input, a character cut in two as well", async () => {
    const bytes = new TextEncoder().encode("ab€c");
    const input = () => Readable.from([bytes.slice(0, 3), bytes.slice(3)]);
    const words = [...sample, "--tokens", "5", "--prompt"];
    const { result } = await json([...words, "-"], { input: input() });
    expect(result).toEqual((await json([...words, "ab€c"])).result);
  });

  it("writes to a file, once", async () => {
    const words = [...sample, "--tokens", "5", "--prompt", "ab", "--out", "texts/sample.txt"];
    const { exitCode, out } = await scantling(words);
    expect(exitCode).toBe(0);
    expect(`${readFileSync("texts/sample.txt", "utf8")}\n`).toBe(out);
    expect((await refusal(words)).exitCode).toBe(2);
    expect((await scantling([...words, "--force"])).exitCode).toBe(0);
  });

  it("ends with what it has written when it is interrupted, and with 130", async () => {
    const words = [...sample, "--tokens", "100000", "--prompt", "a"];
    const stopAfter = (characters: number) => {
      const stop = new AbortController();
      const unread = (out: string) => {
        if (out.length >= characters) stop.abort();
        return false;
      };
      return { signal: stop.signal, unread };
    };
    const { exitCode, out } = await scantling([...words, "--out", "texts/stopped.txt"], stopAfter(7));
    expect([exitCode, out.length]).toEqual([130, 7 + 1]);
    expect(`${readFileSync("texts/stopped.txt", "utf8")}\n`).toBe(out);
  });

  it("stops when nobody reads any more", async () => {
    const words = [...sample, "--tokens", "100000"];
    const { exitCode, out, err } = await scantling(words, { unread: (text) => text.length >= 7 });
    expect([exitCode, out.length, err]).toEqual([0, 7, ""]);
  });

  it.each([
    [["sample", "nowhere"], "nowhere holds no run"],
    [[...sample, "--prompt", "xyz"], 'never seen ("x" "y" "z")'],
    [[...sample, "--prompt", ""], "the prompt is empty"],
    [[...sample, "--prompt", "-"], "the prompt is empty"],
    [[...sample, "--prompt", "abcabcabc"], "the prompt has 9 tokens, and the model sees 8 at once"],
    [[...sample, "--tokens", "0"], "at least 1"],
    [[...sample, "--count", "0"], "at least 1"],
    [[...sample, "--count", "2000000"], "from 1 to 1000000"],
    [[...sample, "--temperature", "-1"], "at least 0"],
    [[...sample, "--top-k", "0"], "at least 1"],
    [[...sample, "--top-p", "0"], "above 0 and at most 1"],
    [[...sample, "--top-p", "1.01"], "above 0 and at most 1"],
    [[...sample, "--stop", ""], "a stop text is empty"],
  ])("refuses %j", async (words, message) => {
    const { exitCode, err } = await refusal(words);
    expect(err).toContain(message);
    expect(exitCode).toBe(2);
  });

  it.each([
    [[Uint8Array.of(0xff)], "not UTF-8"],
    [Array(3).fill(new Uint8Array(500_000)), "more than 1048576 bytes"],
  ])("refuses what is no prompt on standard input", async (parts, message) => {
    const { exitCode, err } = await refusal([...sample, "--prompt", "-"], { input: Readable.from(parts) });
    expect(err).toContain(message);
    expect(exitCode).toBe(2);
  });
});
