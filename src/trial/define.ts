// A study of trained models, complete: how long each arm is trained, every run it could make, and the race among them.
// Trains nothing.
import { createHash } from "node:crypto";
import { RequestError, WorkError } from "../errors.ts";
import { type Budget, readBudget, showBudget } from "../study/budget.ts";
import type { Job, Json } from "../study/job.ts";
import { defaultProcesses } from "../study/processes.ts";
import { leastBudget } from "../study/racing/race.ts";
import type { Entry, RaceSettings } from "../study/racing/settings.ts";
import { createObjective } from "../train/objectives/objectives.ts";
import { parametrise } from "../train/parametrisation/parametrise.ts";
import { defineTraining, type TrainingInput, type TrainingSettings } from "../train/settings.ts";
import { type Arm, armsOf } from "./arms.ts";
import { readSettings, type TrialInput, type TrialSettings } from "./input.ts";
import { readValue } from "./values.ts";

/** The data of a study, as far as its runs depend on them. */
export interface TrialData {
  readonly name: string;
  readonly vocabulary: number;
  readonly trainingTokens: number;
  readonly validationTokens: number;
  /** Over all tokens: a study whose data were changed is another one. Default: they are known by their name alone. */
  readonly sha256?: string | undefined;
}

/** What is known besides the study itself. */
export interface TrialContext {
  readonly data: TrialData;
  /** Folder that paths of architectures go from; default: the working folder. */
  readonly folder?: string | undefined;
  /** Seconds of an update of each arm, measured; only needed where runs are held to seconds or `spend` is a time. */
  readonly secondsPerStep?: readonly number[] | undefined;
  /** Default: the fastest that is there. */
  readonly backend?: string | null | undefined;
  /** Runs at a time; default: as many as there are cores. */
  readonly processes?: number | undefined;
}

/** What the worker is told of a run. */
export interface TrialSpec {
  readonly architecture: Arm["architecture"];
  readonly training: TrainingInput & { readonly steps: number; readonly batch: number };
  readonly data: string | null;
  readonly tokenizer: string | null;
  /** Validation tokens that select, from the beginning, and the test's behind them. */
  readonly split: { readonly selection: number; readonly test: number };
  readonly backend: string | null;
}

/** One run that could be made. */
export interface TrialRun {
  readonly run: string;
  readonly arm: number;
  readonly candidate: number;
  readonly seed: number;
  readonly steps: number;
  readonly flops: number;
  readonly spec: TrialSpec;
}

/** An arm and how long each of its runs is trained. */
export interface TrialArm extends Arm {
  readonly steps: number;
  readonly tokens: number;
  /** Training FLOPs of a run, as they are computed. */
  readonly flops: number;
}

/** A study, complete. */
export interface Trial {
  readonly settings: TrialSettings;
  readonly data: TrialData;
  readonly arms: readonly TrialArm[];
  readonly seeds: readonly number[];
  readonly split: TrialSpec["split"];
  /** [arms][rates][seeds]. */
  readonly runs: readonly (readonly (readonly TrialRun[])[])[];
  readonly budget: Budget | null;
  readonly raced: RaceSettings;
  readonly processes: number;
  /** What tells one study from another, as its folder keeps it. */
  readonly json: Json;
}

const EVALUATIONS = 12;
/** The one rung of the race, in thousandths of a run: what is trained half has a rate that has not fallen yet. */
const WHOLE = 1000;
const TEST_TIMES = 4;
/** FLOP/s of small models on one core of a machine of today, where nothing is measured. */
const usualSpeed = 15e9;

/** Errors: RequestError, one line, for everything that can be known to be wrong before training. */
export function defineTrial(input: TrialInput | unknown, context: TrialContext): Trial {
  const settings = readSettings(input);
  const { data, processes = defaultProcesses(1) } = context;
  const split = splitOf(settings, data);
  const arms = armsOf(settings, { vocabulary: data.vocabulary, folder: context.folder }).map((arm, place) =>
    withLength(arm, settings, context.secondsPerStep?.[place]),
  );
  requireData(arms, settings, data);
  requireFewRuns(arms, settings);
  const seeds = Array.from({ length: settings.seeds }, (_, i) => settings.firstSeed + i);
  const runs = arms.map((arm, place) =>
    arm.rates.map((rate, candidate) =>
      seeds.map((_, seed) =>
        runOf({
          arm,
          place,
          rate,
          candidate,
          seed,
          seeds,
          settings,
          split,
          backend: context.backend ?? null,
        }),
      ),
    ),
  );
  const budget = settings.spend === undefined ? null : readBudget(settings.spend, "study: spend");
  const raced = raceOf(runs, arms, { settings, budget, processes, secondsPerStep: context.secondsPerStep });
  if (budget !== null) requireEnough(budget, raced);
  const json: Json = {
    kind: "trial",
    name: settings.name,
    data: data.sha256 ?? data.name,
    ...{ seeds, stop: settings.stop, margin: settings.margin, spend: settings.spend ?? null },
    arms: arms.map(({ name }, place) => ({ name, runs: runs[place]!.flat().map(({ run }) => run) })),
  };
  return { settings, data, arms, seeds, split, runs, budget, raced, processes, json };
}

/** Half of the validation tokens choose rates; the test is another half. */
function splitOf({ evaluationTokens, length }: TrialSettings, { validationTokens, name }: TrialData) {
  const half = Math.floor((validationTokens - 1) / 2);
  const selection = Math.min(evaluationTokens, half);
  if (half <= length) {
    throw new RequestError(
      `study: ${name} has ${validationTokens} validation tokens; expected more than ${2 * length + 2}, for selection and ` +
        "test windows of the study's length: give more text, or a smaller length",
    );
  }
  return { selection, test: Math.min(TEST_TIMES * evaluationTokens, validationTokens - 1 - half) };
}

function withLength(
  arm: Arm,
  { train, batch, length, training }: TrialSettings,
  secondsPerStep: number | undefined,
): TrialArm {
  const tokensPerStep = batch * length;
  const { flopsPerToken } = arm.count;
  const exact = ((): number => {
    if (train.steps !== undefined) return train.steps;
    if (train.tokens !== undefined) return train.tokens / tokensPerStep;
    if (train.flops !== undefined) {
      return train.flops / (flopsPerToken[train.convention ?? "training"] * tokensPerStep);
    }
    if (secondsPerStep === undefined) {
      throw new RequestError("study: train.seconds needs the speed of each arm, which is not measured here");
    }
    return train.seconds! / secondsPerStep;
  })();
  const steps = Math.round(exact);
  const warmup: unknown = training.schedule?.warmup;
  const least = Math.max(2, typeof warmup === "number" ? warmup + 1 : 0);
  if (steps < least) {
    throw new RequestError(
      `study: train gives ${arm.name} ${exact.toPrecision(3)} updates of ${tokensPerStep} tokens; expected at least ` +
        `${least}: raise it, or lower batch or length`,
    );
  }
  const tokens = steps * tokensPerStep;
  return { ...arm, steps, tokens, flops: flopsPerToken.training * tokens };
}

/** Epochs over the data beyond which a study must say that it wants them. */
const MOST_EPOCHS = 4;

function requireData(arms: readonly TrialArm[], { training }: TrialSettings, data: TrialData): void {
  const most = arms.reduce((a, b) => (b.tokens > a.tokens ? b : a));
  const epochs = most.tokens / data.trainingTokens;
  if (training.order === "epochs" || epochs <= MOST_EPOCHS) return;
  throw new RequestError(
    `study: ${most.name} is trained on ${most.tokens.toLocaleString("en-US")} tokens and ${data.name} has ` +
      `${data.trainingTokens.toLocaleString("en-US")}, ${epochs.toFixed(1)} epochs; expected at most ${MOST_EPOCHS}: give more ` +
      "text, train less, or ask for it with training: { order: epochs }",
  );
}

const MOST_RUNS = 10_000;

function requireFewRuns(arms: readonly TrialArm[], { seeds }: TrialSettings): void {
  const runs = arms.reduce((sum, { rates }) => sum + rates.length * seeds, 0);
  if (runs <= MOST_RUNS) return;
  throw new RequestError(
    `study: ${runs.toLocaleString("en-US")} runs; expected at most ${MOST_RUNS.toLocaleString("en-US")}: fewer arms, rates or seeds`,
  );
}

interface RunPlace {
  readonly arm: TrialArm;
  readonly place: number;
  readonly rate: number;
  readonly candidate: number;
  /** Number of the seed. */
  readonly seed: number;
  readonly seeds: readonly number[];
  readonly settings: TrialSettings;
  readonly split: TrialSpec["split"];
  readonly backend: string | null;
}

function runOf({ arm, place, rate, candidate, seed, seeds, settings, split, backend }: RunPlace): TrialRun {
  const { steps, parametrisation } = arm;
  const { batch, training: common, data, tokenizer } = settings;
  const training = {
    ...common,
    ...(parametrisation === undefined ? {} : { parametrisation }),
    ...{ steps, batch, seed: seeds[seed]!, keep: 1 },
    schedule: { warmup: Math.floor(steps / 10), ...common.schedule, rate },
    evaluateEvery: Math.ceil(steps / EVALUATIONS),
    evaluationTokens: split.selection,
  };
  try {
    const defined = defineTraining(training);
    if (candidate === 0 && seed === 0) requireTrainable(arm, defined);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw new RequestError(`study: ${arm.name}: ${error.message}`);
  }
  const spec: TrialSpec = {
    architecture: arm.architecture,
    training,
    data: data ?? null,
    tokenizer: tokenizer ?? null,
    split,
    backend,
  };
  const hash = createHash("sha256")
    .update(JSON.stringify([arm.name, spec]))
    .digest("hex")
    .slice(0, 8);
  const label = `${arm.name.slice(0, 60)}-rate${rate.toPrecision(3)}-seed${seeds[seed]}`;
  return {
    run: `${label.replace(/[^\w.]+/g, "-").replace(/^[.-]+/, "")}-${hash}`,
    ...{ arm: place, candidate, seed, steps, flops: arm.flops, spec },
  };
}

/** What a run would refuse. */
function requireTrainable(
  { architecture }: TrialArm,
  { objective, parametrisation }: TrainingSettings,
): void {
  if (objective.name !== "next-token") {
    throw new RequestError(
      `training.objective is ${objective.name}; expected next-token, which the test of a study is of`,
    );
  }
  createObjective("next-token").check(architecture);
  parametrise(architecture, parametrisation);
}

interface RaceContext {
  readonly settings: TrialSettings;
  readonly budget: Budget | null;
  readonly processes: number;
  readonly secondsPerStep: readonly number[] | undefined;
}

function raceOf(
  runs: Trial["runs"],
  arms: readonly TrialArm[],
  { settings, budget, processes, secondsPerStep }: RaceContext,
): RaceSettings {
  const find = ({ arm, candidate, seed }: Entry): TrialRun => {
    const run = runs[arm]?.[candidate]?.[seed];
    if (run === undefined)
      throw new WorkError("study: the race names a run that does not exist; please report it");
    return run;
  };
  const isTime = budget?.unit === "seconds";
  // Steps of arms differ in cost; results tell FLOPs.
  const mean = arms.reduce((sum, { flops, steps }) => sum + flops / steps, 0) / arms.length;
  const amount =
    budget === null
      ? null
      : { seconds: budget.value * processes, flops: budget.value, steps: budget.value * mean }[budget.unit];
  return {
    ...{ arms: arms.length, items: 1, candidates: runs[0]!.length, seeds: settings.seeds, rungs: [WHOLE] },
    ...{ margin: settings.margin, budget: amount },
    price(entry) {
      const { flops, steps } = find(entry);
      const measured = secondsPerStep?.[entry.arm];
      return isTime ? (measured === undefined ? flops / usualSpeed : measured * steps) : flops;
    },
    cost: ({ flops, seconds }) => (isTime ? seconds : flops),
    job: (entry): Job => jobOf(find(entry)),
    read(value, entry) {
      const { selection, test } = readValue(find(entry).run, value);
      // The test text is the same for all runs: what its choice does to a loss it does to all of them.
      return { score: -test, itemVariance: 0, selection: -selection, stopped: null };
    },
  };
}

/** The job that makes a run, whole. */
export function jobOf({ run, steps, spec }: TrialRun): Job {
  return { run, until: steps, spec: toJson(spec) };
}

/** Plain JSON of a value that is. */
export function toJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

function requireEnough(budget: Budget, raced: RaceSettings): void {
  const least = leastBudget(raced);
  if (least <= raced.budget!) return;
  const needed = showBudget({ unit: budget.unit, value: (budget.value * least) / raced.budget! });
  throw new RequestError(
    `study: spend is too small for one run of each arm under each rate; expected at least ${needed}, or fewer arms or rates`,
  );
}
