// The data of a run as methods of growth look at them: its loss without dropout, on micro-batches of training. Knows no method.
import { forwardFeatures } from "../architecture/forward.ts";
import type { Executable, Machine, Store } from "../backend/machine.ts";
import { RequestError } from "../errors.ts";
import type { GrowthData } from "../growth/methods/method.ts";
import { formatBytes } from "../report/format.ts";
import { divide, maximum } from "../tensor/ops/elementwise.ts";
import { input } from "../tensor/ops/leaf.ts";
import { type Program, programInputs } from "../tensor/program.ts";
import { batchTypes, inputsOf, objectiveOf, scoreFeatures } from "./lossGraph.ts";
import { storeBytes } from "./memory.ts";
import { microBatchAt } from "./microBatches.ts";
import { batchName, randomKeyName } from "./names.ts";
import { createObjective } from "./objectives/objectives.ts";
import { createOptimizer } from "./optimizers.ts";
import type { RunData } from "./runData.ts";
import type { RunConfiguration } from "./runFolder.ts";

/** The key's first word; the second is the number of the batch. */
const GROWTH = 0x67726f;

/** Of what a program reads and writes, as far as the store has not got it. */
function missingBytes(store: Store, of: Program): number {
  const known = [...programInputs(of).keys()].filter((name) => store.type(name) !== undefined);
  return storeBytes([of]) - known.reduce((sum, name) => sum + store.read(name).byteLength, 0);
}

function neededBytes({ needs }: Executable): number {
  return needs === undefined ? 0 : needs.arenaBytes + needs.threadBytes;
}

/** Errors: RequestError where there is not so much. */
function requireMemory({ memoryLimit = Number.POSITIVE_INFINITY }: Machine, bytes: number): void {
  const free = Math.min(process.availableMemory(), memoryLimit);
  if (bytes <= free) return;
  throw new RequestError(
    `grow: this method learns on the run's data, which takes ${formatBytes(bytes)} of memory, and ${formatBytes(free)} are free; ` +
      "grow less, train the run in more micro-batches, or choose another method",
  );
}

/** The n-th batch is the n-th micro-batch of the run. */
export function growthData(
  machine: Machine,
  { architecture, training }: Pick<RunConfiguration, "architecture" | "training">,
  data: RunData,
): GrowthData {
  const { length } = architecture;
  const [optimizer, objective] = [createOptimizer(training.optimizer), createObjective(training.objective)];
  const options = { ...training, length, optimizer, objective };
  const types = batchTypes(architecture, options, training.batch / training.microBatches);
  return {
    machine,
    load(store, of) {
      const executable = machine.load(of);
      try {
        requireMemory(machine, missingBytes(store, of) + neededBytes(executable));
        for (const [name, type] of programInputs(of)) store.allocate(name, type);
      } catch (error) {
        executable.dispose();
        throw error;
      }
      return executable;
    },
    loss(network, parameters, { apply } = {}) {
      const task = objectiveOf(options).task(
        network,
        inputsOf(types, batchName),
        input(randomKeyName, [2], "u32"),
      );
      const features = forwardFeatures(network, parameters, task.inputs, { apply });
      const { loss, count } = scoreFeatures(features, task.targets, objective, training.lossParts);
      return divide(loss, maximum(count, 1));
    },
    write(store, n) {
      const batch = microBatchAt(data, training, n);
      for (const name of Object.keys(types)) {
        if (store.type(batchName(name)) !== undefined) store.write(batchName(name), batch[name]!);
      }
      if (store.type(randomKeyName) !== undefined) store.write(randomKeyName, [GROWTH, n]);
    },
  };
}
