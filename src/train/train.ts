// Trains a model: a new run, or one that goes on from its last checkpoint.
import { join } from "node:path";
import { type ArchitectureInput, defineArchitecture } from "../architecture/architecture.ts";
import type { Machine } from "../backend/machine.ts";
import { type DatasetRequest, loadDataset } from "../data/dataset.ts";
import { restoreTokenizer } from "../data/tokenizer.ts";
import { RequestError, WorkError } from "../errors.ts";
import { listCheckpoints, type Manifest, readCheckpoint, restoreTensors } from "./checkpoint.ts";
import type { TrainEvent } from "./events.ts";
import { runLoop } from "./loop.ts";
import { describeTokens, prepareRun, type RunOptions } from "./run.ts";
import {
  checkpointsPath,
  configurationHash,
  createRunFolder,
  type RunConfiguration,
  readConfiguration,
  requireFreeFolder,
} from "./runFolder.ts";
import { defineTraining, type TrainingInput } from "./settings.ts";

export interface TrainOptions extends RunOptions {
  /** The vocabulary is the data's; a larger one may be given. */
  readonly architecture: Omit<ArchitectureInput, "vocabulary"> & { readonly vocabulary?: number };
  readonly training?: TrainingInput | undefined;
  readonly data?: Omit<DatasetRequest, "dataFolder" | "restored"> | undefined;
  /** Replace a run that is already in the folder. */
  readonly force?: boolean | undefined;
}

/**
 * Trains a new model. Nothing is written before the request has been found good.
 * Errors: RequestError for what was asked, WorkError for what the disk or the numbers refuse.
 */
export async function* train(options: TrainOptions): AsyncGenerator<TrainEvent, void, undefined> {
  const { folder, force = false, data: request = {} } = options;
  requireFreeFolder(folder, force);
  const training = defineTraining(options.training);
  const dataset = await loadDataset({ ...request, dataFolder: options.dataFolder });
  const { vocabulary } = dataset.tokenizer;
  const architecture = defineArchitecture({ vocabulary, ...options.architecture });
  if (architecture.vocabulary < vocabulary) {
    throw new RequestError(
      `architecture: vocabulary is ${architecture.vocabulary}; expected at least the ${vocabulary} tokens of the data`,
    );
  }
  const configuration: RunConfiguration = {
    architecture,
    training,
    data: {
      data: request.data ?? null,
      tokenizer: request.tokenizer ?? null,
      validationFraction: request.validationFraction ?? null,
      ...describeTokens(dataset),
    },
    tokenizer: dataset.tokenizer.describe(),
  };
  const run = prepareRun(options, configuration, dataset);
  try {
    createRunFolder(folder, configuration);
    run.trainer.initialize(training.seed);
    yield* runLoop(run, 0, null, null);
  } finally {
    run.trainer.dispose();
  }
}

/**
 * Continues the run in a folder from its last checkpoint, with the same bits as if it had never stopped (on the same
 * backend, CPU type and compiler). Errors: as for `train`, and WorkError for a damaged checkpoint or changed data.
 */
export async function* resume(options: RunOptions): AsyncGenerator<TrainEvent, void, undefined> {
  const { folder, machine } = options;
  const configuration = readConfiguration(folder);
  const { data, tokenizer, training } = configuration;
  const dataset = await loadDataset({
    data: data.data ?? undefined,
    dataFolder: options.dataFolder,
    validationFraction: data.validationFraction ?? undefined,
    ...(data.data === null ? {} : { restored: restoreTokenizer(tokenizer) }),
  });
  if (describeTokens(dataset).sha256 !== data.sha256) {
    throw new RequestError(
      `data: ${data.name} is not what the run in ${folder} was trained on; restore it, or start a new run`,
    );
  }
  const run = prepareRun(options, configuration, dataset);
  const { trainer } = run;
  try {
    const last = listCheckpoints(checkpointsPath(folder)).at(-1);
    if (last === undefined) {
      trainer.initialize(training.seed);
      yield* runLoop(run, 0, null, null);
      return;
    }
    const checkpoint = readCheckpoint(checkpointsPath(folder), last);
    const { manifest } = checkpoint;
    if (manifest.configuration !== configurationHash(configuration)) {
      throw new WorkError(`${join(checkpointsPath(folder), String(last))} belongs to another run; remove it`);
    }
    const names = [...trainer.parameters.keys(), ...trainer.states.keys()];
    restoreTensors(checkpoint, trainer.store, names, join(checkpointsPath(folder), String(last)));
    yield* runLoop(run, last, manifest.best, notBitwise(manifest, machine));
  } finally {
    trainer.dispose();
  }
}

function notBitwise({ backend }: Manifest, machine: Machine): string | null {
  return backend === machine.name
    ? null
    : `the checkpoint was made by backend ${backend}, this is ${machine.name}`;
}
