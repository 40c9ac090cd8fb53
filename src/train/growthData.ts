// The data of a run as methods of growth look at them: its loss without dropout, on micro-batches of training. Knows no method.
import { forwardFeatures } from "../architecture/forward.ts";
import type { Machine } from "../backend/machine.ts";
import type { GrowthData } from "../growth/methods/method.ts";
import { divide, maximum } from "../tensor/ops/elementwise.ts";
import { input } from "../tensor/ops/leaf.ts";
import { batchTypes, inputsOf, objectiveOf, scoreFeatures } from "./lossGraph.ts";
import { microBatchAt } from "./microBatches.ts";
import { batchName, randomKeyName } from "./names.ts";
import { createObjective } from "./objectives/objectives.ts";
import { createOptimizer } from "./optimizers.ts";
import type { RunData } from "./runData.ts";
import type { RunConfiguration } from "./runFolder.ts";

/** The key's first word; the second is the number of the batch. */
const GROWTH = 0x67726f;

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
