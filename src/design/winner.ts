// The winner's run: how long it is, decided once and kept, and its training as any other run's. Knows no search.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Machine } from "../backend/machine.ts";
import type { DataFolders } from "../data/text.ts";
import { WorkError } from "../errors.ts";
import { largest, readInputFile } from "../inputFile.ts";
import { parseJson } from "../json.ts";
import { canonicalText } from "../study/canonical.ts";
import type { Json } from "../study/job.ts";
import { stepsWithin } from "../train/benchmarkBudget.ts";
import { listCheckpoints } from "../train/checkpoint.ts";
import type { TrainEvent } from "../train/events.ts";
import { onDisk, replaceFile } from "../train/files.ts";
import { parametrise } from "../train/parametrisation/parametrise.ts";
import { resume } from "../train/resume.ts";
import { checkpointsPath, readConfiguration } from "../train/runFolder.ts";
import { defineTraining } from "../train/settings.ts";
import { train } from "../train/train.ts";
import type { TrialSpec } from "../trial/runs.ts";
import type { Design } from "./define.ts";
import { LEAST_STEPS } from "./enough.ts";
import type { SearchResult, Winner } from "./result.ts";

const schema = z.object({
  name: z.string(),
  rate: z.number().positive(),
  steps: z.number().int().positive(),
});

/** What was decided of the winner's run. */
export type WinnerRun = z.infer<typeof schema>;

const EVALUATIONS = 20;
/** Evaluations are of at most so many of a run's tokens. */
const LOOK_SHARE = 1 / 50;
const MOST_LOOK = 65_536;

export const winnerFolder = (folder: string): string => join(folder, "winner");
const decisionPath = (folder: string): string => join(folder, "winner.json");

export interface WinnerOptions {
  readonly design: Design;
  readonly result: SearchResult;
  readonly winner: Winner;
  /** Of the design. */
  readonly folder: string;
  readonly machine: Machine;
  readonly dataFolder?: DataFolders | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What an earlier call decided, or what is decided now and kept; null where it is interrupted, since half a measurement
 * decides nothing. Errors: WorkError for a decision that cannot be read, or was of another winner.
 */
export async function decideRun(options: WinnerOptions): Promise<WinnerRun | null> {
  const { folder, winner, signal } = options;
  const path = decisionPath(folder);
  if (existsSync(path)) {
    const decided = readDecision(folder);
    if (decided.name === winner.name && decided.rate === winner.rate) return decided;
    throw new WorkError(
      `${path}: the winner was ${decided.name} at rate ${decided.rate}, and the search has now come to ${winner.name} at rate ` +
        `${winner.rate}; to train that one, move ${path} and ${winnerFolder(folder)} away`,
    );
  }
  const steps = Math.max(LEAST_STEPS, await stepsLeft(options));
  if (signal?.aborted) return null;
  const run = { name: winner.name, rate: winner.rate, steps };
  onDisk("write", path, () => replaceFile(path, `${JSON.stringify(run)}\n`));
  return run;
}

function readDecision(folder: string): WinnerRun {
  const path = decisionPath(folder);
  try {
    return schema.parse(parseJson(readInputFile(path, largest.manifest).toString("utf8")));
  } catch {
    throw new WorkError(
      `${path} cannot be read, and it says how long the winner is trained; remove it and ${winnerFolder(folder)}`,
    );
  }
}

/** What the search has left pays for. */
async function stepsLeft({ design, result, winner, machine, signal }: WinnerOptions): Promise<number> {
  const { settings, candidates, screened } = design;
  const { budget, final, batch, length, firstSeed } = settings;
  const { architecture, flopsPerToken } = candidates[winner.candidate]!;
  if (budget.unit === "flops") {
    const left = budget.value - result.cost.flops - (screened?.cost.flops ?? 0);
    return Math.floor((final ?? left) / (flopsPerToken * batch * length));
  }
  const { split, training } = specOf(design, winner);
  return stepsWithin(machine, architecture, {
    seconds: final ?? budget.value - result.cost.clock - (screened?.cost.clock ?? 0),
    ...{ batch, evaluations: EVALUATIONS, seed: firstSeed },
    validationTokens: split!.selection,
    training: defineTraining(training),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** As the winner was trained in the search's longest runs; of text, so it has a split. */
function specOf({ rungs }: Design, { candidate, rateNumber }: Winner): TrialSpec {
  return rungs.at(-1)!.trial.runs[candidate]![rateNumber]![0]!.spec;
}

/** Errors: WorkError for a run of another winner, or of another length. */
function requireOwnRun(
  folder: string,
  { architecture, rate, steps }: Pick<TrialSpec, "architecture"> & Omit<WinnerRun, "name">,
): void {
  const { architecture: own, training } = readConfiguration(folder);
  const asText = (of: TrialSpec["architecture"]) => canonicalText(of as unknown as Json);
  if (asText(own) === asText(architecture) && training.schedule.rate === rate && training.steps === steps)
    return;
  throw new WorkError(`${folder} holds the run of another winner; to train this one, move it away`);
}

/** Trains the winner, or goes on with it. Errors: as `train`, and WorkError where the folder holds another run. */
export function trainWinner(options: WinnerOptions, { steps }: WinnerRun): AsyncGenerator<TrainEvent> {
  const { design, winner, machine, signal, dataFolder } = options;
  const folder = winnerFolder(options.folder);
  const run = { machine, folder, signal, dataFolder };
  const { architecture, training, data, tokenizer, split } = specOf(design, winner);
  if (listCheckpoints(checkpointsPath(folder)).length > 0) {
    // As a run keeps it: its parametrisation scales it.
    const { parametrisation } = defineTraining(training);
    requireOwnRun(folder, {
      architecture: parametrise(architecture, parametrisation),
      rate: winner.rate,
      steps,
    });
    return resume(run);
  }
  const { evaluateEvery: _, ...settings } = training;
  const tokens = steps * training.batch * architecture.length;
  // Beyond what selects lies the test.
  const look = Math.min(MOST_LOOK, Math.max(split!.selection, Math.round(LOOK_SHARE * tokens)));
  const halfOfValidation = Math.floor((design.data.validationTokens - 1) / 2);
  return train({
    ...{ ...run, architecture, force: true },
    training: {
      ...settings,
      ...{ steps, keep: 3, evaluationTokens: Math.min(look, halfOfValidation) },
      schedule: { ...settings.schedule, warmup: Math.floor(steps / 10) },
    },
    ...(data === null ? {} : { data: { data, ...(tokenizer === null ? {} : { tokenizer }) } }),
  });
}
