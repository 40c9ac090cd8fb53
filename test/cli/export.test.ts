// `scantling export` on a run: what it prints, and what it refuses.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { trainedRun } from "../train/trainedRun.ts";
import { refusal, scantling, temporaryFolder } from "./harness.ts";

const folder = temporaryFolder();
const base = folder.path;
let run: string;
beforeAll(async () => {
  run = await trainedRun(join(base, "abc"));
});
afterAll(() => folder.remove());

describe("scantling export", () => {
  test("prints one JSON document", async () => {
    const file = join(base, "cli.onnx");
    const { exitCode, out, err } = await scantling(["export", run, "--to", "onnx", "--out", file, "--json"]);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    expect(JSON.parse(out)).toMatchObject({ file, format: "onnx", bytes: readFileSync(file).length });
  });

  test("says what it wrote", async () => {
    const file = join(base, "cli.safetensors");
    const { exitCode, out } = await scantling(["export", run, "--to", "safetensors", "--out", file]);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^.*cli\.safetensors: [\d.]+k? parameters after step \d, [\d.]+ KiB\n$/);
  });

  test("writes a run, or an architecture, for PyTorch", async () => {
    const file = join(base, "cli.py");
    const { exitCode, out, err } = await scantling(["export", run, "--to", "pytorch", "--out", file]);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    expect(out).toMatch(
      /^.*cli\.py, .*cli\.pytorch\.safetensors: [\d.]+k? parameters after step \d, [\d.]+ KiB\n$/,
    );
    const gpt2 = join(base, "gpt2.py");
    const found = await scantling(["export", "gpt2", "--to", "pytorch", "--out", gpt2, "--json"]);
    expect(JSON.parse(found.out)).toMatchObject({ file: gpt2, weights: null, parameters: 124_439_808 });
    expect(readFileSync(gpt2, "utf8")).toContain("class Attention");
    const unknown = await refusal(["export", "gtp2", "--to", "pytorch"]);
    expect(unknown.err).toContain("did you mean gpt2?");
  });

  test("refuses a checkpoint of an architecture, which has none", async () => {
    for (const which of ["last", "best", "7"]) {
      const words = ["export", "gpt2", "--to", "pytorch", "--checkpoint", which];
      const { exitCode, err } = await refusal(words);
      expect(exitCode).toBe(2);
      expect(err).toContain("--checkpoint is of no use with the architecture gpt2, which has no weights");
    }
    const file = join(base, "last.py");
    const { exitCode } = await scantling([
      "export",
      run,
      "--to",
      "pytorch",
      "--checkpoint",
      "last",
      "--out",
      file,
    ]);
    expect(exitCode).toBe(0);
  });

  test.each([
    [["--to", "gguf"], "Allowed choices are onnx, safetensors"],
    [[], "required option '--to <format>' not specified"],
    [["--to", "onnx", "--checkpoint", "newest"], "Expected best, last or a step."],
    [["--to", "safetensors", "--length", "3"], "--length: a safetensors file has no length"],
    [["--to", "pytorch", "--batch", "3"], "--batch: a pytorch file has no batch"],
    [["--to", "pytorch", "--layout", "gpt2"], "--layout: a pytorch file has none"],
    [["--to", "onnx", "--length", "9"], "length 9 is beyond the 4 positions"],
  ])("refuses %j", async (words, message) => {
    const { exitCode, err } = await refusal(["export", run, ...words]);
    expect(exitCode).toBe(2);
    expect(err).toContain(message);
  });

  test("--help has an example", async () => {
    expect((await scantling(["export", "--help"])).out).toMatch(/Examples:\n {2}scantling export/);
  });
});
