// A prediction on the disk: read as it was written, or refused before anything is trained.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { WorkError } from "../../src/errors.ts";
import { decoderFamily } from "../../src/ladder/family.ts";
import { ladder } from "../../src/ladder/ladder.ts";
import type { Prediction } from "../../src/ladder/predict.ts";
import { readPrediction } from "../../src/ladder/predictionFile.ts";
import { temporaryFolder } from "../cli/harness.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const path = join(folder.path, "prediction.json");
const loss = { value: 2, standardError: 0.1, interval: [1.8, 2.2] } as const;
const prediction: Prediction = {
  rungs: [{ rung: "1.0e+12 FLOP", budget: 1e12, best: null, loss, runs: [{ run: "a", loss }] }],
  laws: ["N = k·C^a"],
  doubts: [{ kind: "poor fit", text: "misses" }],
  isBefore: true,
  from: [{ run: "b", loss: null }],
};

test("what was written is read", () => {
  expect(readPrediction(path)).toBeNull();
  writeFileSync(path, JSON.stringify(prediction));
  expect(readPrediction(path)).toEqual(prediction);
});

test("a damaged one is refused in one line, and before anything is trained", async () => {
  const rates = {
    kind: "parametrised",
    parametrisation: { kind: "mup", baseWidth: 32, zeroHead: true },
    rate: 0.004,
  } as const;
  for (const damaged of [
    "",
    "{",
    "[]",
    JSON.stringify({ rungs: [{}], laws: [] }),
    JSON.stringify({ ...prediction, rungs: [] }),
    JSON.stringify({ ...prediction, doubts: undefined }),
    JSON.stringify(prediction).replace("1.8", '"low"'),
  ]) {
    writeFileSync(path, damaged);
    const events = ladder({
      ...{ kind: "isoflop", vocabulary: 30, batch: 4, seed: 1, evaluationTokens: 1024, layers: 1 },
      ...{ family: decoderFamily(16, rates), budgets: [1e10, 4e10], sizes: [0.25, 0.5, 1, 2, 4] },
      folder: folder.path,
    });
    const error = await events.next().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(WorkError);
    expect((error as Error).message).toMatch(
      /^[^\n]*prediction\.json: [^\n]*restore it, or remove it[^\n]*$/,
    );
    expect(existsSync(join(folder.path, "study.json"))).toBe(false);
    expect(readFileSync(path, "utf8")).toBe(damaged);
  }
});

test("a vocabulary that is smaller than the data's is refused before anything is trained", async () => {
  const own = join(folder.path, "small");
  const rates = {
    kind: "parametrised",
    parametrisation: { kind: "mup", baseWidth: 32, zeroHead: true },
    rate: 0.004,
  } as const;
  const events = ladder({
    ...{ kind: "isoflop", vocabulary: 27, batch: 4, seed: 1, evaluationTokens: 1024, layers: 1 },
    ...{ family: decoderFamily(16, rates), budgets: [1e10, 4e10], sizes: [0.25, 0.5, 1, 2, 4], folder: own },
  });
  await expect(events.next()).rejects.toThrow(
    /vocabulary is 27; expected at least the 43 tokens of the data/,
  );
  expect(existsSync(own)).toBe(false);
});
