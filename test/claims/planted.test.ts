// Claims of every kind on planted losses: what is there is found, what is not there is not, and noise decides nothing.
// Nothing is trained.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { chinchillaRuns } from "../../src/claims/chinchillaRuns.ts";
import type { ClaimStudy } from "../../src/claims/claim.ts";
import { kaplanRuns } from "../../src/claims/kaplan.ts";
import { concludeMad } from "../../src/claims/madStudy.ts";
import { mupRuns } from "../../src/claims/mup.ts";
import { offOptimumTrial } from "../../src/claims/offOptimum.ts";
import { statusIn } from "../../src/claims/record.ts";
import { claimReport } from "../../src/claims/report.ts";
import { reproduce } from "../../src/claims/reproduce.ts";
import { type RunsInput, type SingleRun, studiedRuns } from "../../src/claims/runsStudy.ts";
import { stateOptimalTrial } from "../../src/claims/stateOptimal.ts";
import { studiedTrial } from "../../src/claims/trialStudy.ts";
import { wideOrDeep } from "../../src/claims/wideOrDeep.ts";
import type { MadResult } from "../../src/mad/result.ts";
import { reportPage } from "../../src/report/page.ts";
import { defineTrial } from "../../src/trial/define.ts";
import { type TrialResult, trialResult } from "../../src/trial/result.ts";
import { temporaryFolder } from "../cli/harness.ts";
import { resultsOf } from "../trial/harness.ts";

const vocabulary = 11;
const seeds = [1, 2, 3];
const data = { data: "words", isBuiltIn: true, trainingTokens: 1e9, seeds };

/** What differs from run to run, from -1 to 1. */
const noiseOf = (name: string): number =>
  Math.sin([...name].reduce((sum, c) => (31 * sum + c.charCodeAt(0)) % 1_000_003, 7));

interface Planted {
  readonly width: number;
  readonly tokens: number;
  readonly rate: number;
  readonly kind: string;
}

/** The claim's study with losses that the caller decides. */
function studied(
  input: RunsInput,
  lossOf: (planted: Planted) => number | null,
  noise = 0.001,
  words = vocabulary,
) {
  const planned = input.plan({ vocabulary: words, seeds });
  const results = planned.runs.map((run) => {
    const loss = lossOf(plantedOf(run));
    const value = { loss: loss === null ? null : loss + noise * noiseOf(run.run) };
    return { run: run.run, until: run.spec.training.steps, value, flops: run.flops, seconds: 1 };
  });
  return studiedRuns(planned, { results, failures: [] }, data);
}

function plantedOf({ spec: { architecture, training } }: SingleRun): Planted {
  const { parametrisation = "standard", schedule } = training;
  return {
    width: architecture.width,
    tokens: training.steps * training.batch * architecture.length,
    rate: schedule!.rate as number,
    kind: typeof parametrisation === "string" ? parametrisation : parametrisation.kind,
  };
}

const sizes = { layers: 1, length: 8, batch: 4, evaluationTokens: 64, seeds: 3 };
const ladder = chinchillaRuns({
  ...{ ...sizes, label: "tiny", budgets: [1e9, 4e9], sizes: [0.25, 0.5, 1, 2, 4] },
});

test("chinchilla: a valley at every budget supports it, and its exponents are told", async () => {
  const valley = ({ width, tokens }: Planted) => 1 + 30 / width ** 1.2 + 300 / tokens ** 0.6;
  const { verdict, lines, result, sections, notes } = await studied(ladder, valley);
  expect(verdict.judgement).toBe("supported");
  expect(verdict.expectations).toHaveLength(2);
  expect(lines.join("\n")).toContain("loss at 4e9 FLOP");
  expect(lines.join("\n")).toMatch(/best size as C\^a, a = 0\.\d{3} \[/);
  expect((result as { optima: { parameters: number }[] }).optima[0]!.parameters).toBeGreaterThan(100);
  expect(sections[0]!.heading).toBe("Best sizes");
  expect(notes[0]).toContain("built-in language");
});

test("chinchilla: where the biggest is best it is not supported; noise decides nothing and says what it could have", async () => {
  const falling = await studied(ladder, ({ width }) => 2 - 0.2 * Math.log(width));
  expect(falling.verdict.judgement).toBe("not supported");
  const { verdict } = await studied(ladder, () => 2, 0.5);
  expect(verdict.judgement).toBe("not decidable at this scale");
  expect(verdict.expectations[0]!.decidable!.value).toBeGreaterThan(0.1);
});

test("chinchilla: sizes that are all likely to be too big, or too small, cannot say that none between is best", async () => {
  // With so many words the smallest model there is has more parameters than are likely to be best.
  const rising = ({ width }: Planted) => 2 + 0.2 * Math.log(width);
  const { verdict } = await studied(ladder, rising, 0.001, 400);
  expect(verdict.judgement).toBe("not decidable at this scale");
  expect(verdict.expectations[0]!.reason).toMatch(
    /wins over .*; but the smallest size, N 7\.\d+k?, lies above what is likely to be best, N 1\.96k/,
  );
  const valley = ({ width }: Planted) => 2 + Math.log(width / 24) ** 2;
  expect((await studied(ladder, valley, 0.001, 400)).verdict.judgement).toBe("supported");
  const few = chinchillaRuns({ ...sizes, label: "tiny", budgets: [1e11], sizes: [0.05, 0.1, 0.2] });
  const falling = await studied(few, ({ width }) => 2 - 0.2 * Math.log(width));
  expect(falling.verdict.expectations[0]!.judgement).toBe("not decidable at this scale");
  expect(falling.verdict.expectations[0]!.reason).toContain("lies below what is likely to be best");
  // Without a size between there is nothing that could be best.
  const two = chinchillaRuns({ ...sizes, label: "tiny", budgets: [1e9], sizes: [0.5, 2] });
  const { expectations } = (await studied(two, rising)).verdict;
  expect(expectations[0]).toMatchObject({
    judgement: "not decidable at this scale",
    reason: "there is nothing to compare",
  });
});

test("runs without a loss are told of, and decide nothing", async () => {
  const { verdict, notes, finished, sections } = await studied(ladder, ({ width }) =>
    width > 16 ? null : 2,
  );
  expect(JSON.stringify(sections.find(({ heading }) => heading === "Runs"))).toContain("runs have no loss");
  expect(verdict.judgement).not.toBe("supported");
  expect(notes.join("\n")).toMatch(/\d+ runs have no loss/);
  expect(finished).toBe(true);
  const planned = ladder.plan({ vocabulary, seeds });
  const begun = await studiedRuns(planned, { results: [], failures: [] }, data);
  expect(begun.finished).toBe(false);
  expect(begun.verdict.judgement).toBe("not decidable at this scale");
});

const grid = kaplanRuns({ ...sizes, label: "tiny", widths: [8, 16, 32], tokens: [4000, 16_000, 64_000] });

test("kaplan: the published law has powers and the bend; a product of powers has no bend", async () => {
  // L(N, D) with constants for models as small as these.
  const bent = ({ width, tokens }: Planted) => ((300 / width) ** 1.5 + 3e5 / tokens) ** 0.3;
  const supported = await studied(grid, bent);
  expect(supported.verdict.judgement).toBe("supported");
  expect(supported.verdict.expectations).toHaveLength(4);
  const straight = ({ width, tokens }: Planted) => 20 * width ** -0.3 * tokens ** -0.2;
  const without = await studied(grid, straight, 1e-4);
  expect(without.verdict.expectations.map(({ judgement }) => judgement)).toEqual([
    ...["supported", "supported", "not supported", "not supported"],
  ]);
  expect((await studied(grid, bent, 0.5)).verdict.judgement).toBe("not decidable at this scale");
});

test("kaplan: exponents of planted powers are found to the digit", async () => {
  const { result } = await studied(grid, ({ tokens }) => 20 * tokens ** -0.2, 0);
  const { exponents } = result as { exponents: { name: string; estimate: { value: number } }[] };
  expect(exponents.find(({ name }) => name.startsWith("alphaD"))!.estimate.value).toBeCloseTo(0.2, 3);
});

const tuning = mupRuns({
  ...{ ...sizes, label: "tiny", widths: [8, 32], steps: 8 },
  rates: [1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2],
});

test("numbers of measures have the digits of their unit, and runs their FLOPs as numbers", async () => {
  const { sections } = await studied(tuning, ({ rate }) => 1 + Math.abs(Math.log(rate / 0.004)));
  const parts = sections.flatMap((section) => section.parts);
  const tables = parts
    .flatMap((part) => (part.kind === "folded" ? part.parts : [part]))
    .filter((part) => part.kind === "table");
  const measure = tables.find(({ note }) => note.startsWith("Each number: nat"))!;
  expect(measure.columns[0]).toEqual({ heading: "arm" });
  expect(measure.columns.slice(1).map(({ unit }) => unit)).toEqual(measure.columns.slice(1).map(() => "nat"));
  const runs = tables.find(({ title }) => title === "Runs")!;
  const flops = runs.columns.findIndex(({ heading }) => heading === "FLOPs");
  expect(runs.columns[flops]!.unit).toBe("count");
  expect(runs.rows.every((row) => typeof row[flops] === "number")).toBe(true);
});

test("mup: a rate that stays under muP alone supports it; rates that stay or move alike do not; noise decides nothing", async () => {
  const bowl = (rate: number, best: number) => 1 + 0.1 * Math.log2(rate / best) ** 2;
  const moving = ({ kind, width, rate }: Planted) =>
    bowl(rate, kind === "standard" && width === 32 ? 2e-3 : 8e-3);
  const { verdict, lines } = await studied(tuning, moving);
  expect(verdict.judgement).toBe("supported");
  expect(lines.join("\n")).toMatch(/standard over width: the best rate moves by 2 steps/);
  const staying = await studied(tuning, ({ rate }) => bowl(rate, 4e-3));
  expect(staying.verdict.judgement).toBe("not supported");
  expect((await studied(tuning, moving, 2)).verdict.judgement).not.toBe("supported");
});

const valleys = offOptimumTrial({
  ...{ label: "tiny", shares: ["50 %", "100 %"], widths: [8, 16, 24, 40], layers: 2 },
  study: { train: { tokens: 3200 }, length: 8, batch: 4, rates: [0.01], seeds: 3, evaluationTokens: 64 },
});
const words = { name: "words", vocabulary, trainingTokens: 1e6, validationTokens: 10_001 };

test("off-optimum: a flatter valley of the hybrid supports it, a steeper one does not, noise decides nothing", async () => {
  const trial = defineTrial(valleys.input, { data: words });
  const judged = async (hybrid: number, transformer: number, noise = 0.001) => {
    const lossOf = ({ arm, run }: { arm: number; run: string }) => {
      const { name, parameters } = trial.arms[arm]!;
      const steep = name.startsWith("50 %") ? hybrid : transformer;
      return 1 + steep * Math.log(parameters.total / 6000) ** 2 + noise * noiseOf(run);
    };
    const result = trialResult(trial, resultsOf(trial, lossOf));
    return studiedTrial(result, await valleys.conclude(result, trial));
  };
  const supported = await judged(0.02, 0.06);
  expect(supported.verdict.judgement).toBe("supported");
  expect(supported.sections[0]!.heading).toBe("Off the best size");
  expect((await judged(0.06, 0.02)).verdict.judgement).toBe("not supported");
  expect((await judged(0.03, 0.03, 0.0001)).verdict.judgement).toBe("not supported");
  expect((await judged(0.03, 0.03, 0.5)).verdict.judgement).toBe("not decidable at this scale");
  // A valley that opens downwards has no best size to be off.
  const open = await judged(0.02, -0.02);
  expect(open.verdict.judgement).toBe("not decidable at this scale");
  expect(open.verdict.expectations[0]!.reason).toBe("no result of 100 % attention");
  expect(open.lines.join("\n")).toContain("100 % attention: no minimum between the sizes");
});

test("state-optimal: the published exponent is found, none is not, and points all over decide nothing", async () => {
  const { conclude, input } = stateOptimalTrial({
    ...{ label: "tiny", width: 8, layers: 1 },
    study: { train: { tokens: 3200 }, rates: [0.01] },
  });
  const names = Object.keys(input.arms!);
  const states = [32, 128, 512, 64, 256, 1024, 2048, 4096];
  const judged = async (exponent: number, noise: number, more: readonly number[] = []) => {
    const arms = states.map((state, i) => ({
      name: names[i]!,
      test: {
        loss: 3 + (more[i] ?? 0) + exponent * Math.log(state) + noise * noiseOf(`noise of ${state}`),
        interval: null,
      },
    }));
    const result = { arms, data: "words", seeds } as unknown as TrialResult;
    const counted = states.map((mad) => ({ count: { stateElements: { mad } } }));
    return (await conclude(result, { arms: counted } as never)).verdict;
  };
  // The classes with more state are better, and within none of them does state help.
  const classes = [0, 0, 0, -0.3, -0.3, -0.3, -1, -1];
  expect((await judged(0, 0.1, classes)).judgement).toBe("not decidable at this scale");
  expect((await judged(0, 0.002, classes)).judgement).toBe("not supported");
  expect(
    (
      await judged(
        -0.28,
        0.02,
        classes.map((one) => -one),
      )
    ).judgement,
  ).toBe("supported");
  expect((await judged(-0.28, 0.02)).judgement).toBe("supported");
  const flat = await judged(0, 0.005);
  expect(flat.judgement).toBe("not supported");
  expect(flat.expectations[0]!.judgement).toBe("not supported");
  expect((await judged(-0.08, 0.01)).judgement).toBe("supported");
  // Surely below 0, and next to nothing.
  expect((await judged(-0.01, 0.0005)).judgement).toBe("not supported");
  expect((await judged(-0.28, 3)).judgement).toBe("not decidable at this scale");
});

test("mad: agreeing ranks support it, reversed ones do not, and a few mixed ones decide nothing", () => {
  const judged = (scores: readonly number[], losses: readonly number[]) => {
    const names = scores.map((_, i) => `arm ${i}`);
    const scored = {
      architectures: names.map((name, i) => ({ name, mean: { score: scores[i]! } })),
      ...{ tasks: ["parity"], seeds, results: [], verdicts: { mean: [], byTask: {} }, failures: [] },
      ...{ spent: {}, exhaustive: {}, profile: "tiny", score: "accuracy" },
    } as unknown as MadResult;
    const result = {
      arms: names.map((name, i) => ({ name, test: { loss: losses[i]!, interval: null }, tests: [] })),
      ...{ data: "words", seeds },
    } as unknown as TrialResult;
    return concludeMad(scored, result, []).verdict.expectations[0]!;
  };
  const scores = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
  expect(judged(scores, [2.9, 2.7, 2.8, 2.5, 2.6, 2.2, 2.3, 2.1]).judgement).toBe("supported");
  expect(judged(scores, [2.1, 2.3, 2.2, 2.6, 2.5, 2.8, 2.7, 2.9]).judgement).toBe("not supported");
  const open = judged(scores, [2.3, 2.1, 2.9, 2.7, 2.2, 2.8, 2.5, 2.6]);
  expect(open.judgement).toBe("not decidable at this scale");
  expect(open.decidable!.value).toBeGreaterThan(0.6);
  expect(judged([0.1, 0.2, 0.3], [3, 2, 1]).judgement).toBe("not decidable at this scale");
});

test("mad: the figure names the seeds that were run in each half, and not those that a race never came to", () => {
  const ran: Readonly<Record<string, readonly number[]>> = { one: [1, 2], two: [1, 2, 3], three: [1, 2, 3] };
  const names = Object.keys(ran);
  const scored = {
    architectures: names.map((name, i) => ({ name, mean: { score: i / 10, seeds: ran[name]!.length } })),
    results: names.map((architecture) => ({ architecture, variants: [{ ran: ran[architecture] }] })),
    ...{ tasks: ["parity"], seeds: [1, 2, 3, 4, 5], verdicts: { mean: [], byTask: {} }, failures: [] },
  } as unknown as MadResult;
  const result = {
    arms: names.map((name, i) => ({ name, test: { loss: 3 - i / 10, interval: null }, tests: [2, 2, null] })),
    ...{ data: "words", seeds },
  } as unknown as TrialResult;
  const [figure] = concludeMad(scored, result, []).sections![0]!.parts;
  expect(figure).toMatchObject({
    kind: "figure",
    seeds: "text: seeds 1 and 2; tasks: seeds 1 and 2 (one); seeds 1 to 3 (two, three)",
  });
});

test("a claim with a study of one's own kind is reproduced, with its status beside the report", async () => {
  const folder = temporaryFolder();
  try {
    const told = await studied(ladder, () => 2, 0.5);
    const study: ClaimStudy = {
      ...{ label: "of my own", name: "own", takes: () => true, cost: () => ({ runs: 1, flops: 1 }) },
      prepare: async () =>
        async function* () {
          yield { kind: "end", reason: "done", studied: told };
        },
    };
    const claim = { ...wideOrDeep, studies: { small: [study], full: [] } };
    for await (const event of reproduce({ claim, folder: folder.path })) {
      if (event.kind !== "end") continue;
      expect(event.studies[0]!.label).toBe("of my own");
      const page = reportPage(
        claimReport({ claim, scale: "small", studies: event.studies, command: "reproduce()" }),
      );
      expect(page).toContain("not decidable at this scale (of my own)");
    }
    expect(statusIn(folder.path)).toBe("not decidable at this scale (of my own)");
    expect(statusIn(join(folder.path, "other"))).toBe("not run");
    writeFileSync(join(folder.path, "verdicts.json"), "[{");
    expect(statusIn(folder.path)).toContain("verdicts.json cannot be read; remove it");
  } finally {
    folder.remove();
  }
});
