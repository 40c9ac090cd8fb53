// A model and its optimiser on a machine: one call is one update. Knows no schedule, data set or file.
import type { Architecture } from "../architecture/architecture.ts";
import type { Machine, Store } from "../backend/machine.ts";
import { initialValues } from "../nn/initialize.ts";
import type { Parameters } from "../nn/parameters.ts";
import { programInputs } from "../tensor/program.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { bornName, bornShape, writeAges } from "./ages.ts";
import { type BadTensor, firstBadTensor } from "./diagnose.ts";
import { createEvaluator, type Evaluation, type Evaluator } from "./evaluate.ts";
import { batchTypes } from "./lossGraph.ts";
import { behindName, maskAt, maskName } from "./masking.ts";
import {
  type BesideSteps,
  type LoadedStep,
  type MemoryPrediction,
  predictMemory,
  stepNeeds,
} from "./memory.ts";
import { loadStep } from "./memoryPlan.ts";
import { batchName, randomKeyName, scalarName, stateName, statisticName } from "./names.ts";
import type { TrainerBatch } from "./objectives/objective.ts";
import type { StepOptions } from "./step.ts";

export interface StepResult {
  /** Mean over the scored answers, nats. */
  readonly loss: number;
  /** Global norm of the gradients before clipping. */
  readonly gradientNorm: number;
  /** False: loss or gradient norm is not finite, and no parameter or state has changed. */
  readonly finite: boolean;
  /** What the objective and modules, such as routers of experts, tell by dotted name: means over answers or tokens, and micro-batches. */
  readonly statistics: Readonly<Record<string, readonly number[]>>;
}

export interface Trainer {
  readonly options: StepOptions;
  readonly store: Store;
  /** What the process will need while it trains; undefined for a backend that does not plan memory. */
  readonly memory: MemoryPrediction | undefined;
  readonly parameters: Parameters;
  /** Names of the optimiser's states in the store, each of its parameter's shape, of when places of aged ones came, and of what lies behind masks. */
  readonly states: ReadonlyMap<string, readonly number[]>;
  /** Draws every parameter from the seed and sets every state to zero. */
  initialize(seed: number): void;
  /** One update at a learning rate; `update` counts from 1. `randomSeed` matters only where something is left to chance. */
  step(batch: TrainerBatch, update: number, rate: number, randomSeed?: number): Promise<StepResult>;
  /** The first tensor with NaN or infinity when this update is computed again; undefined where none is found. */
  diagnose(batch: TrainerBatch, update: number, randomSeed?: number): Promise<BadTensor | undefined>;
  /** Rows of the batches that `evaluate` takes: those of a micro-batch. */
  readonly evaluationRows: number;
  /** Of all scored answers. */
  evaluate(batches: Iterable<TrainerBatch>): Promise<Evaluation>;
  /** No-op where it is done already. */
  dispose(): void;
}

/**
 * Makes room for a step, planned here unless it is already, in a new store; parameters are zeros until `initialize` or a
 * checkpoint. `beside` is what else the caller will need, for the prediction.
 */
export function createTrainer(
  machine: Machine,
  architecture: Architecture,
  of: StepOptions | LoadedStep,
  beside: BesideSteps = { besideBytes: 0 },
): Trainer {
  const loaded = "update" in of ? of : loadStep(machine, architecture, of);
  const { step, accumulate, update } = loaded;
  const { options } = step;
  const { optimizer, batch, microBatches, ages = new Map(), masking } = options;
  const needs = stepNeeds(loaded);
  const memory = needs && predictMemory(needs, beside);
  const store = machine.createStore();
  for (const program of step.accumulate === undefined ? [step.update] : [step.accumulate, step.update]) {
    for (const [name, type] of programInputs(program)) store.allocate(name, type);
  }
  let evaluator: Evaluator | undefined;
  let disposed = false;
  const states = new Map(
    step.parameters.flatMap((parameter) => {
      const { name, shape } = parameter;
      const own = optimizer.states(parameter).map((state) => [stateName(state, name), shape] as const);
      const born = ages.has(name) ? [[bornName(name), bornShape(shape)] as const] : [];
      const behind = masking?.masks.has(name) ? [[behindName(name), shape] as const] : [];
      return [...own, ...born, ...behind];
    }),
  );
  for (const [name, shape] of states) store.allocate(name, { shape, dtype: "f32" });
  for (const { name, shape } of step.parameters) store.allocate(name, { shape, dtype: "f32" });
  const rows = batch / microBatches;
  const types = Object.entries(batchTypes(architecture, options, rows));
  const isRandom = store.type(randomKeyName) !== undefined;
  const writeBatch = (given: TrainerBatch, index: number, count: number, seed: number) => {
    for (const [name, { shape }] of types) {
      const part = sizeOf(shape);
      const values = given[name];
      if (values?.length !== microBatches * part) {
        throw new RangeError(
          `batch: ${name} has ${values?.length ?? "no"} values; expected ${microBatches * part}, ${microBatches} parts of [${shape}]`,
        );
      }
      store.write(batchName(name), values.subarray(index * part, (index + 1) * part));
    }
    if (!isRandom) return;
    const high = Math.floor(seed / 2 ** 32);
    store.write(randomKeyName, [(seed ^ high) >>> 0, (count * microBatches + index) >>> 0]);
  };
  return {
    options,
    store,
    memory,
    parameters: step.source.declared,
    states,
    evaluationRows: rows,
    initialize(seed) {
      for (const { name, ...declaration } of step.parameters) {
        const values = store.read(name);
        // In place, because a copy of a large table would be the run's peak of memory.
        if (values instanceof Float32Array) initialValues(name, declaration, seed, values);
        else store.write(name, initialValues(name, declaration, seed));
      }
      for (const name of states.keys()) store.read(name).fill(0);
    },
    async step(given, count, rate, randomSeed = 0) {
      for (const [name, value] of Object.entries(optimizer.scalars(count, rate))) {
        // Without weight decay, some are not asked for.
        if (store.type(scalarName(name)) !== undefined) store.write(scalarName(name), [value]);
      }
      writeAges(store, optimizer, ages, { update: count, rate });
      if (masking !== undefined) store.write(maskName, [maskAt(masking, count)]);
      for (let index = 0; index < microBatches; index++) {
        writeBatch(given, index, count, randomSeed);
        await accumulate?.run(store);
      }
      await update.run(store);
      const [loss, gradientNorm, finite] = ["loss", "gradientNorm", "finite"].map(
        (name) => store.read(name)[0]!,
      );
      const statistics = Object.fromEntries(
        [...step.statistics.keys()].map((name) => [name, Array.from(store.read(statisticName(name)))]),
      );
      return { loss: loss!, gradientNorm: gradientNorm!, finite: finite !== 0, statistics };
    },
    async diagnose(given, count, randomSeed = 0) {
      for (let index = 0; index < microBatches; index++) {
        writeBatch(given, index, count, randomSeed);
        const bad = await firstBadTensor(machine, store, architecture, options, [...states.keys()]);
        if (bad !== undefined) return bad;
      }
      return undefined;
    },
    evaluate(batches) {
      evaluator ??= createEvaluator(machine, architecture, store, rows, options);
      return evaluator.evaluate(batches);
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      evaluator?.dispose();
      accumulate?.dispose();
      update.dispose();
      for (const name of store.names()) store.release(name);
    },
  };
}
