// The loss of a model on what it is not trained on. Knows no training and no particular objective. b rows of a batch.
import type { Architecture } from "../architecture/architecture.ts";
import { forwardFeatures } from "../architecture/forward.ts";
import type { Machine, Store } from "../backend/machine.ts";
import { inputSource } from "../nn/parameters.ts";
import { input } from "../tensor/ops/leaf.ts";
import { slice } from "../tensor/ops/movement.ts";
import { program, programInputs } from "../tensor/program.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { batchTypes, inputsOf, objectiveOf, scoreFeatures } from "./lossGraph.ts";
import type { TrainerBatch } from "./objectives/objective.ts";
import type { StepOptions } from "./step.ts";

/** Of all answers that are scored. */
export interface Evaluation {
  /** Mean, nats. */
  readonly loss: number;
  /** What the objective tells, such as `accuracy`: means. */
  readonly statistics: Readonly<Record<string, number>>;
  /** Layers of experts by dotted name (`block.3.moe`): of each of the first places of the first sequence the experts it meets. */
  readonly experts: Readonly<Record<string, readonly (readonly number[])[]>>;
}

export interface Evaluator {
  /** Over batches of b rows. The n-th batch meets the same chance at every evaluation. */
  evaluate(batches: Iterable<TrainerBatch> | AsyncIterable<TrainerBatch>): Promise<Evaluation>;
  dispose(): void;
}

const named = (name: string): string => `evaluation/${name}`;
const [LOSS, COUNT, KEY] = ["loss", "count", "key"].map(named) as [string, string, string];
const statisticNamed = (name: string): string => named(`statistic/${name}`);
const expertsNamed = (layer: string): string => named(`experts/${layer}`);
/** Places of the first sequence of which it is told which experts they meet. */
const PLACES_TOLD = 16;
/** The key's first word; the second is the number of the batch. */
const EVALUATION = 0x65766c;

/** What layers of experts call the experts of each place, i32 [b, P, K]. */
const EXPERTS = ".experts";

/** An evaluator of the parameters in `store`, of what a step of these options is trained on, for batches of `rows`. */
export function createEvaluator(
  machine: Machine,
  architecture: Architecture,
  store: Store,
  rows: number,
  options: StepOptions,
): Evaluator {
  const types = batchTypes(architecture, options, rows);
  const batchNamed = (name: string): string => named(`batch/${name}`);
  const objective = objectiveOf(options);
  const task = objective.task(architecture, inputsOf(types, batchNamed), input(KEY, [2], "u32"));
  const met = new Map<string, Tensor>();
  const observe = (name: string, tensor: Tensor) => {
    if (!name.endsWith(EXPERTS)) return;
    const places = Math.min(PLACES_TOLD, tensor.shape[1]!);
    met.set(name.slice(0, -EXPERTS.length), slice(tensor, { 0: [0, 1], 1: [0, places] }));
  };
  const features = forwardFeatures(architecture, inputSource(), task.inputs, { observe });
  const { loss, count, statistics } = scoreFeatures(features, task.targets, objective, options.lossParts);
  const sums = Object.entries(statistics).map(([name, value]) => [statisticNamed(name), value]);
  const told = [...met].map(([layer, tensor]) => [expertsNamed(layer), tensor] as const);
  const evaluation = program({ [LOSS]: loss, [COUNT]: count, ...Object.fromEntries([...sums, ...told]) });
  const inputs = programInputs(evaluation);
  for (const [name, type] of inputs) store.allocate(name, type);
  const executable = machine.load(evaluation);
  return {
    async evaluate(batches) {
      const totals = new Map<string, number>();
      let experts: Evaluation["experts"] = {};
      let scored = 0;
      let index = 0;
      const addTo = (name: string, value: number) => totals.set(name, (totals.get(name) ?? 0) + value);
      for await (const batch of batches) {
        for (const name of Object.keys(types)) store.write(batchNamed(name), batch[name]!);
        if (inputs.has(KEY)) store.write(KEY, [EVALUATION, index]);
        await executable.run(store);
        if (index++ === 0) experts = readExperts(store, met);
        scored += store.read(COUNT)[0]!;
        addTo(LOSS, store.read(LOSS)[0]!);
        for (const name of Object.keys(statistics)) addTo(name, store.read(statisticNamed(name))[0]!);
      }
      const mean = (name: string) => (totals.get(name) ?? 0) / scored;
      const means = Object.keys(statistics).map((name) => [name, mean(name)]);
      return { loss: mean(LOSS), statistics: Object.fromEntries(means), experts };
    },
    dispose() {
      executable.dispose();
      for (const name of [...inputs.keys(), ...Object.keys(evaluation.outputs)]) {
        if (name.startsWith(named(""))) store.release(name);
      }
    },
  };
}

/** By layer and place. */
function readExperts(store: Store, met: ReadonlyMap<string, Tensor>): Evaluation["experts"] {
  const layers = [...met].map(([layer, { shape }]) => {
    const [, places, chosen] = shape as [number, number, number];
    const values = Array.from(store.read(expertsNamed(layer)));
    return [layer, Array.from({ length: places }, (_, i) => values.slice(i * chosen, (i + 1) * chosen))];
  });
  return Object.fromEntries(layers);
}
