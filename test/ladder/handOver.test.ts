// What a ladder leaves for `scantling fit` and `scantling plan`: read by them as it is, they say what the ladder said.

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decoderFamily, type LadderFamily } from "../../src/ladder/family.ts";
import { handOver, nextCommand } from "../../src/ladder/handOver.ts";
import type { RateRule } from "../../src/ladder/rates.ts";
import type { LadderRequest } from "../../src/ladder/request.ts";
import { type LadderResult, ladderResult } from "../../src/ladder/result.ts";
import type { LadderRun } from "../../src/ladder/runs.ts";
import { scantling, temporaryFolder } from "../cli/harness.ts";
import { climb, noise } from "./simulate.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder.remove());

const rates: RateRule = {
  kind: "parametrised",
  parametrisation: { kind: "mup", baseWidth: 32, zeroHead: true },
  rate: 0.004,
};
const common = { vocabulary: 30, batch: 4, seed: 1, evaluationTokens: 1024 };
const isoflop: LadderRequest = {
  ...{ ...common, kind: "isoflop", family: decoderFamily(16, rates), layers: 1 },
  ...{ budgets: [1e10, 4e10, 1.6e11, 6.4e11], sizes: [0.25, 0.5, 1, 2, 4] },
};
const about = { vocabulary: 30, length: 16 };

async function resultOf(
  request: LadderRequest,
  lossOf: (run: LadderRun, at: number) => number | null,
): Promise<LadderResult> {
  return await ladderResult(request, climb(request, lossOf).last, null, []);
}

const chinchilla = (run: LadderRun, at: number) =>
  (0.8 + 60 / run.parameters ** 0.4 + 90 / run.tokens ** 0.4) * (1 + 1e-3 * noise(1, at));

async function document(...words: string[]) {
  const { out, err, exitCode } = await scantling([...words, "--json"]);
  expect([exitCode, err]).toEqual([0, ""]);
  return JSON.parse(out);
}

test("an isoflop ladder becomes a table, a law and a plan", async () => {
  // One run is lost: it is in neither.
  const result = await resultOf(isoflop, (run, at) => (at === 2 ? null : chinchilla(run, at)));
  const files = handOver(result, folder.path);
  expect(files).toEqual({ runs: join(folder.path, "runs.csv"), law: join(folder.path, "law.json") });
  const [header, ...rows] = readFileSync(files.runs!, "utf8").trim().split("\n");
  expect(header).toBe("run,parameters,tokens,flops,loss,state,width,layers,rate,spent");
  expect(rows).toHaveLength(result.rungs.flatMap(({ runs }) => runs).length - 1);

  const law = JSON.parse(readFileSync(files.law!, "utf8"));
  const fitted = await document("fit", files.runs!, "--law", "chinchilla");
  expect(Object.keys(law).sort()).toEqual(Object.keys(fitted).sort());
  for (const key of ["constants", "covariance", "domain", "residuals", "columns", "diagnostics"])
    expect(law[key]).toEqual(fitted[key]);

  const valleys = await document("fit", files.runs!, "--law", "isoflop");
  expect(valleys.constants).toEqual(JSON.parse(JSON.stringify(result.frontier!.constants)));

  const next = nextCommand(result, files, about)!;
  expect(next).toMatch(/^npx scantling plan --flops \de\d\d --law \S+law\.json --vocabulary 30 --length 16$/);
  // Runs that determine no law of losses may still have minima.
  expect(nextCommand({ ...result, law: null }, { ...files, law: null }, about)).toMatch(/ --law isoflop$/);
  const plan = await document(...next.split(" ").slice(2));
  expect(plan.warnings.filter((text: string) => text.startsWith("EXTRAPOLATION"))).toEqual([]);
  expect(plan.lossInterval[0]).toBeLessThan(plan.loss);
  expect(plan.convention).toMatch(/^FLOPs are counted off the graph/);
  expect(plan.shape.depth).toBeGreaterThan(0);
});

test("a ladder of state becomes a table that the law of state is fitted to", async () => {
  const mixer = (state: number): LadderFamily => ({
    ...{ name: `mamba-${state}`, step: 8, rates },
    architecture: (width, layers) => ({
      ...{ length: 16, width, layers, positions: "none" },
      stripe: [{ primitive: "mamba", state }, "gelu"],
    }),
  });
  const request: LadderRequest = {
    ...{ ...common, kind: "state", families: [2, 4, 8, 16].map(mixer), layers: 1 },
    ...{ parameters: 10_000, budgets: [2e10], sizes: [1] },
  };
  const result = await resultOf(
    request,
    (run, at) => Math.log(12 * run.state ** -0.2) + 0.002 * noise(4, at),
  );
  const path = join(folder.path, "state");
  mkdirSync(path);
  const files = handOver(result, path);
  expect(files.law).toBeNull();
  expect(existsSync(join(path, "law.json"))).toBe(false);
  const next = nextCommand(result, files, about)!;
  expect(next).toMatch(/^npx scantling fit \S+runs\.csv --law state$/);
  const { constants } = await document(...next.split(" ").slice(2));
  expect(constants.c.value).toBeCloseTo(result.states.at(-1)!.fit.constants.c!.value, 9);
});

test("without losses there is nothing to hand over", async () => {
  const result = await resultOf(isoflop, () => null);
  const files = handOver(result, join(folder.path, "none"));
  expect(files).toEqual({ runs: null, law: null });
  expect(nextCommand(result, files, about)).toBeNull();
});
