// What a run is made of: its data, its model on a machine, its batches by step. Everything that can refuse the request
// happens here, before anything is written. Knows no loop.
import { outputPlaces } from "../architecture/forward.ts";
import type { Architecture } from "../architecture/schema.ts";
import type { Machine } from "../backend/machine.ts";
import type { DataFolders } from "../data/text.ts";
import { RequestError } from "../errors.ts";
import { sizeOf } from "../tensor/tensor.ts";
import type { Ages } from "./ages.ts";
import { growthStages } from "./growthEvents.ts";
import type { Masking } from "./masking.ts";
import { type LoadedStep, type MemoryPrediction, memoryWarning, predictMemory, stepNeeds } from "./memory.ts";
import { fitStep, loadStep } from "./memoryPlan.ts";
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
  /** Predicted for the largest network that it comes to; null for a backend that does not plan memory. */
  readonly memory: MemoryPrediction | null;
  /** What the user should know of the memory, one line each. */
  readonly memoryNotes: readonly string[];
  readonly data: RunData;
  /** The network as it is now; a larger one takes its place. */
  stage: Stage;
}

/** A network in training. */
export interface Stage {
  readonly architecture: Architecture;
  readonly trainer: Trainer;
}

/**
 * Puts another network in the place of the run's; its values and states are zeros.
 * @param ages of parameters with entries that came after the run had begun
 * @param masking that the network is seen through
 */
export function enterStage(
  run: Run,
  architecture: Architecture,
  ages: Ages,
  masking: Masking | undefined,
): Trainer {
  const { options } = run.stage.trainer;
  // First, so that both are never in memory at once.
  run.stage.trainer.dispose();
  const { machine } = run.options;
  const trainer = createTrainer(
    machine,
    architecture,
    loadStep(machine, architecture, { ...options, ages, masking }),
  );
  run.stage = { architecture, trainer };
  return trainer;
}

/**
 * Within `memory` bytes, where they are given, by changes of the settings that the run's configuration then tells.
 * Errors: RequestError for data and architectures that cannot be trained or grown, and for too little memory.
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
  const largest = growthStages(architecture, training.grow).at(-1)!;
  const grows = training.grow.length > 0;
  const fit = fitStep(options.machine, largest, asked, { memory, besideBytes });
  const { note } = fit;
  const beside = {
    besideBytes: besideBytes + (grows ? growingBytesOf(fit.loaded.step) : 0),
    restoreBytes: resumed ? checkpointBytesOf(fit.loaded.step) : 0,
  };
  const needs = grows ? stepNeeds(fit.loaded) : undefined;
  const largestMemory = needs && predictMemory(needs, beside);
  const loaded = grows ? loadAgain(options.machine, architecture, fit.loaded) : fit.loaded;
  const trainer = createTrainer(options.machine, architecture, loaded, beside);
  const predicted = largestMemory ?? trainer.memory;
  const { microBatches, recompute = 0, lossParts = 1 } = loaded.step.options;
  const earlier = resumed ? [...configuration.earlier, configuration.hash] : [];
  const fitted = { ...training, microBatches, recompute, lossParts };
  const warning = memory === undefined ? memoryWarning(predicted) : null;
  return {
    options,
    configuration:
      note === null ? configuration : defineConfiguration({ ...configuration, training: fitted }, earlier),
    memory: predicted ?? null,
    memoryNotes: [note, warning].filter((line) => line !== null),
    data,
    stage: { architecture, trainer },
  };
}

/** Draws what the run begins with from its seed; where its parametrisation learns first values, those. */
export async function drawFirstValues({ options, configuration, data, stage }: Run): Promise<void> {
  const { trainer } = stage;
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

/** The step of another network, in the way that was found to fit. */
function loadAgain(machine: Machine, architecture: Architecture, { step, accumulate, update }: LoadedStep) {
  accumulate?.dispose();
  update.dispose();
  return loadStep(machine, architecture, step.options);
}

/** What growing has beside a trainer: both networks, their states, and both networks again for the proof. */
function growingBytesOf({ parameters }: TrainingStep): number {
  return 8 * 4 * parameters.reduce((total, { shape }) => total + sizeOf(shape), 0);
}

/** The files of a checkpoint that are read whole, and the model of the best one. */
function checkpointBytesOf({ parameters, options }: TrainingStep): number {
  return parameters.reduce(
    (total, parameter) =>
      total + 4 * sizeOf(parameter.shape) * (2 + options.optimizer.states(parameter).length),
    0,
  );
}
