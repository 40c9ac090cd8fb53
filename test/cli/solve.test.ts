// `scantling solve`: its document, its table, and what it refuses.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { refusal, scantling, temporaryFolder } from "./harness.ts";

const depths = ["--depths", "1,4,16,64,256"];

test("widths for 50M parameters at five depths", async () => {
  const { exitCode, out } = await scantling(["solve", "--parameters", "50M", ...depths, "--json"]);
  expect(exitCode).toBe(0);
  const { budget, solutions } = JSON.parse(out);
  expect(budget).toEqual({ of: "parameters", value: 50_000_000, convention: "total" });
  expect(solutions.map(({ depth }: { depth: number }) => depth)).toEqual([1, 4, 16, 64, 256]);
  for (const { error } of solutions) expect(Math.abs(error)).toBeLessThan(0.01);
  const text = await scantling(["solve", "--parameters", "50M", ...depths]);
  for (const { width } of solutions) expect(text.out).toContain(` ${width} `);
});

test("widths for operations, of a preset", async () => {
  const words = ["solve", "--flops", "1e18", "--tokens", "1G", "--depths", "8", "--architecture", "llama-7b"];
  const { out } = await scantling([...words, "--convention", "sixN", "--vocabulary", "1000", "--json"]);
  const [{ width, value }] = JSON.parse(out).solutions;
  expect(width % 64).toBe(0);
  expect(Math.abs(value / 1e18 - 1)).toBeLessThan(0.1);
});

test("widths for the state of decoding: half the keys and values at twice the depth", async () => {
  const words = ["solve", "--state", "64k", "--depths", "1,2,4", "--length", "128", "--heads", "2"];
  const { out } = await scantling([...words, "--json"]);
  const { budget, solutions } = JSON.parse(out);
  expect(budget).toEqual({ of: "state", value: 64_000, convention: "kept" });
  expect(solutions.map(({ width }: { width: number }) => width)).toEqual([250, 124, 62]);
  expect(solutions[0].value).toBe(2 * 128 * 250);
  expect((await scantling(words)).out).toMatch(/64k numbers of state \(kept\)(.|\n)* 64,000 /);
});

test("heads that no power of two has", async () => {
  const { out } = await scantling(["solve", "--parameters", "1M", "--depths", "2", "--heads", "3", "--json"]);
  expect(JSON.parse(out).solutions[0].width % 3).toBe(0);
});

test("a file may name its schema for editors", async () => {
  const folder = temporaryFolder();
  try {
    const file = join(folder.path, "small.json");
    const settings = { vocabulary: 50, length: 32, width: 64, heads: 2 };
    writeFileSync(file, JSON.stringify({ $schema: "architecture.schema.json", ...settings }));
    const { err, out } = await scantling([
      ...["solve", "--parameters", "1M", "--depths", "2", "--architecture", file, "--json"],
    ]);
    expect(err).toBe("");
    expect(JSON.parse(out).solutions).toHaveLength(1);
  } finally {
    folder.remove();
  }
});

describe("refused in one line", () => {
  test.each([
    [["--depths", "1"], "no budget; expected --parameters"],
    [["--parameters", "50M"], "required option '--depths <list>'"],
    [["--parameters", "50M", "--depths", "1,x"], "such as 1,4,16"],
    [["--parameters", "50M", "--depths", "0"], "such as 1,4,16"],
    [["--parameters", "50M", "--flops", "1", "--depths", "1"], "cannot be used with option"],
    [["--parameters", "50M", "--state", "1", "--depths", "1"], "cannot be used with option"],
    [["--state", "1M", "--depths", "1", "--convention", "keep"], "did you mean kept?"],
    [["--parameters", "3k", "--depths", "4,256"], "depth 256: no width meets 3,000 parameters (total)"],
    [["--parameters", "50M", "--depths", "1", "--convention", "totl"], "did you mean total?"],
    [
      ["--flops", "1e30", "--depths", "1"],
      "no width up to 4194304 meets 1e+30 FLOPs (training), as 4194304 has",
    ],
    [["--flops", "1e9", "--depths", "1", "--convention", "total"], "expected one of training, forward"],
    [["--parameters", "50M", "--depths", "1", "--architecture", "gtp2"], "did you mean gpt2?"],
  ])("%j", async (words, message) => {
    const { exitCode, err } = await refusal(["solve", ...words]);
    expect(err).toContain(message);
    expect(exitCode).toBe(2);
  });
});
