// Arms that grow: equal FLOPs with the small network's counted, moments as shares, and a run that really grows. Masked text.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { defineTrial } from "../../src/trial/define.ts";
import { updatesOf } from "../../src/trial/growing.ts";
import type { ArmGrowth, TrialInput } from "../../src/trial/input.ts";
import { trialSections } from "../../src/trial/report.ts";
import { trialResult } from "../../src/trial/result.ts";
import { jobOf, type TrialRun } from "../../src/trial/runs.ts";
import { readValue } from "../../src/trial/values.ts";
import { spentAfter } from "../../src/trial/views.ts";
import { work } from "../../src/trial/worker.ts";
import { temporaryFolder } from "../cli/harness.ts";
import { context, resultOf } from "./harness.ts";

const root = temporaryFolder();
afterAll(() => root.remove());

const small = { heads: 2, activation: "gelu", norm: "rms", positions: "rope", width: 16 };
const grown = (grow: readonly ArmGrowth[], layers = 1) => ({
  architecture: { ...small, layers },
  training: { grow },
});
const deeper: ArmGrowth = { at: { share: 0.25 }, to: { layers: 3 } };
const input = (train: TrialInput["train"], grow: readonly ArmGrowth[] = [deeper]): TrialInput => ({
  arms: { scratch: { architecture: { ...small, layers: 3 } }, grown: grown(grow) },
  ...{ train, length: 8, batch: 4, rates: [0.01], seeds: 2, stop: "full" },
});
const armsOf = (train: TrialInput["train"], grow?: readonly ArmGrowth[]) =>
  defineTrial(input(train, grow), context).arms;

test("at equal FLOPs the small network's count, and it has its share of them", () => {
  const [scratch, own] = armsOf({ flops: 3e8 });
  expect(own!.parameters).toEqual(scratch!.parameters);
  const [first, second] = own!.stages.map(
    ({ steps, flopsPerToken }) => steps * 32 * flopsPerToken.training,
  ) as [number, number];
  const ofStep = scratch!.flops / scratch!.steps;
  expect(Math.abs(first + second - 3e8)).toBeLessThan(ofStep);
  expect(Math.abs(first - 0.75e8)).toBeLessThan(ofStep);
  expect(own!.flops).toBe(first + second);
  expect(own!.steps).toBeGreaterThan(scratch!.steps);
  const sixN = armsOf({ flops: 3e8, convention: "sixN" })[1]!;
  const counted = sixN.stages.map(({ steps, flopsPerToken }) => steps * 32 * flopsPerToken.sixN);
  expect(Math.abs(counted[0]! - 0.75e8)).toBeLessThan(5e6);
});

test("a share of a run of updates is one of updates; other moments are what they say", () => {
  const at = (moment: ArmGrowth["at"]) =>
    armsOf({ steps: 100 }, [{ ...deeper, at: moment }])[1]!.stages.map(({ steps }) => steps);
  expect(at({ share: 0.25 })).toEqual([25, 75]);
  expect(at({ step: 10 })).toEqual([10, 90]);
  expect(at({ tokens: 321 })).toEqual([11, 89]);
  // Twice: the second moment is counted with the middle network.
  const prices = [1, 2, 4].map((amount) => ({ amount, flops: 10 * amount }));
  const moments = [{ share: 0.25 }, { flops: 600 }];
  expect(updatesOf(prices, moments, { total: 120, tokensPerStep: 1 })).toEqual([30, 15, 15]);
});

test("growth that cannot be compared, or cannot be, is refused in one line", () => {
  const refused = (train: TrialInput["train"], event: object) => () =>
    armsOf(train, [{ ...deeper, ...event } as ArmGrowth]);
  const plateau = { plateau: { improvement: 0.1, evaluations: 2 } };
  expect(refused({ steps: 100 }, { at: plateau })).toThrow(
    /grown: training: grow\[0\]: at: unknown key "plateau"/,
  );
  expect(refused({ steps: 6 }, { at: { share: 0.01 } })).toThrow(
    /training: grow\[0\]\.at is \{"share":0\.01\}, before any update is made; raise it/,
  );
  expect(refused({ steps: 100 }, { at: { share: 1.5 } })).toThrow(/share is 1\.5; expected a share below 1/);
  expect(refused({ steps: 100 }, { at: { step: 100 } })).toThrow(/step is 100; expected one from 1 to 99/);
  expect(refused({ seconds: 10 }, {})).toThrow(/grown grows, and seconds are measured before it does/);
  expect(refused({ steps: 100 }, { to: { heads: 1 } })).toThrow(/^study: grown: training: grow\[0\]/);
  const all = { ...input({ steps: 100 }), training: { grow: [deeper] } };
  expect(() => defineTrial(all, context)).toThrow(/training\.grow is out of place: it is an arm's/);
  const other = { a: grown([]), b: { ...grown([]), training: { objective: "masked-token" } } };
  expect(() => defineTrial({ ...input({ steps: 100 }), arms: other } as never, context)).toThrow(
    /arms\.b\.training\.objective is out of place: it is the same for all arms/,
  );
});

test("an arm's own settings of training are in place of the study's, its schedule's beside them", () => {
  const arms = {
    plain: { architecture: { ...small, layers: 1 } },
    other: {
      architecture: { ...small, layers: 1 },
      training: { optimizer: "lion", schedule: { final: 0 }, clip: null },
    },
  };
  const study = {
    ...input({ steps: 100 }),
    ...{ arms, training: { clip: 2, schedule: { decay: "linear" } } },
  } as TrialInput;
  const of = (more: object) =>
    defineTrial({ ...study, ...more }, context).runs.map((rates) => rates[0]![0]!.spec.training);
  const muon = { ...arms, other: { ...arms.other, training: { ...arms.other.training, optimizer: "lamb" } } };
  const [plain, other] = of({ arms: muon });
  expect(plain).toMatchObject({ clip: 2, schedule: { decay: "linear", warmup: 10, rate: 0.01 } });
  expect(other).toMatchObject({ clip: null, optimizer: "lamb", schedule: { decay: "linear", final: 0 } });
  expect(() => of({})).toThrow(/study: other: optimizer/);
});

test("the views of an arm that grows are at what its networks cost, each at its own price", () => {
  expect(
    spentAfter(
      [
        { steps: 10, price: 1 },
        { steps: 5, price: 3 },
      ],
      12,
    ),
  ).toBe(16);
  const trial = defineTrial(input({ flops: 3e8 }), context);
  const loss = ({ arm, seed }: TrialRun) => 2 - 0.1 * arm + 0.001 * ((seed + arm) % 2);
  const results = trial.runs.flat(2).map((run) => {
    const made = resultOf(run, loss(run));
    // The small network is ten times as fast.
    const stageTokensPerSecond = run.arm === 0 ? [] : [1000, 100];
    return { ...made, value: { ...made.value, tokensPerSecond: 100, stageTokensPerSecond } };
  });
  const { views, arms } = trialResult(trial, { results, failures: [] });
  const equal = views.find(({ name }) => name === "equal FLOPs (training)")!;
  // Both end there: what was asked for.
  expect(equal.losses).toEqual(arms.map(({ test }) => test!.loss));
  const { stages } = trial.arms[1]!;
  const seconds = 32 * (stages[0]!.steps / 1000 + stages[1]!.steps / 100);
  const scratch = (32 * trial.arms[0]!.steps) / 100;
  const view = views.find(({ name }) => name === "equal seconds")!;
  expect(view.budget).toBeCloseTo(Math.min(seconds, scratch), 6);
});

test("the page says of an arm that grows what it began as, when it grew and by what", () => {
  const sectionsOf = (grow: readonly ArmGrowth[]) => {
    const trial = defineTrial(input({ steps: 100 }, grow), context);
    const results = trial.runs.flat(2).map((run) => resultOf(run, 2 - 0.1 * run.arm));
    return trialSections(trialResult(trial, { results, failures: [] }));
  };
  const sections = sectionsOf([{ ...deeper, to: [{ grow: "layers", add: 2, at: "last" }], method: "stack" }]);
  const growth = sections.find(({ heading }) => heading === "Growth")!.parts[0]!;
  if (growth.kind !== "table") throw new Error("it is no table");
  const rows = growth.rows.map((row) =>
    growth.columns
      .map(({ heading }, i) => [heading, row[i]!] as const)
      .filter(([name]) => !/FLOPs|param/.test(name)),
  );
  const row = (network: string, how: string, layers: number, after: number, own: number) => [
    ...[["arm", "grown"] as const, ["network", network] as const, ["how it comes to be", how] as const],
    ...[["layers", layers] as const, ["width", 16] as const],
    ...[["after updates", after] as const, ["its own updates", own] as const],
  ];
  expect(rows).toEqual([row("1 of 2", "as given", 1, 0, 25), row("2 of 2", "grown by stack", 3, 25, 75)]);
  const shares = growth.rows.map((cells) => cells.at(-1) as number);
  expect(shares[0]! + shares[1]!).toBeCloseTo(1, 12);
  const blocks = sections.find(({ heading }) => heading === "Architectures")!.parts;
  expect(blocks.map((part) => part.kind === "figure" && part.title)).toEqual([
    "Blocks of scratch, grown (2 of 2)",
    "Blocks of grown (1 of 2)",
  ]);
  expect(sectionsOf([]).some(({ heading }) => heading === "Growth")).toBe(false);
});

const text = join(root.path, "text.txt");
writeFileSync(text, "abcd bcda cdab ".repeat(300));
const data = { name: "text.txt", vocabulary: 6, trainingTokens: 4050, validationTokens: 450 };

/** What a run brings back, stopped on its way and gone on with if asked. */
async function made(run: TrialRun, name: string, stopAt = Infinity) {
  const stop = new AbortController();
  const { value, flops } = await work(jobOf(run), {
    ...{ folder: join(root.path, name), threads: 1, signal: stop.signal },
    report: ({ at }) => {
      if (at >= stopAt) stop.abort();
    },
  });
  const { tokensPerSecond, stageTokensPerSecond, ...rest } = readValue(run.run, value);
  return { rest: { ...rest, flops }, stageTokensPerSecond };
}

test("a run that grows takes the FLOPs that it was given, also when it was stopped", async () => {
  const study = { ...input({ steps: 24 }), data: text, evaluationTokens: 64 };
  const trial = defineTrial(study, { data, backend: "reference" });
  const run = trial.runs[1]![0]![0]!;
  const { rest, stageTokensPerSecond } = await made(run, "grown");
  expect(rest.flops).toBeCloseTo(trial.arms[1]!.flops, -2);
  expect(stageTokensPerSecond).toHaveLength(2);
  await expect(made(run, "grown-again", 10)).rejects.toThrow(/goes on from its checkpoint/);
  expect((await made(run, "grown-again")).rest).toEqual(rest);
}, 120_000);

test("masked text: one more token, both sides seen, accuracy told, and the same masks for all arms", async () => {
  const study: TrialInput = {
    ...input({ steps: 24 }),
    arms: {
      both: { architecture: { width: 16, stripe: "[attention(heads: 2, causal: false), gelu]" } },
      twice: { architecture: { width: 16, stripe: "[attention(heads: 2, causal: false), gelu] × 2" } },
    },
    ...{ data: text, evaluationTokens: 128, training: { objective: "masked-token" } },
  };
  const trial = defineTrial(study, { data, backend: "reference" });
  for (const { architecture } of trial.arms) expect(architecture.vocabulary).toBe(7);
  const { rest } = await made(trial.runs[0]![0]![0]!, "masked");
  expect(rest.accuracy).toBeGreaterThan(0);
  expect(rest.optimum).toBeNull();
  expect(rest.test).not.toBe(rest.selection);
  expect(() => defineTrial({ ...study, training: {} }, { data })).toThrow(/^study: both: .*causal/);
}, 120_000);
