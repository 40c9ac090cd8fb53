// The loss of a model on what it is not trained on. Knows no training and no particular objective. b rows of a batch.
import type { Architecture } from "../architecture/architecture.ts";
import { forwardFeatures } from "../architecture/forward.ts";
import type { Machine, Store } from "../backend/machine.ts";
import { inputSource } from "../nn/parameters.ts";
import { input } from "../tensor/ops/leaf.ts";
import { program, programInputs } from "../tensor/program.ts";
import { batchTypes, inputsOf, objectiveOf, scoreFeatures } from "./lossGraph.ts";
import type { TrainerBatch } from "./objectives/objective.ts";
import type { StepOptions } from "./step.ts";

/** Of all answers that are scored. */
export interface Evaluation {
  /** Mean, nats. */
  readonly loss: number;
  /** What the objective tells, such as `accuracy`: means. */
  readonly statistics: Readonly<Record<string, number>>;
}

export interface Evaluator {
  /** Over batches of b rows. The n-th batch meets the same chance at every evaluation. */
  evaluate(batches: Iterable<TrainerBatch>): Promise<Evaluation>;
  dispose(): void;
}

const named = (name: string): string => `evaluation/${name}`;
const [LOSS, COUNT, KEY] = ["loss", "count", "key"].map(named) as [string, string, string];
const statisticNamed = (name: string): string => named(`statistic/${name}`);
/** The key's first word; the second is the number of the batch. */
const EVALUATION = 0x65766c;

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
  const features = forwardFeatures(architecture, inputSource(), task.inputs);
  const { loss, count, statistics } = scoreFeatures(features, task.targets, objective, options.lossParts);
  const sums = Object.entries(statistics).map(([name, value]) => [statisticNamed(name), value]);
  const evaluation = program({ [LOSS]: loss, [COUNT]: count, ...Object.fromEntries(sums) });
  const inputs = programInputs(evaluation);
  for (const [name, type] of inputs) store.allocate(name, type);
  const executable = machine.load(evaluation);
  return {
    async evaluate(batches) {
      const totals = new Map<string, number>();
      let scored = 0;
      let index = 0;
      const addTo = (name: string, value: number) => totals.set(name, (totals.get(name) ?? 0) + value);
      for (const batch of batches) {
        for (const name of Object.keys(types)) store.write(batchNamed(name), batch[name]!);
        if (inputs.has(KEY)) store.write(KEY, [EVALUATION, index++]);
        await executable.run(store);
        scored += store.read(COUNT)[0]!;
        addTo(LOSS, store.read(LOSS)[0]!);
        for (const name of Object.keys(statistics)) addTo(name, store.read(statisticNamed(name))[0]!);
      }
      const mean = (name: string) => (totals.get(name) ?? 0) / scored;
      const told = Object.keys(statistics).map((name) => [name, mean(name)]);
      return { loss: mean(LOSS), statistics: Object.fromEntries(told) };
    },
    dispose() {
      executable.dispose();
      for (const name of [...inputs.keys(), ...Object.keys(evaluation.outputs)]) {
        if (name.startsWith(named(""))) store.release(name);
      }
    },
  };
}
