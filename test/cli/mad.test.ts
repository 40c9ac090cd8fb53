// `scantling mad`: what it plans, what it refuses, scores against perplexities.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { refusal, scantling, temporaryFolder } from "./harness.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const published = fileURLToPath(new URL("../../bench/mad/published.csv", import.meta.url));

test("a dry run says runs, steps, FLOPs and states, and trains nothing", async () => {
  const words = ["mad", "attention", "hyena", "--tasks", "in-context-recall", "--dry-run"];
  const { exitCode, out } = await scantling(words);
  expect(exitCode).toBe(0);
  expect(out).toContain("2 architectures on 1 task, profile clean, seeds 1 to 3");
  expect(out).toContain("attention exempt");
  expect(out).toContain("hyena 2048 (as the rule)");
  const { out: text } = await scantling([...words, "--full", "--json"]);
  const { architectures, exhaustive, budget } = JSON.parse(text);
  expect(architectures.map(({ runs }: { runs: number }) => runs)).toEqual([9, 9]);
  expect([exhaustive.runs, budget]).toEqual([18, null]);
});

test("the whole grid of repo-head can be planned", async () => {
  const { out } = await scantling([
    "mad",
    "mad-mh-attention",
    "--profile",
    "repo-head",
    "--dry-run",
    "--json",
  ]);
  const { exhaustive, seeds } = JSON.parse(out);
  expect([exhaustive.runs, seeds]).toEqual([396, [12_345]]);
  expect(exhaustive.steps / 1e6).toBeCloseTo(5.38, 2);
});

test("tasks that are not MAD's take part where they are named, with their harder settings", async () => {
  const tasks = ["parity", "k-hop-recall", "in-context-recall-longer"];
  const words = ["mad", "attention", "--tasks", tasks.join(","), "--dry-run", "--json", "--full"];
  const { exitCode, out } = await scantling(words);
  const plain = JSON.parse(out);
  expect([exitCode, plain.tasks]).toEqual([0, tasks]);
  const { out: harder } = await scantling([...words, "--difficulty"]);
  expect(JSON.parse(harder).exhaustive.runs).toBe((plain.exhaustive.runs * (3 + 3 + 1)) / 3);
});

test("the published pairs, from a table that has its scores", async () => {
  const { exitCode, out } = await scantling(["mad", "--against", published]);
  expect(exitCode).toBe(0);
  expect(out).toMatch(/^mean +5 +-0\.981 \[/m);
  expect(out).toMatch(/^memorization +5 +0\.5/m);
  const { out: text } = await scantling(["mad", "--against", published, "--json"]);
  const { against } = JSON.parse(text);
  expect(against.find(({ name }: { name: string }) => name === "mean").spearman.value).toBe(-1);
});

describe("refused in one line", () => {
  const table = join(folder.path, "table.csv");
  writeFileSync(table, "architecture,perplexity\nattention,10\nhyna,11\ngla,12\n");
  test.each([
    [[], "no architectures"],
    [["atention"], "did you mean attention?"],
    [["attention", "--profile", "cleen"], "did you mean clean?"],
    [["attention", "--tasks", "compresion"], "did you mean compression?"],
    [["attention", "--budget", "5steps"], "too small for one result"],
    [["attention", "--budget", "x"], "such as 10m"],
    [["attention", "--seeds", "0"], "whole number of at least 1"],
    [["attention", "--full", "--budget", "10m"], "leave out --budget"],
    [["--against", "nowhere.csv"], "there is no such file"],
    [["--against", table], "did you mean hyena?"],
    [["attention", "hyena", "gla", "--against", table], "hyna does not take part; did you mean hyena?"],
    [["attention", "--against", published], "nothing is trained; leave out attention"],
    [["vit-b-16"], "cannot serve in-context-recall"],
  ])("%j", async (words, message) => {
    const { exitCode, err } = await refusal(["mad", ...words, "--out", join(folder.path, "out")]);
    expect(exitCode).toBe(2);
    expect(err).toContain(message);
  });
});
