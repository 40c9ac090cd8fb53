import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { operationWorkloads } from "../../src/cli/bench/command.ts";
import { memorySize, numberBetween, numberFrom, wholeNumber } from "../../src/cli/parsers.ts";
import { operationNames } from "../../src/train/benchmarkOperations.ts";
import { refusal, scantling } from "./harness.ts";

describe("help and version", () => {
  it("prints the version of the package", async () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
    expect(await scantling(["--version"])).toEqual({ exitCode: 0, out: `${version}\n`, err: "" });
  });

  it("names every command", async () => {
    const { exitCode, out } = await scantling(["--help"]);
    expect(exitCode).toBe(0);
    for (const name of ["train", "sample", "evaluate", "data", "bench"])
      expect(out).toMatch(new RegExp(`^ {2}${name} `, "m"));
  });

  it.each(["train", "sample", "bench"])("%s --help has an example and the common options", async (name) => {
    const { exitCode, out } = await scantling([name, "--help"]);
    expect(exitCode).toBe(0);
    expect(out).toMatch(new RegExp(`Examples?:\\s+scantling ${name}`));
    for (const option of ["--seed", "--threads", "--backend", "--out", "--json", "--force"]) {
      expect(out).toContain(option);
    }
  });
});

describe("a wrong command line is refused in one line with exit code 2", () => {
  it.each([
    [[], "no command; expected one of train, sample, "],
    [["trian"], "unknown command 'trian'; did you mean train?"],
    [["train", "--steqs", "3"], "unknown option '--steqs'; did you mean --steps?"],
    [["bench", "--kvHaeds", "3"], "unknown option '--kv-haeds'; did you mean --kv-heads?"],
    [["train", "--steps", "0"], "argument '0' is invalid. Expected a whole number of at least 1."],
    [["train", "--steps", "-5"], "argument '-5' is invalid"],
    [["train", "--steps"], "option '--steps <n>' argument missing"],
    [["train", "--learning-rate", "fast"], "argument 'fast' is invalid. Expected a number above 0."],
    [["train", "--validation-fraction", "1"], "Expected a number above 0 and below 1."],
    [["train", "--minutes", "1", "--steps", "3"], "cannot be used with option"],
    [["train", "extra"], "too many arguments"],
    [["bench", "--workload", "W3"], "Allowed choices are W1, W2, decoder, products"],
    [["bench", "--steps", "0"], "Expected a whole number of at least 1."],
    [["bench", "--workload", "W1", "--width", "64"], "--workload W1 has no width to choose"],
    [["bench", "--workload", "norms", "--heads", "2"], "--workload norms has no heads to choose"],
    [["bench", "--threads", "0"], "Expected a whole number of at least 1."],
    [["bench", "--threads", "65"], "--threads 65: the native backend has at most 64"],
    [["bench", "--backend", "reference", "--threads", "2"], "the reference backend has one thread"],
    [["sample"], "missing required argument 'run'"],
  ])("%j", async (words, message) => {
    const { exitCode, err } = await refusal(words);
    expect(err).toContain(message);
    expect(exitCode).toBe(2);
  });
});

describe("option values", () => {
  it.each([
    ["12", 12],
    ["20k", 20_000],
    ["1.1M", 1_100_000],
    ["2e3", 2000],
    [" 7 ", 7],
  ])("a whole number %j", (text, value) => expect(wholeNumber(1)(text)).toBe(value));

  it.each(["", "1.5", "abc", "0x10", "1e400", "-1", "Infinity", "NaN", "1kk"])("no whole number %j", (text) =>
    expect(() => wholeNumber(0)(text)).toThrow("whole number"),
  );

  it("numbers within limits", () => {
    expect(numberBetween(0, 1)("3e-3")).toBe(0.003);
    expect(["7B", "7G", "2.5T"].map(numberBetween(0))).toEqual([7e9, 7e9, 2.5e12]);
    expect(() => numberBetween(0, 1)("0")).toThrow("above 0 and below 1");
    expect(numberFrom(0)("0")).toBe(0);
    expect(() => numberFrom(0)("-.1")).toThrow("at least 0");
  });
  it("amounts of memory, decimal and binary", () => {
    const amounts = ["8GB", "900 MB", "7.5GiB", "1tb", "512KiB"].map(memorySize);
    expect(amounts).toEqual([8e9, 9e8, 7.5 * 2 ** 30, 1e12, 2 ** 19]);
    for (const text of ["8", "8 G", "GB", "-1GB", "0MB", "8XB", "1e3MB", "99999999999TB"]) {
      expect(() => memorySize(text)).toThrow("such as 900MB, 8GB or 7.5GiB");
    }
  });
});

it("offers every operation that can be timed", () => {
  expect(operationWorkloads).toEqual(operationNames);
});
