// A ladder that is really trained, each run in a process of its own: predicted before it is run, and done once.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { temporaryFolder } from "../cli/harness.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = temporaryFolder();
beforeAll(() => {
  execFileSync(process.execPath, ["scripts/build.js"], { cwd: root });
}, 240_000);
afterAll(() => folder.remove());

function run(...words: string[]) {
  const main = join(root, "dist", "cli", "main.js");
  const told = execFileSync(process.execPath, [main, "ladder", ...words, "--json"], {
    cwd: folder.path,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return JSON.parse(told.toString());
}

test("the prediction is on the disk before the runs that it is about; the same command trains nothing again", () => {
  const words = [
    "isoflop",
    "--budgets",
    "3e9,6e9,1.2e10,2.4e10",
    "--layers",
    "1",
    "--length",
    "16",
    "--batch",
    "4",
  ];
  const first = run(...words, "--sizes", "0.25,0.5,1,2,4");
  expect(first.ended).toBe("done");
  expect(first.rungs).toHaveLength(4);
  expect(first.prediction.isBefore).toBe(true);
  expect(first.outcomes).toHaveLength(1);
  const study = join(folder.path, "runs/ladder");
  const predictedAt = statSync(join(study, "prediction.json")).mtimeMs;
  const runs = readdirSync(join(study, "runs")).filter((name) => !name.startsWith("."));
  for (const name of runs) {
    const results = join(study, "runs", name, "results");
    const at = Math.max(...readdirSync(results).map((file) => statSync(join(results, file)).mtimeMs));
    if (name.includes("2.4e10flop")) expect(at).toBeGreaterThan(predictedAt);
    else expect(at).toBeLessThanOrEqual(predictedAt);
  }
  expect(readFileSync(join(study, "report.html"), "utf8")).toContain("Prediction and outcome");
  expect(run(...words, "--sizes", "0.25,0.5,1,2,4")).toEqual(first);
}, 600_000);
