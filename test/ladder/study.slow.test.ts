// A ladder that is really trained, each run in a process of its own: predicted before it is run, and done once.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { builtFolder, main } from "../built.ts";

const folder = builtFolder();

function run(...words: string[]) {
  const told = execFileSync(process.execPath, [main, "ladder", ...words, "--json"], {
    cwd: folder.path,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return JSON.parse(told.toString());
}

// Four states are the fewest runs that a prediction with an interval takes: three below, and the largest.
const states = [2, 4, 8, 16].map((state) => `state${state}.json`);
const words = [
  ...["state", ...states, "--budgets", "5e9", "--parameters", "10000"],
  ...["--length", "16", "--layers", "1", "--batch", "4"],
];

test("the prediction is on the disk before the run that it is about; the same command trains nothing again", () => {
  for (const file of states) {
    const state = Number(/\d+/.exec(file)![0]);
    const stripe = [{ primitive: "mamba", state }, "gelu"];
    const architecture = { length: 16, width: 16, layers: 1, positions: "none", stripe };
    writeFileSync(join(folder.path, file), JSON.stringify(architecture));
  }
  const first = run(...words);
  expect(first.ended).toBe("done");
  expect(first.failures).toEqual([]);
  expect(first.rungs).toHaveLength(4);
  expect(first.prediction.isBefore).toBe(true);
  expect(first.outcomes).toHaveLength(1);
  expect(first.outcomes[0].loss.measured).toBeGreaterThan(0);
  const study = join(folder.path, "runs/ladder");
  const path = join(study, "prediction.json");
  const predicted = readFileSync(path, "utf8");
  const predictedAt = statSync(path).mtimeMs;
  const runs = readdirSync(join(study, "runs")).filter((name) => !name.startsWith("."));
  expect(runs).toHaveLength(4);
  for (const name of runs) {
    const results = join(study, "runs", name, "results");
    const at = Math.max(...readdirSync(results).map((file) => statSync(join(results, file)).mtimeMs));
    if (name.startsWith("state16")) expect(at).toBeGreaterThan(predictedAt);
    else expect(at).toBeLessThanOrEqual(predictedAt);
  }
  expect(readFileSync(join(study, "report.html"), "utf8")).toContain("Prediction and outcome");
  expect(run(...words)).toEqual(first);
  expect(readFileSync(path, "utf8")).toBe(predicted);
  expect(statSync(path).mtimeMs).toBe(predictedAt);
  // One that is damaged is never written over.
  writeFileSync(path, predicted.slice(0, 40));
  expect(() => run(...words)).toThrow();
  expect(readFileSync(path, "utf8")).toBe(predicted.slice(0, 40));
}, 240_000);
