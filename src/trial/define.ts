// A study of trained models, complete: how long each arm is trained, every run it could make, and the race among them.
// Trains nothing.
import { RequestError } from "../errors.ts";
import { type Budget, readBudget } from "../study/budget.ts";
import type { Json } from "../study/job.ts";
import { defaultProcesses } from "../study/processes.ts";
import type { RaceSettings } from "../study/racing/settings.ts";
import { alikeLines } from "./alike.ts";
import { armsOf } from "./arms.ts";
import { readSettings, type TrialInput, type TrialSettings } from "./input.ts";
import { requireData, type TrialArm, withLength } from "./lengths.ts";
import { raceOf, requireEnough } from "./raced.ts";
import { type RunIdentity, runOf, type TrialRun } from "./runs.ts";
import type { Split, TrialData } from "./subjects/subject.ts";
import { subjectOf } from "./subjects/subjects.ts";

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
