// The loss of a model on tokens it is not trained on. Knows no training. b rows of a batch, T length.
import type { Architecture } from "../architecture/architecture.ts";
import { forwardFeatures } from "../architecture/forward.ts";
import type { Machine, Store } from "../backend/machine.ts";
import { inputSource } from "../nn/parameters.ts";
import { input } from "../tensor/ops/leaf.ts";
import { program, programInputs } from "../tensor/program.ts";
import { lossSum } from "./step.ts";
import type { TrainerBatch } from "./trainer.ts";

export interface Evaluator {
  /** Mean loss over all scored tokens of batches [b, T], in nats a token. */
  evaluate(batches: Iterable<TrainerBatch>): Promise<number>;
  dispose(): void;
}

const names = {
  tokens: "evaluation/tokens",
  targets: "evaluation/targets",
  loss: "evaluation/loss",
  count: "evaluation/count",
} as const;

/** An evaluator of the parameters in `store`, for batches of `rows` sequences of the architecture's length. `lossParts`: as of a step. */
export function createEvaluator(
  machine: Machine,
  architecture: Architecture,
  store: Store,
  rows: number,
  lossParts = 1,
): Evaluator {
  const shape = [rows, architecture.length];
  const features = forwardFeatures(architecture, inputSource(), input(names.tokens, shape, "i32"));
  const { loss, count } = lossSum(features, input(names.targets, shape, "i32"), lossParts);
  const evaluation = program({ [names.loss]: loss, [names.count]: count });
  for (const [name, type] of programInputs(evaluation)) store.allocate(name, type);
  const executable = machine.load(evaluation);
  return {
    async evaluate(batches) {
      let total = 0;
      let scored = 0;
      for (const { inputs, targets } of batches) {
        store.write(names.tokens, inputs);
        store.write(names.targets, targets);
        await executable.run(store);
        total += store.read(names.loss)[0]!;
        scored += store.read(names.count)[0]!;
      }
      return total / scored;
    },
    dispose() {
      executable.dispose();
      for (const name of Object.values(names)) store.release(name);
    },
  };
}
