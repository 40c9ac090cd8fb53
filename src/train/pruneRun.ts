// A run whose network is a smaller part of another's: the units that matter least are left out, layers first, then the width,
// then sizes of primitives, each measured anew on the data of the run. Knows no command.
import { setImmediate as eventLoop } from "node:timers/promises";
import type { Machine, Store } from "../backend/machine.ts";
import type { DataFolders } from "../data/text.ts";
import { RequestError } from "../errors.ts";
import type { NamedTensors } from "../growth/grow.ts";
import { type Importance, randomImportance, sumImportance } from "../growth/importance.ts";
import type { Network } from "../growth/proof.ts";
import {
  type PrunedNetwork,
  type PruneStep,
  pruneNetwork,
  type RemovedUnits,
  requirePrunable,
} from "../growth/prune.ts";
import { createEvaluator } from "./evaluate.ts";
import { firstOrderImportance } from "./importance.ts";
import { microBatchAt } from "./microBatches.ts";
import type { TrainerBatch } from "./objectives/objective.ts";
import { createObjective } from "./objectives/objectives.ts";
import { createOptimizer } from "./optimizers.ts";
import type { PruneCriterion } from "./pruneCriteria.ts";
import { reloadData } from "./reloadData.ts";
import { openRemade, type RemadeRun, type RemakeOptions, valuesOf, writeRun } from "./remakeRun.ts";
import type { RunData } from "./runData.ts";
import type { RunConfiguration } from "./runFolder.ts";
import type { StepOptions } from "./step.ts";

/** How a run's network becomes smaller. */
export interface PruneOptions extends RemakeOptions {
  /** One after the other. */
  readonly steps: readonly PruneStep[];
  readonly machine: Machine;
  /** Default taylor. */
  readonly criterion?: PruneCriterion | undefined;
  /** Of `random`; default 0. */
  readonly seed?: number | undefined;
  /** Micro-batches: of training data that importance is measured on, and most of validation data for losses. Default 32. */
  readonly batches?: number | undefined;
  /** Where data sets with a name lie. */
  readonly dataFolder?: DataFolders | undefined;
  /** Aborted: what it was aborted with is thrown, and nothing is written. */
  readonly signal?: AbortSignal | undefined;
  /** Told before every micro-batch. */
  readonly report?: ((progress: PruneProgress) => void) | undefined;
}

/** How far pruning is. */
export interface PruneProgress {
  /** From 0 to 1; passes over validation data may end early. */
  readonly share: number;
  readonly doing: "loss" | "importance";
  /** Number of the step at work, from 0; null before the first. */
  readonly step: number | null;
}

/** What was removed in one step. */
export interface PrunedStep {
  readonly step: PruneStep;
  readonly removed: readonly RemovedUnits[];
  /** On validation data, nats. */
  readonly loss: number;
}

/** A run whose network is smaller. */
export interface PrunedRun extends RemadeRun {
  readonly criterion: PruneCriterion;
  /** Before anything was removed, on the same validation data. */
  readonly loss: number;
  readonly parametersBefore: number;
  readonly steps: readonly PrunedStep[];
}

const BATCHES = 32;

/**
 * A run of the network without its least important units, before its first step, with a fresh optimiser. Where the width
 * shrinks, norms are scaled or kept, whichever loses less.
 * Errors: as for `cutRun`; RequestError where nothing can be smaller in that way, and for data that are not what they were.
 */
export async function pruneRun(options: PruneOptions): Promise<PrunedRun> {
  const { steps, machine, criterion = "taylor", seed = 0, batches = BATCHES, folder } = options;
  if (options.out === folder) {
    throw new RequestError(`${folder} is the run itself; name another folder for the new one`);
  }
  const model = openRemade(options);
  requirePrunable(model.architecture);
  const data = await reloadData(model.configuration, options);
  const watch = watcher(options, criterion, batches);
  const measure = measures(machine, model.configuration, data, batches, watch.through);
  const before: Network = { architecture: model.architecture, values: valuesOf(model) };
  const importanceOf = async ({ architecture, values }: Network): Promise<Importance> => {
    if (criterion === "random") return randomImportance(architecture, seed);
    if (criterion === "taylor") return measure.importance({ architecture, values });
    return sumImportance(architecture, (name) => values[name]!.data.map((value) => value * value));
  };
  const loss = await measure.loss(before);
  let network = before;
  const made: PrunedStep[] = [];
  for (const step of steps) {
    watch.nextStep();
    const importance = await importanceOf(network);
    const { removed, loss, ...smaller } = await leastLoss(
      candidates(network, step, importance),
      measure.loss,
    );
    network = smaller;
    made.push({ step, removed, loss });
  }
  const { architecture, values } = network;
  const note = `pruned from ${folder}, step ${model.step}, by ${criterion}: ${JSON.stringify(steps)}`;
  const run = writeRun(options, { ...model.configuration, architecture }, values, note);
  return { ...run, criterion, loss, parametersBefore: sizeOf(before.values), steps: made };
}

type Watched = (doing: PruneProgress["doing"], items: Iterable<TrainerBatch>) => AsyncGenerator<TrainerBatch>;

/** Tells of every micro-batch and looks at the signal before it. */
function watcher({ steps, signal, report }: PruneOptions, criterion: PruneCriterion, batches: number) {
  const passes = steps.reduce((sum, step) => sum + (criterion === "taylor" ? 1 : 0) + waysOf(step).length, 1);
  let [pass, step]: [number, number | null] = [-1, null];
  const through: Watched = async function* (doing, items) {
    pass++;
    let done = 0;
    for (const item of items) {
      // Signals arrive between turns of the event loop, which nothing else here may ever give a turn.
      await eventLoop();
      signal?.throwIfAborted();
      report?.({ share: Math.min(1, (pass + done++ / batches) / passes), doing, step });
      yield item;
    }
  };
  return {
    through,
    nextStep() {
      step = step === null ? 0 : step + 1;
    },
  };
}

/** Where it is open what norms should do, both ways. */
function candidates(
  { architecture, values }: Network,
  step: PruneStep,
  importance: Importance,
): PrunedNetwork<Float64Array | Float32Array>[] {
  return waysOf(step).map((one) => pruneNetwork(architecture, values, one, importance));
}

function waysOf(step: PruneStep): PruneStep[] {
  const isOpen = step.prune === "width" && step.norms === undefined;
  return isOpen ? (["scaled", "kept"] as const).map((norms) => ({ ...step, norms })) : [step];
}

async function leastLoss<N extends Network>(
  networks: readonly N[],
  lossOf: (network: Network) => Promise<number>,
): Promise<N & { readonly loss: number }> {
  const losses: number[] = [];
  for (const network of networks) losses.push(await lossOf(network));
  const best = losses.reduce((least, loss, i) => (loss < losses[least]! ? i : least), 0);
  return { ...networks[best]!, loss: losses[best]! };
}

function measures(
  machine: Machine,
  { training }: Pick<RunConfiguration, "training">,
  data: RunData,
  batches: number,
  through: Watched,
) {
  const [optimizer, objective] = [createOptimizer(training.optimizer), createObjective(training.objective)];
  const rows = training.batch / training.microBatches;
  const within = async <T>(
    { architecture, values }: Network,
    use: (store: Store, options: StepOptions) => Promise<T>,
  ): Promise<T> => {
    objective.check(architecture);
    const store = storeOf(machine, values);
    try {
      return await use(store, { ...training, length: architecture.length, optimizer, objective });
    } finally {
      for (const name of store.names()) store.release(name);
    }
  };
  return {
    loss: (network: Network) =>
      within(network, async (store, options) => {
        const evaluator = createEvaluator(machine, network.architecture, store, rows, options);
        try {
          return (await evaluator.evaluate(through("loss", first(data.validation(rows), batches)))).loss;
        } finally {
          evaluator.dispose();
        }
      }),
    importance: (network: Network) =>
      within(network, (store, options) =>
        firstOrderImportance(
          ...([machine, network.architecture, store, options] as const),
          through("importance", trainingBatches(data, training, batches)),
          rows,
        ),
      ),
  };
}

function storeOf(machine: Machine, values: NamedTensors): Store {
  const store = machine.createStore();
  for (const [name, { shape, data }] of Object.entries(values)) {
    store.allocate(name, { shape, dtype: "f32" });
    store.write(name, data);
  }
  return store;
}

/** Micro-batches of training, from the first step on. */
function* trainingBatches(
  data: RunData,
  training: RunConfiguration["training"],
  count: number,
): Generator<TrainerBatch> {
  for (let i = 0; i < count; i++) yield microBatchAt(data, training, i);
}

function* first<T>(items: Iterable<T>, count: number): Generator<T> {
  let left = count;
  for (const item of items) {
    if (left-- <= 0) return;
    yield item;
  }
}

function sizeOf(values: NamedTensors): number {
  return Object.values(values).reduce((total, { data }) => total + data.length, 0);
}
