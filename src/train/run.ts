// What a run is made of: its data, its model on a machine, its batches by step. Everything that can refuse the request
// happens here, before anything is written. Knows no loop.
import { outputPlaces } from "../architecture/forward.ts";
import type { Machine } from "../backend/machine.ts";
import type { DataFolders } from "../data/text.ts";
import { RequestError } from "../errors.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { memoryWarning } from "./memory.ts";
import { fitStep } from "./memoryPlan.ts";
import { createObjective } from "./objectives/objectives.ts";
import { createOptimizer } from "./optimizers.ts";
import { gradInit } from "./parametrisation/gradInit.ts";
import type { RunData } from "./runData.ts";
import { defineConfiguration, type RunConfiguration } from "./runFolder.ts";
import type { StepOptions, TrainingStep } from "./step.ts";
import { createTrainer, type Trainer } from "./trainer.ts";

/** Where a run lives, and on which machine it is computed. */
export interface RunOptions {
  readonly machine: Machine;
  /** The folder of the run. */
  readonly folder: string;
  /** Where data sets with a name lie. */
  readonly dataFolder?: DataFolders | undefined;
  /** Abort: the step at work is finished, a checkpoint written, and the run ends. */
  readonly signal?: AbortSignal | undefined;
  /** FLOP/s of the machine at its best, to tell the share of it that is used. */
  readonly peakFlops?: number | undefined;
}

export interface Run {
  readonly options: RunOptions;
  /** With what was chosen to fit the memory. */
  readonly configuration: RunConfiguration;
  /** What the user should know of the memory, one line each. */
  readonly memoryNotes: readonly string[];
  readonly data: RunData;
  readonly trainer: Trainer;
}

/**
 * Within `memory` bytes, where they are given, by changes of the settings that the run's configuration then tells.
 * Errors: RequestError for data and architectures that cannot be trained, and for too little memory.
 */
export function prepareRun(
  options: RunOptions,
  configuration: RunConfiguration,
  data: RunData,
  { memory, resumed }: { readonly memory?: number | undefined; readonly resumed: boolean },
): Run {
  const { architecture, training } = configuration;
  const { batch } = training;
  const { length } = architecture;
  const asked = stepOptions(configuration);
  asked.objective!.check(architecture);
  const answers = (batch / training.microBatches) * outputPlaces(architecture, length);
  if (answers % training.lossParts !== 0) {
    throw new RequestError(
      `training: lossParts is ${training.lossParts}; expected a divisor of the ${answers} answers of a micro-batch`,
    );
  }
  const { loaded, note } = fitStep(options.machine, architecture, asked, { memory, besideBytes });
  const trainer = createTrainer(options.machine, architecture, loaded, {
    besideBytes,
    restoreBytes: resumed ? checkpointBytesOf(loaded.step) : 0,
  });
  const { microBatches, recompute = 0, lossParts = 1 } = loaded.step.options;
  const earlier = resumed ? [...configuration.earlier, configuration.hash] : [];
  const fitted = { ...training, microBatches, recompute, lossParts };
  const warning = memory === undefined ? memoryWarning(trainer.memory) : null;
  return {
    options,
    configuration:
      note === null ? configuration : defineConfiguration({ ...configuration, training: fitted }, earlier),
    memoryNotes: [note, warning].filter((line) => line !== null),
    data,
    trainer,
  };
}

/** Draws what the run begins with from its seed; where its parametrisation learns first values, those. */
export async function drawFirstValues({ options, configuration, data, trainer }: Run): Promise<void> {
  const { architecture, training } = configuration;
  const { parametrisation: settings, schedule, seed } = training;
  trainer.initialize(seed);
  if (settings.kind !== "gradinit") return;
  await gradInit({
    ...{ machine: options.machine, signal: options.signal, architecture, settings, seed },
    ...{ parameters: trainer.parameters, store: trainer.store, rate: schedule.rate, batchAt: data.batchAt },
    step: stepOptions(configuration),
  });
}

/** One update as the configuration has it. */
export function stepOptions({
  architecture,
  training,
}: Pick<RunConfiguration, "architecture" | "training">): StepOptions {
  const objective = createObjective(training.objective);
  const optimizer = createOptimizer(training.optimizer);
  return { ...training, length: architecture.length, objective, optimizer };
}

/** What evaluations, samples, checkpoints and the report add to a process that has planned its step. */
const besideBytes = 16 * 2 ** 20;

/** The files of a checkpoint that are read whole, and the model of the best one. */
function checkpointBytesOf({ parameters, options }: TrainingStep): number {
  return parameters.reduce(
    (total, parameter) =>
      total + 4 * sizeOf(parameter.shape) * (2 + options.optimizer.states(parameter).length),
    0,
  );
}
