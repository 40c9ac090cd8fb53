// Goes on with a run that stopped, from its newest valid checkpoint. Knows no loop.
import type { Machine } from "../backend/machine.ts";
import { loadDataset } from "../data/dataset.ts";
import { restoreTokenizer } from "../data/tokenizer.ts";
import { RequestError } from "../errors.ts";
import { makeFolder } from "../folders.ts";
import type { DamagedEvent, TrainEvent } from "./events.ts";
import { onDisk, removeUnfinished } from "./files.ts";
import { collectGarbage } from "./garbage.ts";
import { imageRunData, reloadImages } from "./imageRun.ts";
import { lockFolder } from "./lock.ts";
import { beginning, type Origin, runLoop } from "./loop.ts";
import type { Manifest } from "./manifest.ts";
import { restoreNewest } from "./restore.ts";
import { prepareRun, type Run, type RunOptions } from "./run.ts";
import { describeTokens, type RunData, textRunData } from "./runData.ts";
import {
  checkpointsPath,
  defineConfiguration,
  isImages,
  type RunConfiguration,
  readConfiguration,
  writeConfiguration,
} from "./runFolder.ts";
import { rateAt } from "./schedule.ts";
import { defineTraining } from "./settings.ts";

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
    const data = await dataOf(configuration, options);
    const run = prepareRun(options, configuration, data, { resumed: true });
    try {
      yield* continueRun(run, before);
    } finally {
      run.trainer.dispose();
    }
  } finally {
    lock.release();
  }
}

/** What the run trains on, loaded again. Errors: RequestError where it is not what it was. */
export async function dataOf(
  configuration: RunConfiguration,
  { folder, dataFolder }: Pick<RunOptions, "folder" | "dataFolder">,
): Promise<RunData> {
  const { data, tokenizer, training } = configuration;
  const remedy = "restore it, or start a new run";
  if (isImages(data)) {
    const images = await reloadImages(data, dataFolder, folder, remedy);
    return imageRunData(images, data, training);
  }
  const dataset = await loadDataset({
    data: data.data ?? undefined,
    dataFolder,
    validationFraction: data.validationFraction ?? undefined,
    ...(data.data === null ? {} : { restored: restoreTokenizer(tokenizer) }),
  });
  if (describeTokens(dataset).sha256 === data.sha256) return textRunData(dataset, configuration);
  throw new RequestError(`data: ${data.name} is not what the run in ${folder} was trained on; ${remedy}`);
}

/** The run's configuration with other settings. Errors: RequestError for settings that do not go together. */
function changed(before: RunConfiguration, changes: NonNullable<ResumeOptions["changes"]>): RunConfiguration {
  const { steps = before.training.steps, keep = before.training.keep } = changes;
  if (steps === before.training.steps && keep === before.training.keep) return before;
  const training = defineTraining({ ...before.training, steps, keep });
  return defineConfiguration({ ...before, training }, [...new Set([...before.earlier, before.hash])]);
}

async function* continueRun(run: Run, before: RunConfiguration): AsyncGenerator<TrainEvent, void, undefined> {
  const { configuration, trainer, options } = run;
  const { folder, machine } = options;
  onDisk("write to", folder, () => makeFolder(checkpointsPath(folder)));
  removeUnfinished(folder);
  removeUnfinished(checkpointsPath(folder));
  const damaged: DamagedEvent[] = [];
  const restoring = restoreNewest(folder, configuration, trainer);
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
  if (manifest === undefined) trainer.initialize(configuration.training.seed);
  const origin: Origin =
    manifest === undefined
      ? beginning
      : {
          step: manifest.step,
          complete: manifest.complete,
          best: manifest.best,
          notBitwise: notBitwise(manifest, machine) ?? otherParts(before, configuration),
          notes: [],
          damaged,
        };
  yield* runLoop(run, { ...origin, notes: notesOn(before, configuration, origin.step) });
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
