// `scantling plan`: its text, its document, its ladder, and what it refuses.

import { expect, test } from "vitest";
import { refusal, scantling } from "./harness.ts";

test("Chinchilla's budget: the first line says how far the law is from its runs", async () => {
  const { out, exitCode } = await scantling(["plan", "--flops", "5.76e23"]);
  expect(exitCode).toBe(0);
  expect(out.split("\n")[0]).toMatch(/^EXTRAPOLATION: .* 44 times above the runs that law besiroglu/);
  expect(out).toMatch(/parameters +72\.2G/);
  expect(out).toMatch(/shape +\d+ layers of width \d+/);
  expect(out).toContain("N counts all parameters, embeddings too; C = 6·N·D");
});

test("laws stand side by side", async () => {
  const { out } = await scantling(["plan", "--flops", "3.15e23", "--law", "kaplan,besiroglu"]);
  expect(out).toMatch(/law +kaplan +besiroglu/);
  expect(out).toMatch(/parameters +518G +53\.0G/);
  const { out: json } = await scantling(["plan", "--flops", "1e21", "--law", "kaplan,besiroglu", "--json"]);
  expect(JSON.parse(json).plans).toHaveLength(2);
});

test("the document names law, convention, cost, shape and alternatives", async () => {
  const words = ["plan", "--gpu-hours", "100", "--hardware", "a100", "--state-memory", "100MB", "--json"];
  const document = JSON.parse((await scantling(words)).out);
  expect(document.cost).toMatchObject({ hardware: "a100", utilisation: 0.4 });
  expect(document.shape.stateBytes).toBeLessThanOrEqual(100e6);
  expect(document.shape.stripe).toContain("swiglu");
  expect(document.alternatives).toHaveLength(7);
  expect(document.convention).not.toBe("");
});

test("a ladder of runs with its cost", async () => {
  const { out } = await scantling(["plan", "--table", "--flops", "1e17"]);
  expect(out.split("\n").length).toBeGreaterThan(36);
  expect(out).toMatch(/35 runs, 1\.000e\+17 FLOP/);
  expect(out).toMatch(/^EXTRAPOLATION: 1\.\d+e\+14 FLOP are .* times below the runs that law besiroglu/);
});

test("unique tokens have a law of their own", async () => {
  const { out } = await scantling(["plan", "--flops", "1e21", "--unique-tokens", "2G"]);
  expect(out).toMatch(/epochs +45\.2, worth 31\.0G fresh tokens/);
});

test("a mixer without heads is told without heads", async () => {
  const words = ["plan", "--parameters", "1G", "--length", "1000000", "--state-memory", "30MB"];
  const { out } = await scantling(words);
  expect(out).toContain("Mamba and SwiGLU");
  expect(out).toMatch(/shape +\d+ layers of width \d+, feed-forward/);
});

test.each([
  [[], /0 of FLOPs, parameters, tokens and loss are given/],
  [["--flops", "1e26"], /--extrapolate/],
  [["--flops", "-5"], /above 0/],
  [["--flops", "1", "--extrapolate"], /which is no model/],
  [["--flops", "1e21", "--parameters", "1G", "--loss", "2"], /3 of FLOPs/],
  [["--loss", "1.5"], /not reached at any budget/],
  [["--flops", "1e21", "--law", "chinchila"], /no such law and no such file/],
  [["--flops", "1e21", "--hardware", "h10"], /did you mean/],
  [
    ["--flops", "1e21", "--unique-tokens", "1G", "--law", "hoffmann"],
    /of use to --law data-constrained alone/,
  ],
  [["--table"], /no budget/],
  [["--table", "--flops", "1e30"], /times above the runs .* give --extrapolate/],
  [["--table", "--flops", "1e17", "--tokens", "1G"], /--tokens is of no use to --table/],
  [["--table", "--flops", "1e17", "--law", "kaplan,besiroglu"], /--table: 2 laws; expected one/],
])("%j is refused in one line", async (words, expected) => {
  const { err, exitCode } = await refusal(["plan", ...words]);
  expect(exitCode).toBe(2);
  expect(err).toMatch(expected);
});
