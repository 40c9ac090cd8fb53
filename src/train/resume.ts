// Goes on with a run that stopped, from its newest valid checkpoint. Knows no loop.
import { isDeepStrictEqual } from "node:util";
import type { Machine } from "../backend/machine.ts";
import { RequestError } from "../errors.ts";
import { makeFolder } from "../folders.ts";
import { agesOf } from "./ages.ts";
import { type Checkpoint, tensorValues } from "./checkpoint.ts";
import type { DamagedEvent, TrainEvent } from "./events.ts";
import { onDisk, removeUnfinished } from "./files.ts";
import { collectGarbage } from "./garbage.ts";
import { lockFolder } from "./lock.ts";
import { beginning, type Origin, runLoop } from "./loop.ts";
import type { Manifest } from "./manifest.ts";
import { maskingOf } from "./masking.ts";
import { stageOf } from "./model.ts";
import { reloadData } from "./reloadData.ts";
import { restoreNewest } from "./restore.ts";
import { drawFirstValues, enterStage, prepareRun, type Run, type RunOptions } from "./run.ts";
import {
  checkpointsPath,
  defineConfiguration,
  type RunConfiguration,
  readConfiguration,
  writeConfiguration,
} from "./runFolder.ts";
import { rateAt } from "./schedule.ts";
import { defineTraining } from "./settings.ts";
import type { Trainer } from "./trainer.ts";

export interface ResumeOptions extends RunOptions {
  /** What may change when a run goes on. The schedule of the learning rate is that of the new number of steps. */
  readonly changes?: { readonly steps?: number | undefined; readonly keep?: number | undefined } | undefined;
}

/**
 * Continues the run in a folder from its newest valid checkpoint, with the same bits as if it had never stopped (on the
 * same backend, CPU type and compiler; else the start event says so). Errors: as for `train`, and WorkError where the run
 * has checkpoints and none is valid.
 */
export async function* resume(options: ResumeOptions): AsyncGenerator<TrainEvent, void, undefined> {
  const { folder } = options;
  readConfiguration(folder); // nothing is written where there is no run
  const lock = lockFolder(folder);
  try {
    const before = readConfiguration(folder);
    const configuration = changed(before, options.changes ?? {});
    const data = await reloadData(configuration, options);
    const run = prepareRun(options, configuration, data, { resumed: true });
    try {
      yield* continueRun(run, before);
    } finally {
      run.stage.trainer.dispose();
    }
  } finally {
    lock.release();
  }
}

/** The run's configuration with other settings. Errors: RequestError for settings that do not go together. */
function changed(before: RunConfiguration, changes: NonNullable<ResumeOptions["changes"]>): RunConfiguration {
  const { steps = before.training.steps, keep = before.training.keep } = changes;
  if (steps === before.training.steps && keep === before.training.keep) return before;
  const training = defineTraining({ ...before.training, steps, keep });
  return defineConfiguration({ ...before, training }, [...new Set([...before.earlier, before.hash])]);
}

async function* continueRun(run: Run, before: RunConfiguration): AsyncGenerator<TrainEvent, void, undefined> {
  const { configuration, options } = run;
  const { folder, machine } = options;
  onDisk("write to", folder, () => makeFolder(checkpointsPath(folder)));
  removeUnfinished(folder);
  removeUnfinished(checkpointsPath(folder));
  const damaged: DamagedEvent[] = [];
  const restoring = restoreNewest(folder, configuration, (checkpoint, path) =>
    trainerFor(run, checkpoint, path),
  );
  let result = restoring.next();
  for (; !result.done; result = restoring.next()) {
    damaged.push(result.value);
    yield result.value;
  }
  collectGarbage(); // of the files that were read, before the first step takes its memory
  const manifest = result.value;
  const { steps } = configuration.training;
  if (manifest !== undefined && steps !== before.training.steps && steps <= manifest.step) {
    throw new RequestError(
      `steps is ${steps} and the run in ${folder} has done ${manifest.step}; expected more than those`,
    );
  }
  if (configuration !== before) writeConfiguration(folder, configuration);
  if (manifest === undefined) await drawFirstValues(run);
  const origin: Origin =
    manifest === undefined
      ? beginning
      : {
          step: manifest.step,
          complete: manifest.complete,
          best: manifest.best,
          growth: manifest.growth,
          notBitwise: notBitwise(manifest, machine) ?? otherParts(before, configuration),
          notes: [],
          damaged,
        };
  yield* runLoop(run, { ...origin, notes: notesOn(before, configuration, origin.step) });
}

/** A trainer for what a checkpoint holds: the run's, or one for a network that has grown. */
function trainerFor(run: Run, checkpoint: Checkpoint, path: string): Trainer {
  const { trainer, architecture: current } = run.stage;
  const architecture = stageOf(run.configuration, checkpoint, path);
  const shapes = [...checkpoint.tensors].map(([name, { shape }]) => [name, shape] as const);
  const ages = agesOf(shapes, (name) => {
    const tensor = checkpoint.tensors.get(name);
    return tensor && tensorValues(name, tensor, path);
  });
  const { manifest } = checkpoint;
  const { configuration } = run;
  const masking = maskingOf(
    configuration.architecture,
    configuration.training.grow,
    manifest.growth,
    manifest.step,
  );
  const isSame = isDeepStrictEqual(
    [architecture, ages, masking],
    [current, trainer.options.ages ?? new Map(), trainer.options.masking],
  );
  return isSame ? trainer : enterStage(run, architecture, ages, masking);
}

function notesOn(before: RunConfiguration, after: RunConfiguration, step: number): string[] {
  const [from, to] = [before.training, after.training];
  if (from.steps === to.steps) return [];
  const last = step === 0 ? "" : `was ${shown(rateAt(from.schedule, step - 1, from.steps))} and `;
  const next = shown(rateAt(to.schedule, step, to.steps));
  return [`${to.steps} steps instead of ${from.steps}: the learning rate ${last}goes on at ${next}`];
}

const shown = (rate: number): string => String(Number(rate.toPrecision(3)));

function notBitwise({ backend, identity }: Manifest, { name, identity: here = "" }: Machine): string | null {
  if (backend === name && identity === here) return null;
  const [then, now] = [describe(backend, identity), describe(name, here)];
  return `the checkpoint was made by ${then}, this is ${now}`;
}

/** Sums over other parts of a batch have other last bits. */
function otherParts({ training: from }: RunConfiguration, { training: to }: RunConfiguration): string | null {
  const settings = ["microBatches", "recompute", "lossParts"] as const;
  const changed = settings.filter((setting) => from[setting] !== to[setting]);
  if (changed.length === 0) return null;
  return `${changed.map((name) => `${name} is ${to[name]} instead of ${from[name]}`).join(", ")}, to fit the memory`;
}

const describe = (backend: string, identity: string): string =>
  identity === "" ? `backend ${backend}` : `backend ${backend} (${identity})`;
