// Trains a model in a new run. Knows nothing of runs that stopped.
import { defineArchitecture } from "../architecture/architecture.ts";
import { count } from "../architecture/count.ts";
import { type DatasetRequest, loadDataset } from "../data/dataset.ts";
import { RequestError } from "../errors.ts";
import { makeFolder } from "../folders.ts";
import { checkpointBytes } from "./checkpoint.ts";
import type { TrainEvent } from "./events.ts";
import { onDisk, requireSpace } from "./files.ts";
import { growthStages } from "./growthEvents.ts";
import { defineImageRun, type ImageArchitectureInput, type ImageRunInput, imageRunData } from "./imageRun.ts";
import { lockFolder } from "./lock.ts";
import { beginning, runLoop } from "./loop.ts";
import { createObjective } from "./objectives/objectives.ts";
import { parametrise } from "./parametrisation/parametrise.ts";
import { drawFirstValues, prepareRun, type Run, type RunOptions } from "./run.ts";
import { describeTokens, type RunData, textRunData } from "./runData.ts";
import { createRun, defineConfiguration, type RunConfiguration, requireFreeFolder } from "./runFolder.ts";
import { defineTraining, type TrainingInput } from "./settings.ts";

export interface TrainOptions extends RunOptions {
  /** The vocabulary is the data's; for text a larger one may be given. Images decide the length as well. */
  readonly architecture: ImageArchitectureInput;
  readonly training?: TrainingInput | undefined;
  /** Text; default: the built-in language. */
  readonly data?: Omit<DatasetRequest, "dataFolder" | "restored"> | undefined;
  /** Images to be told apart, instead of text. */
  readonly images?: ImageRunInput | undefined;
  /**
   * Most bytes that the process may have resident. Where the step is predicted to need more, the batch is divided into
   * micro-batches, or values are computed again, in the way that takes the fewest operations; the start event says so.
   * Default: the step stays as it is, and the start event warns where less is free.
   */
  readonly memory?: number | undefined;
  /** Replace a run that is already in the folder. */
  readonly force?: boolean | undefined;
}

/**
 * Trains a new model. Nothing is written before the request has been found good.
 * Errors: RequestError for what was asked, WorkError for what the disk or the numbers refuse.
 */
export async function* train(options: TrainOptions): AsyncGenerator<TrainEvent, void, undefined> {
  const { folder, force = false, data, images } = options;
  requireFreeFolder(folder, force);
  if (data !== undefined && images !== undefined) {
    throw new RequestError("train: data and images are both given; a run trains on text or on images");
  }
  const made = await (images === undefined ? textRun(options) : imageRun(options, images));
  const { training } = made.configuration;
  const run = prepareRun(options, made.configuration, made.data, { memory: options.memory, resumed: false });
  try {
    const kept = training.keep + 2;
    requireSpace(folder, kept * bytesOf(run) * growthOf(run), `a run with ${kept} checkpoints`);
    onDisk("write to", folder, () => makeFolder(folder));
    const lock = lockFolder(folder);
    try {
      // Another run may have come and gone while the data were read.
      requireFreeFolder(folder, force);
      createRun(folder, run.configuration);
      await drawFirstValues(run);
      yield* runLoop(run, beginning);
    } finally {
      lock.release();
    }
  } finally {
    run.stage.trainer.dispose();
  }
}

interface Made {
  readonly configuration: RunConfiguration;
  readonly data: RunData;
}

async function textRun({ data: request = {}, dataFolder, ...options }: TrainOptions): Promise<Made> {
  const training = defineTraining(options.training);
  const dataset = await loadDataset({ ...request, dataFolder });
  const { extraTokens } = createObjective(training.objective);
  const vocabulary = dataset.tokenizer.vocabulary + extraTokens;
  const architecture = defineArchitecture({ vocabulary, ...options.architecture });
  if (architecture.vocabulary < vocabulary) {
    const extra = extraTokens === 0 ? "" : ` and ${extraTokens} of the objective`;
    throw new RequestError(
      `architecture: vocabulary is ${architecture.vocabulary}; expected at least the ` +
        `${dataset.tokenizer.vocabulary} tokens of the data${extra}`,
    );
  }
  const configuration = defineConfiguration({
    architecture: parametrise(architecture, training.parametrisation),
    training,
    data: {
      data: request.data ?? null,
      tokenizer: request.tokenizer ?? null,
      validationFraction: request.validationFraction ?? null,
      ...describeTokens(dataset),
    },
    tokenizer: dataset.tokenizer.describe(),
  });
  return { configuration, data: textRunData(dataset, configuration) };
}

async function imageRun(
  { architecture, training = {}, dataFolder }: TrainOptions,
  images: ImageRunInput,
): Promise<Made> {
  const made = await defineImageRun(images, dataFolder, { architecture, training });
  const settings = {
    architecture: parametrise(made.architecture, made.training.parametrisation),
    training: made.training,
    data: made.settings,
    tokenizer: null,
  };
  return {
    configuration: defineConfiguration(settings),
    data: imageRunData(made.dataset, made.settings, made.training),
  };
}

/** How many times its parameters the run comes to. */
function growthOf({ configuration: { architecture, training } }: Run): number {
  const stages = growthStages(architecture, training.grow);
  const [first, last] = [stages[0]!, stages.at(-1)!].map((stage) => count(stage).parameters.total);
  return last! / first!;
}

function bytesOf({ stage: { trainer } }: Run): number {
  const names = { parameters: [...trainer.parameters.keys()], states: [...trainer.states.keys()] };
  return checkpointBytes(trainer.store, names);
}
