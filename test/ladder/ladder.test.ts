// Ladders without training: which runs they make, what they predict of the largest rung, and what they refuse.
import { expect, test } from "vitest";
import { RequestError } from "../../src/errors.ts";
import { doubtsOf } from "../../src/ladder/doubts.ts";
import { decoderFamily, type LadderFamily } from "../../src/ladder/family.ts";
import { outcomesOf } from "../../src/ladder/outcome.ts";
import { type Prediction, predictRungs } from "../../src/ladder/predict.ts";
import type { Progress } from "../../src/ladder/progress.ts";
import { checkRates, type RateRule, rateFor, ratesOf } from "../../src/ladder/rates.ts";
import { ladderReport } from "../../src/ladder/report.ts";
import {
  defineLadder,
  type IsoflopRequest,
  type LadderRequest,
  type ShapeRequest,
  type StateRequest,
} from "../../src/ladder/request.ts";
import { ladderResult, requireLosses } from "../../src/ladder/result.ts";
import type { LadderRun } from "../../src/ladder/runs.ts";
import { processSeconds } from "../../src/ladder/time.ts";
import { reportPage } from "../../src/report/page.ts";
import { climb, noise } from "./simulate.ts";

const rates: RateRule = {
  kind: "parametrised",
  parametrisation: { kind: "mup", baseWidth: 32, zeroHead: true },
  rate: 0.004,
};
const common = { vocabulary: 30, batch: 4, seed: 1, evaluationTokens: 1024 };
const isoflop = (more: Partial<IsoflopRequest> = {}): IsoflopRequest => ({
  ...{ ...common, kind: "isoflop", family: decoderFamily(16, rates), layers: 1 },
  ...{ budgets: [1e10, 4e10, 1.6e11, 6.4e11], sizes: [0.25, 0.5, 1, 2, 4], ...more },
});

/** A law with its best size a factor away from where it is guessed. */
const chinchilla = (run: LadderRun) => 0.8 + 60 / run.parameters ** 0.4 + 90 / run.tokens ** 0.4;

/** The prediction that would be on the disk, and what became of it. */
async function proved(
  request: LadderRequest,
  lossOf: (run: LadderRun, at: number) => number | null,
): Promise<{ prediction: Prediction; last: Progress; stages: Progress[] }> {
  const { stages, last } = climb(request, lossOf);
  const due = stages.find(({ isPredictionDue }) => isPredictionDue)!;
  return { prediction: (await predictRungs(request, due))!, last, stages };
}

test("runs spend their budget, and their schedules end where they end", () => {
  const { planned, flops } = defineLadder(isoflop());
  expect(planned).toHaveLength(20);
  for (const run of planned) {
    expect(Math.abs(run.flops / run.budget - 1)).toBeLessThan(0.025);
    expect(run.tokens).toBe(run.steps * 4 * 16);
    expect(run.spec.training.schedule).toMatchObject({ rate: 0.004, warmup: Math.floor(run.steps / 10) });
  }
  expect(flops).toBeCloseTo(planned.reduce((sum, run) => sum + run.flops, 0));
  expect(new Set(planned.map(({ run }) => run)).size).toBe(20);
  for (const budget of isoflop().budgets) {
    const widths = planned.filter((run) => run.budget === budget).map(({ width }) => width);
    expect(new Set(widths).size).toBe(5);
  }
});

test("the time of a ladder holds its evaluations", () => {
  const seconds = (evaluationTokens: number) =>
    processSeconds(defineLadder(isoflop({ evaluationTokens })), () => 1e10);
  // Of each of 20 runs one evaluation more than of a single token, at a third of training.
  const { planned } = defineLadder(isoflop({ evaluationTokens: 1e6 }));
  const more = planned.reduce((sum, { flops, tokens }) => sum + (1e6 * flops) / tokens / 3e10, 0);
  const ends = planned.every(({ steps, spec }) => spec.training.evaluateEvery === steps);
  expect(ends).toBe(true);
  const training = planned.reduce((sum, { flops }) => sum + 2 + flops / 1e10, 0);
  expect(seconds(1e6)).toBeCloseTo(training + more, 6);
});

test("sizes move to where minima are, and more are run where a minimum lies outside", () => {
  const shifted = (run: LadderRun) =>
    1 + (Math.log(run.parameters / 12) - 0.35 * Math.log(run.budget)) ** 2 / 50;
  const request = isoflop({ parameters: 150_000, sizes: [0.5, 0.7, 1, 1.4, 2] });
  const { last } = climb(request, shifted);
  const [first, ...others] = last.rungs;
  expect(first!.runs.length).toBeGreaterThan(5);
  for (const { valley } of last.rungs) expect(valley!.inside).toBe(true);
  for (const { runs } of others) expect(runs).toHaveLength(5);
});

test("the largest budget is predicted from the others before it is run, and lies inside", async () => {
  const { prediction, last, stages } = await proved(
    isoflop(),
    (run, at) => chinchilla(run) * (1 + 0.001 * noise(1, at)),
  );
  expect(prediction.isBefore).toBe(true);
  const due = stages.findIndex(({ isPredictionDue }) => isPredictionDue);
  expect(stages[due]!.jobs.every(({ budget }) => budget === 6.4e11)).toBe(true);
  expect(prediction.from.every(({ run }) => !run.includes("6.4e"))).toBe(true);
  const [outcome] = outcomesOf(isoflop(), prediction, last.rungs);
  expect(outcome!.best!.isInside).toBe(true);
  expect(outcome!.loss.isInside).toBe(true);
  expect(outcome!.reasons).toEqual([]);
  const [low, high] = prediction.rungs[0]!.loss.interval!;
  expect(high - low).toBeLessThan(0.3);
});

test("of a law without noise the loss at the minimum is predicted to four digits, though valleys are no parabolas", async () => {
  const request = isoflop({ sizes: [0.25, 0.44, 0.76, 1.32, 2.3, 4] });
  const { prediction, last } = await proved(request, chinchilla);
  const measured = last.rungs.at(-1)!.valley!.vertex!.loss;
  expect(Math.abs(prediction.rungs[0]!.loss.value / measured - 1)).toBeLessThan(1e-4);
});

test("a ladder of which no run came to a loss is a failure, in one line", async () => {
  const { last } = climb(isoflop(), () => null);
  const failures = [{ run: "a", until: 1, reason: "no memory", attempts: 3 }];
  const result = await ladderResult(isoflop(), last, null, failures);
  expect(() => requireLosses(result)).toThrow(/^ladder: none of \d+ runs came to a loss; a: no memory$/);
  expect(() => requireLosses({ ...result, failures: [] })).toThrow(/out of bounds: lower the rate$/);
  const { last: good } = climb(isoflop(), (_, at) => (at === 0 ? 2 : null));
  requireLosses(await ladderResult(isoflop(), good, null, failures));
});

test("where the largest budget obeys another law, the outcome says so and why", async () => {
  const bent = (run: LadderRun, at: number) =>
    chinchilla(run) * (run.budget > 5e11 ? 1.1 : 1) * (1 + 0.0005 * noise(2, at));
  const request = isoflop({ trainingTokens: 1e5 });
  const { prediction, last } = await proved(request, bent);
  const [outcome] = outcomesOf(request, prediction, last.rungs);
  expect(outcome!.loss.isInside).toBe(false);
  expect(outcome!.text).toContain("OUTSIDE");
  expect(outcome!.reasons.join("; ")).toMatch(/all runs are worse than predicted.*sees the data/);
});

test("a run without a loss is one run less; a prediction that is made late says so", async () => {
  const { prediction, last } = await proved(isoflop(), (run, at) => (at === 3 ? null : chinchilla(run)));
  expect(prediction.from.filter(({ loss }) => loss === null)).toHaveLength(1);
  expect(last.rungs).toHaveLength(4);
  const late = await predictRungs(isoflop(), last);
  expect(late!.isBefore).toBe(false);
});

test("a prediction is late too where runs have ended without a loss", async () => {
  const { stages } = await proved(isoflop(), chinchilla);
  const due = stages.find(({ isPredictionDue }) => isPredictionDue)!;
  const ended = due.rungs.map((rung) => ({
    ...rung,
    runs: rung.runs.map((one, i) => (due.isPredicted(rung) && i === 0 ? { ...one, hasEnded: true } : one)),
  }));
  expect((await predictRungs(isoflop(), due))!.isBefore).toBe(true);
  const late = await predictRungs(isoflop(), { ...due, rungs: ended });
  expect(late!.isBefore).toBe(false);
  const result = await ladderResult(isoflop(), due, late, []);
  const page = reportPage(
    ladderReport(isoflop(), result, { reason: "budget", command: "scantling ladder isoflop", hash: "1" }),
  );
  expect(page).toContain("when some runs of the largest rung had ended already");
  expect(page).not.toContain("before any run of the largest rung had ended");
});

test("what has no interval is not called missed", async () => {
  const request = isoflop({ budgets: [1e10, 4e10, 1.6e11] });
  const { prediction, last } = await proved(
    request,
    (run, at) => chinchilla(run) * (1 + 1e-3 * noise(5, at)),
  );
  expect(prediction.rungs[0]!.best!.interval).toBeNull();
  const [outcome] = outcomesOf(
    request,
    { ...prediction, doubts: [{ kind: "poor fit", text: "" }] },
    last.rungs,
  );
  expect(outcome!.loss.isInside).toBe(true);
  expect(outcome!.reasons).toEqual([]);
});

test("sizes that are added still learn: none has too few steps to spend its budget", () => {
  // The largest model is the best at every budget.
  const { last } = climb(isoflop({ batch: 32, parameters: 5000 }), (run) => 1 + 1 / Math.log(run.parameters));
  const runs = last.rungs.flatMap((rung) => rung.runs);
  expect(runs.length).toBeGreaterThan(20);
  for (const { run } of runs) expect(run.steps).toBeGreaterThanOrEqual(20);
});

test("laws are told with their doubts, and with the ladder's own convention", async () => {
  const wild = (_: LadderRun, at: number) => 3 + noise(9, at) ** 2;
  const { last } = climb(isoflop(), wild);
  const result = await ladderResult(isoflop(), last, null, []);
  expect(result.law!.convention).toMatch(/^FLOPs are counted off the graph/);
  expect(result.law!.convention).not.toContain("MassiveText");
  expect(doubtsOf(result).join("; ")).toMatch(/law of losses: poor fit/);
});

test("where minima lie outside of all sizes, losses are predicted all the same", async () => {
  // The smallest model is the best at every budget.
  const small = (run: LadderRun, at: number) =>
    0.5 + run.parameters / 1e5 + 90 / run.tokens ** 0.4 + 0.001 * noise(6, at);
  const { prediction, last } = await proved(isoflop({ parameters: 3000 }), small);
  expect(prediction.rungs[0]!.best).toBeNull();
  const [outcome] = outcomesOf(isoflop(), prediction, last.rungs);
  expect(outcome!.loss.measured).toBe(Math.min(...last.rungs.at(-1)!.runs.map(({ loss }) => loss!)));
});

test("runs that determine nothing give a prediction without an interval, which the disk keeps", async () => {
  const wild = (_: LadderRun, at: number) => 3 + 2 * noise(7, at) ** 2 * 1e3 ** noise(8, at);
  const { prediction, last } = await proved(isoflop(), wild);
  const kept = JSON.parse(JSON.stringify(prediction)) as Prediction;
  expect(kept).toEqual(prediction);
  expect(outcomesOf(isoflop(), kept, last.rungs)).toHaveLength(1);
});

test("depths of equal parameters, and the best depth of the largest budget", async () => {
  const request: ShapeRequest = {
    ...{ ...common, kind: "shape", family: decoderFamily(16, rates), parameters: 20_000 },
    ...{ budgets: [1e10, 4e10, 1.6e11, 6.4e11], depths: [1, 2, 3, 4, 6] },
  };
  const best = (budget: number) => 2 * (budget / 1e10) ** 0.1;
  const { prediction, last } = await proved(
    request,
    (run, at) =>
      2 -
      0.05 * Math.log(run.budget / 1e10) +
      0.1 * Math.log(run.layers / best(run.budget)) ** 2 +
      1e-4 * noise(3, at),
  );
  const sizes = last.rungs[2]!.runs.map(({ run }) => run.parameters);
  expect(Math.max(...sizes) / Math.min(...sizes)).toBeLessThan(1.6);
  const [outcome] = outcomesOf(request, prediction, last.rungs);
  expect(Math.abs(outcome!.best!.predicted.value / best(6.4e11) - 1)).toBeLessThan(0.1);
  expect(outcome!.best!.isInside).toBe(true);
});

const mixer = (state: number): LadderFamily => ({
  ...{ name: `mamba-${state}`, step: 8, rates, group: "mamba" },
  architecture: (width, layers) => ({
    ...{ length: 16, width, layers, positions: "none" },
    stripe: [{ primitive: "mamba", state }, "gelu"],
  }),
});
const states = (more: Partial<StateRequest> = {}): StateRequest => ({
  ...{ ...common, kind: "state", families: [2, 4, 8, 16].map(mixer), layers: 1, parameters: 10_000 },
  ...{ budgets: [2e10], sizes: [1], ...more },
});

test("the architecture with the most state is predicted from the others of its group", async () => {
  const law = (run: LadderRun, at: number) => Math.log(12 * run.state ** -0.2) + 0.002 * noise(4, at);
  const { prediction, last, stages } = await proved(states(), law);
  expect(stages).toHaveLength(2);
  expect(stages[1]!.jobs.map(({ family }) => family)).toEqual(["mamba-16"]);
  const [outcome] = outcomesOf(states(), prediction, last.rungs);
  expect(outcome!.loss.isInside).toBe(true);
  const result = await ladderResult(states(), last, prediction, []);
  expect(result.states.map(({ group }) => group)).toEqual(["mamba", "all"]);
  const { c } = result.states[0]!.fit.constants;
  expect(c!.interval![0]).toBeLessThan(-0.2);
  expect(c!.interval![1]).toBeGreaterThan(-0.2);
});

test("a state is predicted at the size that is likely to be the best, and best sizes at an end are said", async () => {
  const three = states({ sizes: [0.5, 1, 2] });
  const all = defineLadder(three).planned.length;
  expect(all).toBe(12);
  // At equal FLOPs the smallest of three sizes is the best, whatever the state.
  const law = ({ state, parameters }: LadderRun, at: number) =>
    Math.log(12 * state ** -0.2) + 0.3 * Math.log(parameters / 1e4) + 0.002 * noise(4, at);
  const { prediction, last } = await proved(three, law);
  const rung = last.rungs.find(({ name }) => name === "mamba-16")!;
  const smallest = rung.runs.map(({ run }) => run).toSorted((a, b) => a.parameters - b.parameters)[0]!;
  expect(prediction.rungs[0]!.loss.value).toBeCloseTo(law(smallest, 0), 1);
  const told = doubtsOf(await ladderResult(three, last, prediction, [])).join("; ");
  expect(told).toMatch(
    /sizes: the smallest that was run is the best of mamba-2, mamba-4, mamba-8, mamba-16; a better one/,
  );
  const lone = await proved(states(), law);
  expect(doubtsOf(await ladderResult(states(), lone.last, lone.prediction, [])).join("; ")).not.toMatch(
    /sizes:/,
  );
});

test("the page tells prediction, outcome, valleys and runs, also of a ladder that is not done", async () => {
  const { prediction, last, stages } = await proved(isoflop(), chinchilla);
  const about = { reason: "done", command: "scantling ladder isoflop", hash: "1" };
  const result = await ladderResult(isoflop(), last, prediction, []);
  expect(result.frontier!.constants.a.value).toBeGreaterThan(0.3);
  const page = reportPage(ladderReport(isoflop(), result, about));
  for (const text of ["Prediction and outcome", "N = k·C^a", "6.4e+11 FLOP", "inside"])
    expect(page).toContain(text);
  const early = await ladderResult(isoflop(), stages[1]!, null, []);
  expect(reportPage(ladderReport(isoflop(), early, { ...about, reason: "budget" }))).toContain(
    "Not all of it has been run (budget)",
  );
});

test("the page says of each set of exponents which runs and which reckoning it is of, and counts steps wholly", async () => {
  // Exponents so unequal that valleys are far from parabolas.
  const unequal = (run: LadderRun) => 0.8 + 20 / run.parameters ** 0.3 + 4000 / run.tokens ** 0.7;
  const request = isoflop({ sizes: [0.25, 0.44, 0.76, 1.32, 2.3, 4] });
  const { prediction, last } = await proved(request, unequal);
  const result = await ladderResult(request, last, prediction, []);
  const { alpha, beta } = result.law!.constants;
  const { a } = result.law!.derived;
  const [bias] = result.frontier!.diagnostics.filter(({ kind }) => kind === "biased parabolas");
  expect(bias!.text).toMatch(/^were the law of losses through all 24 runs the truth, and C = 6·N·D: /);
  // The same law as in the table, not one more.
  expect(bias!.text).toContain(`(alpha ${alpha!.value.toFixed(2)}, beta ${beta!.value.toFixed(2)})`);
  expect(bias!.text).toContain(`gives ${a!.value.toFixed(3)}`);
  const report = ladderReport(request, result, { reason: "done", command: "c", hash: "1" });
  for (const note of report.notes) expect(note).toMatch(/^[A-Z]/);
  const page = reportPage(report);
  for (const text of [
    "by laws of the smaller rungs alone: N = k·C^a through 3 minima",
    "N = k·C^a through 4 minima",
    "B/D^beta through 24 runs",
    "which follows from that law where C = 6·N·D",
  ])
    expect(page).toContain(text);
  const most = Math.max(...result.rungs.flatMap(({ runs }) => runs.map(({ steps }) => steps)));
  expect(most).toBeGreaterThan(10_000);
  expect(page).toContain(`>${most.toLocaleString("en-US")}<`);
});

test("what is drawn over state is called loss everywhere", async () => {
  const { last } = await proved(states(), ({ state }) => Math.log(12 * state ** -0.2));
  const result = await ladderResult(states(), last, null, []);
  const { sections } = ladderReport(states(), result, { reason: "done", command: "c", hash: "1" });
  const figure = sections.flatMap(({ parts }) => parts).find(({ kind }) => kind === "figure");
  expect(figure).toMatchObject({ title: "Loss over state", chart: { y: { label: "validation loss" } } });
  expect(JSON.stringify(sections)).not.toMatch(/Perplexity over|ln perplexity/);
});

test("rates by a measurement of transfer: one under muP, a table under standard, in logarithms between", () => {
  const series = (parametrisation: string, verdict: string, best: readonly number[]) => ({
    axis: "width",
    ...{ parametrisation, verdict, sizes: best.map((place, i) => ({ size: 32 * 4 ** i, best: place })) },
  });
  const measured = { rates: [0.001, 0.002, 0.004, 0.008], series: [series("mup", "stays", [1, 2])] };
  const rule = ratesOf(measured, "m.json");
  expect(rateFor(rule, 512).rate).toBeCloseTo(Math.sqrt(0.002 * 0.004), 12);
  expect(rateFor(rule, 512).parametrisation).toMatchObject({ kind: "mup", baseWidth: 32 });
  const table = ratesOf({ ...measured, series: [series("standard", "moves", [3, 1])] }, "m.json");
  expect(rateFor(table, 32).rate).toBeCloseTo(0.008, 12);
  expect(rateFor(table, 64).rate).toBeCloseTo(0.004, 12);
  expect(rateFor(table, 512).rate).toBeCloseTo(0.0005, 12);
  expect(() => ratesOf({ ...measured, series: [series("mup", "edge", [3, 3])] }, "m.json")).toThrow(
    /m.json: its verdict on mup is edge; expected a best rate that is known and stays/,
  );
  for (const wrong of [
    {},
    null,
    [],
    { rates: [], series: [] },
    { rates: [1], series: [{ axis: "width", sizes: [{}] }] },
  ])
    expect(() => ratesOf(wrong, "m.json")).toThrow(RequestError);
  expect(() => checkRates({ kind: "table", rows: [] })).toThrow(/widths of the rates are none/);
});

test("what cannot be a ladder is refused in one line", () => {
  const refused = (request: LadderRequest) => {
    try {
      defineLadder(request);
    } catch (error) {
      expect(error).toBeInstanceOf(RequestError);
      expect((error as Error).message).not.toContain("\n");
      return (error as Error).message;
    }
    return "";
  };
  expect(refused(isoflop({ budgets: [1e10] }))).toMatch(/one budget; expected two or more/);
  expect(refused(isoflop({ budgets: [2e10, 1e10] }))).toMatch(
    /budgets are .*each larger than the one before/,
  );
  expect(refused(isoflop({ budgets: [1e10, 1.02e10, 4e10] }))).toMatch(/two budgets are 1.0e\+10 FLOP/);
  expect(refused(isoflop({ sizes: [0.5, 1, 2, 4] }))).toMatch(/sizes are .*expected 5 or more/);
  expect(refused(isoflop({ budgets: [1e7, 1e10] }))).toMatch(/steps for decoder .*raise the budget/);
  expect(refused(isoflop({ batch: 0 }))).toMatch(/batch is 0/);
  expect(refused(isoflop({ parameters: Number.NaN }))).toMatch(/parameters are NaN/);
  const shape = {
    ...common,
    kind: "shape",
    family: decoderFamily(16, rates),
    budgets: [1e10, 1e11],
  } as const;
  expect(refused({ ...shape, parameters: 10_000, depths: [1, 2, 4, 8, 64] })).toMatch(
    /nearest model of \d+ layers has .* wanted of all depths/,
  );
  expect(refused({ ...shape, depths: [1, 2] })).toMatch(/depths are 1, 2; expected 5 or more/);
  expect(refused(states({ families: [mixer(4)] }))).toMatch(/one architecture/);
  expect(refused(states({ families: [mixer(4), mixer(4)] }))).toMatch(/two architectures are called mamba-4/);
  expect(refused(states({ budgets: [1e10, 2e10] }))).toMatch(/2 budgets; expected one/);
});
