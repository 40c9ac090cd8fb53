// A study of trained models, complete: how long each arm is trained, every run it could make, and the race among them.
// Trains nothing.
import { createHash } from "node:crypto";
import { RequestError, WorkError } from "../errors.ts";
import { storedParameters } from "../growth/plan.ts";
import { type Budget, readBudget, showBudget } from "../study/budget.ts";
import { type Job, type Json, toJson } from "../study/job.ts";
import { defaultProcesses } from "../study/processes.ts";
import { leastBudget } from "../study/racing/race.ts";
import type { Entry, RaceSettings } from "../study/racing/settings.ts";
import { runSeconds, USUAL_SPEED } from "../study/usual.ts";
import { parametrise, parametrisedParameters } from "../train/parametrisation/parametrise.ts";
import { defineTraining, type TrainingInput } from "../train/settings.ts";
import { alikeLines } from "./alike.ts";
import { type Arm, armsOf } from "./arms.ts";
import { readSettings, type TrialInput, type TrialSettings } from "./input.ts";
import { requireData, type TrialArm, withLength } from "./lengths.ts";
import { measures } from "./measures.ts";
import type { Material, Split, TrialData } from "./subjects/subject.ts";
import { subjectOf } from "./subjects/subjects.ts";
import { readValue, scoreOf } from "./values.ts";

export type { TrialData } from "./subjects/subject.ts";

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
  /** Default: runs are known by all that their workers are told, to the letter. */
  readonly knownBy?: RunIdentity | undefined;
  /** What is to be said of the result besides; default: nothing. */
  readonly notes?: readonly string[] | undefined;
}

/** Runs are known whatever their backend. */
export interface RunIdentity {
  /** Whether the data are named by a path; then what is in them counts, wherever they lie and however that is written. */
  readonly isPath: boolean;
}

/** What the worker is told of a run. */
export interface TrialSpec extends Material {
  readonly architecture: Arm["architecture"];
  readonly training: TrainingInput & { readonly steps: number; readonly batch: number };
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
  /** What the run is known by, where that is not the spec. */
  readonly identity?: Json | undefined;
}

/** A study, complete. */
export interface Trial {
  readonly settings: TrialSettings;
  readonly data: TrialData;
  readonly arms: readonly TrialArm[];
  readonly seeds: readonly number[];
  readonly split: Split;
  /** Tokens of a sequence. */
  readonly length: number;
  /** [arms][rates][seeds]. */
  readonly runs: readonly (readonly (readonly TrialRun[])[])[];
  readonly budget: Budget | null;
  readonly raced: RaceSettings;
  readonly processes: number;
  /** What is to be said of the result besides. */
  readonly notes: readonly string[];
  /** What tells one study from another, as its folder keeps it. */
  readonly json: { readonly [key: string]: Json };
}

const EVALUATIONS = 12;
/** The one rung of the race, in thousandths of a run: what is trained half has a rate that has not fallen yet. */
const WHOLE = 1000;

/** Errors: RequestError, one line, for everything that can be known to be wrong before training. */
export function defineTrial(input: TrialInput | unknown, context: TrialContext): Trial {
  const settings = readSettings(input);
  const { data, processes = defaultProcesses(1) } = context;
  const split = subjectOf(settings).split(settings, data);
  const length = data.sequence?.length ?? settings.length!;
  const arms = armsOf(settings, { data, folder: context.folder }).map((arm, place) =>
    withLength(arm, settings, { length, data }, context.secondsPerStep?.[place]),
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
          context,
        }),
      ),
    ),
  );
  const budget = settings.spend === undefined ? null : readBudget(settings.spend, "study: spend");
  const raced = raceOf(runs, arms, { settings, budget, processes, secondsPerStep: context.secondsPerStep });
  if (budget !== null) requireEnough(budget, raced);
  const notes = [...alikeLines(arms), ...(context.notes ?? [])];
  const trial = { settings, data, arms, seeds, split, length, runs, budget, raced, processes, notes };
  return { ...trial, json: requestOf(trial, seeds.length) };
}

/** What tells the study with so many of its seeds from another one. */
export function requestOf(
  { settings, data, seeds, arms, runs }: Omit<Trial, "json">,
  count: number,
): { readonly [key: string]: Json } {
  return {
    kind: "trial",
    name: settings.name,
    data: data.sha256 ?? data.name,
    seeds: seeds.slice(0, count),
    ...{ stop: settings.stop, margin: settings.margin, spend: settings.spend ?? null },
    arms: arms.map(({ name }, place) => ({
      name,
      runs: runs[place]!.flatMap((ofRate) => ofRate.slice(0, count).map(({ run }) => run)),
    })),
  };
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
  readonly split: Split;
  readonly context: TrialContext;
}

function runOf({ arm, place, rate, candidate, seed, seeds, settings, split, context }: RunPlace): TrialRun {
  const { steps, parametrisation, training: own, grow } = arm;
  const { batch, training: common, train } = settings;
  const subject = subjectOf(settings);
  const training = {
    ...(train.epochs === undefined ? {} : { order: "epochs" as const }),
    ...common,
    ...own,
    ...(parametrisation === undefined ? {} : { parametrisation }),
    ...{ steps, batch, seed: seeds[seed]!, keep: 1 },
    schedule: { warmup: Math.floor(steps / 10), ...common.schedule, ...own.schedule, rate },
    evaluateEvery: Math.ceil(steps / EVALUATIONS),
    ...subject.looks(split),
    ...(grow.length === 0 ? {} : { grow }),
  };
  try {
    const objective = subject.objective(settings);
    const defined = defineTraining({ ...training, objective: objective.settings });
    if (candidate === 0 && seed === 0) {
      // What a run would refuse.
      objective.check(arm.architecture);
      const { parametrisation: to } = defined;
      parametrisedParameters(parametrise(arm.architecture, to), storedParameters(arm.architecture), to);
    }
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw new RequestError(`study: ${arm.name}: ${error.message}`);
  }
  const spec: TrialSpec = {
    architecture: arm.architecture,
    training,
    ...subject.material(settings, split),
    backend: context.backend ?? null,
  };
  const identity = identityOf(spec, subject.key, context);
  const hash = createHash("sha256")
    .update(JSON.stringify([arm.name, identity ?? spec]))
    .digest("hex")
    .slice(0, 8);
  const label = `${arm.name.slice(0, 60)}-rate${rate.toPrecision(3).replace("e+", "e")}-seed${seeds[seed]}`;
  return {
    run: `${label.replace(/[^\w.]+/g, "-").replace(/^[.-]+/, "")}-${hash}`,
    ...{ arm: place, candidate, seed, steps, flops: arm.flops, spec },
    ...(identity === undefined ? {} : { identity }),
  };
}

/** Undefined where that is the spec itself, as it was in all studies of earlier versions. */
function identityOf(
  spec: TrialSpec,
  key: "data" | "images",
  { knownBy, data: { sha256 } }: TrialContext,
): Json | undefined {
  if (knownBy === undefined) return undefined;
  const isPath = knownBy.isPath && sha256 !== undefined;
  if (!isPath && spec.backend === null) return undefined;
  const named = spec[key];
  const known = typeof named === "object" ? { ...named, data: sha256 } : sha256;
  // Of the same order as the spec, and with the backend that is usual.
  return toJson({ ...spec, ...(isPath ? { [key]: known } : {}), backend: null });
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
  const measured = measures[subjectOf(settings).measure].of;
  const isTime = budget?.unit === "seconds";
  // Steps of arms differ in cost; results tell FLOPs.
  const mean = arms.reduce((sum, { flops, steps }) => sum + flops / steps, 0) / arms.length;
  const amount = budget === null ? null : budget.value * (budget.unit === "steps" ? mean : 1);
  return {
    ...{ arms: arms.length, items: 1, candidates: runs[0]!.length, seeds: settings.seeds, rungs: [WHOLE] },
    ...{ margin: settings.margin, budget: amount, ...(isTime ? { processes } : {}) },
    price(entry) {
      const { flops, steps } = find(entry);
      if (!isTime) return flops;
      const pace = secondsPerStep?.[entry.arm];
      return runSeconds(pace === undefined ? flops / USUAL_SPEED : pace * steps);
    },
    cost: ({ flops, seconds }) => (isTime ? seconds : flops),
    job: (entry): Job => jobOf(find(entry)),
    read(value, entry) {
      const read = readValue(find(entry).run, value);
      // The test is the same for all runs: what its choice does to a loss it does to all of them.
      const score = -(measured(scoreOf(read)) ?? Infinity);
      return { score, itemVariance: 0, selection: -read.selection, stopped: null };
    },
  };
}

/** The job that makes a run, whole. */
export function jobOf({ run, steps, spec, identity }: TrialRun): Job {
  return { run, until: steps, spec: toJson(spec), ...(identity === undefined ? {} : { identity }) };
}

function requireEnough(budget: Budget, raced: RaceSettings): void {
  const least = leastBudget(raced);
  if (least <= raced.budget!) return;
  const needed = showBudget({ unit: budget.unit, value: (budget.value * least) / raced.budget! });
  throw new RequestError(
    `study: spend is too small for one run of each arm under each rate; expected at least ${needed}, or fewer arms or rates`,
  );
}
