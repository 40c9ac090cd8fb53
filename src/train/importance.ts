// How much a network's units matter to the loss, by first order on batches, and that loss. Knows no run.
// Molchanov et al. 2019, "Importance estimation for neural network pruning"; Yang et al. 2023, "NViT".
import type { Architecture } from "../architecture/architecture.ts";
import { forwardFeatures } from "../architecture/forward.ts";
import type { Machine, Store } from "../backend/machine.ts";
import { type Importance, sumImportance } from "../growth/importance.ts";
import { inputSource } from "../nn/parameters.ts";
import { gradients } from "../tensor/gradient.ts";
import { abs, add, divide, maximum, multiply } from "../tensor/ops/elementwise.ts";
import { input } from "../tensor/ops/leaf.ts";
import { program, programInputs } from "../tensor/program.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { batchTypes, inputsOf, objectiveOf, scoreFeatures } from "./lossGraph.ts";
import { batchName, randomKeyName } from "./names.ts";
import type { TrainerBatch } from "./objectives/objective.ts";
import type { StepOptions } from "./step.ts";

const productName = (name: string): string => `importance/${name}`;
/** The key's first word; the second is the number of the batch. */
const IMPORTANCE = 0x696d70;

/**
 * Of each unit the sum over batches of Σ |g · w|: by how much the loss would change, to first order, were a parameter 0.
 * Nothing is left to chance but what the objective draws. The store holds the parameters; batches have `rows` rows.
 */
export async function firstOrderImportance(
  machine: Machine,
  architecture: Architecture,
  store: Store,
  options: StepOptions,
  batches: Iterable<TrainerBatch> | AsyncIterable<TrainerBatch>,
  rows: number,
): Promise<Importance> {
  const types = batchTypes(architecture, options, rows);
  const { recompute = 0, lossParts } = options;
  const objective = objectiveOf(options);
  const task = objective.task(architecture, inputsOf(types, batchName), input(randomKeyName, [2], "u32"));
  const source = inputSource();
  const entered: Tensor[] = [];
  const boundary = (x: Tensor) => entered.push(x);
  const features = forwardFeatures(architecture, source, task.inputs, { boundary });
  const { loss, count } = scoreFeatures(features, task.targets, objective, lossParts);
  const tensors = [...source.tensors];
  const boundaries = recompute === 0 ? [] : entered.slice(0, -1).filter((_, i) => i % recompute === 0);
  const slopes = gradients(
    divide(loss, maximum(count, 1)),
    tensors.map(([, tensor]) => tensor),
    boundaries,
  );
  const sums = tensors.map(([name, tensor], i) => {
    const product = abs(multiply(tensor, slopes[i]!));
    return [productName(name), add(input(productName(name), tensor.shape), product)];
  });
  const measuring = program({}, Object.fromEntries(sums));
  const inputs = programInputs(measuring);
  for (const [name, type] of inputs) store.allocate(name, type);
  for (const [name] of tensors) store.read(productName(name)).fill(0);
  const executable = machine.load(measuring);
  try {
    let index = 0;
    for await (const batch of batches) {
      for (const name of Object.keys(types)) store.write(batchName(name), batch[name]!);
      if (inputs.has(randomKeyName)) store.write(randomKeyName, [IMPORTANCE, index++]);
      await executable.run(store);
    }
    return sumImportance(architecture, (name) => store.read(productName(name)));
  } finally {
    executable.dispose();
    for (const name of inputs.keys()) if (!source.declared.has(name)) store.release(name);
  }
}
