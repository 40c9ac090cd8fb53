// What a run is made of: its data, its model on a machine, its batches by step. Everything that can refuse the request
// happens here, before anything is written. Knows no loop.
import { createHash } from "node:crypto";
import { stripeModules } from "../architecture/architecture.ts";
import type { Machine } from "../backend/machine.ts";
import { createBatch, createSampler, evaluationBatches, type Tokens } from "../data/batches.ts";
import type { Dataset } from "../data/dataset.ts";
import { RequestError } from "../errors.ts";
import { createOptimizer } from "./optimizers.ts";
import type { RunConfiguration } from "./runFolder.ts";
import { createTrainer, type Trainer, type TrainerBatch } from "./trainer.ts";

export interface RunOptions {
  readonly machine: Machine;
  /** The folder of the run. */
  readonly folder: string;
  /** Where data sets with a name lie. */
  readonly dataFolder?: string | undefined;
  /** Abort: the step at work is finished, a checkpoint written, and the run ends. */
  readonly signal?: AbortSignal | undefined;
  /** FLOP/s of the machine at its best, to tell the share of it that is used. */
  readonly peakFlops?: number | undefined;
}

export interface Run {
  readonly options: RunOptions;
  readonly configuration: RunConfiguration;
  readonly dataset: Dataset;
  readonly trainer: Trainer;
  readonly batchAt: (step: number) => TrainerBatch;
  readonly validation: Tokens;
}

/** Errors: RequestError for data and architectures that cannot be trained. */
export function prepareRun(options: RunOptions, configuration: RunConfiguration, dataset: Dataset): Run {
  const { architecture, training } = configuration;
  const { batch, microBatches, seed, order, evaluationTokens } = training;
  const { length } = architecture;
  const acausal = stripeModules(architecture).find((module) => !module.causal);
  if (acausal !== undefined) {
    throw new RequestError(
      `architecture: ${acausal.name} is not causal, so it would see the tokens it has to predict; set causal to true`,
    );
  }
  const sampler = createSampler({ tokens: dataset.training, length, batch, seed, order });
  const validation = dataset.validation.subarray(0, (evaluationTokens ?? dataset.validation.length) + 1);
  // Finds validation text that is too short now rather than after an hour.
  evaluationBatches(validation, length, batch).next();
  const reuse = createBatch(batch, length);
  const trainer = createTrainer(options.machine, architecture, {
    optimizer: createOptimizer(training.optimizer),
    batch,
    length,
    microBatches,
    clip: training.clip,
    decay: training.decay,
  });
  return {
    options,
    configuration,
    dataset,
    trainer,
    validation,
    batchAt: (step) => sampler.next(step, reuse),
  };
}

/** What identifies the data of a run. */
export function describeTokens({ name, training, validation }: Dataset) {
  const hash = createHash("sha256");
  for (const tokens of [training, validation]) {
    hash.update(new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength));
  }
  return {
    name,
    trainingTokens: training.length,
    validationTokens: validation.length,
    sha256: hash.digest("hex"),
  };
}
