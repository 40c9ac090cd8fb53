// What is lost on a micro-batch, as a graph: an objective's task, the model's answers, their score. Knows no optimiser and
// no particular objective. B rows of a micro-batch, P places with answers, D width, V classes.
import type { Architecture } from "../architecture/architecture.ts";
import { type ForwardOptions, forwardFeatures } from "../architecture/forward.ts";
import type { ParameterSource } from "../nn/parameters.ts";
import { add, divide, maximum, multiply } from "../tensor/ops/elementwise.ts";
import { input } from "../tensor/ops/leaf.ts";
import { reshape } from "../tensor/ops/movement.ts";
import { foldIn } from "../tensor/ops/random.ts";
import { sum } from "../tensor/ops/reduce.ts";
import { scan } from "../tensor/ops/scan.ts";
import type { Tensor, TensorType } from "../tensor/tensor.ts";
import { batchName, randomKeyName } from "./names.ts";
import type { Objective, Score } from "./objectives/objective.ts";
import { createObjective } from "./objectives/objectives.ts";
import type { StepOptions } from "./step.ts";

export interface LossGraph {
  /** Sum over the answers of a micro-batch that are scored, f32 []. */
  readonly loss: Tensor;
  /** What is trained on: that sum, with what modules add to the loss for every scored answer, f32 []. */
  readonly objective: Tensor;
  /** How many answers are scored, f32 []. */
  readonly count: Tensor;
  /** What the objective and modules tell, by name; small. */
  readonly statistics: Readonly<Record<string, Tensor>>;
  /** Between them, gradients compute values again. */
  readonly boundaries: readonly Tensor[];
  /** Between all that could be chosen from. */
  readonly modules: number;
}

export function lossGraph(
  architecture: Architecture,
  source: ParameterSource,
  options: StepOptions,
  observe?: ForwardOptions["observe"],
): LossGraph {
  const { batch, microBatches, recompute = 0, lossParts = 1 } = options;
  const entered: Tensor[] = [];
  const losses: Tensor[] = [];
  const statistics: Record<string, Tensor> = {};
  const randomKey = input(randomKeyName, [2], "u32");
  const objective = objectiveOf(options);
  const task = objective.task(
    architecture,
    inputsOf(batchTypes(architecture, options, batch / microBatches), batchName),
    foldIn(randomKey, OBJECTIVE_STREAM),
  );
  const forwarded = forwardFeatures(architecture, source, task.inputs, {
    observe,
    boundary: (x) => entered.push(x),
    randomKey,
    loss: (name, value) => {
      losses.push(value);
      statistics[name] = value;
    },
    statistic: (name, value) => {
      statistics[name] = value;
    },
  });
  const observed = {
    ...forwarded,
    head: (x: Tensor) => {
      const logits = forwarded.head(x);
      if (lossParts === 1) observe?.("logits", logits);
      return logits;
    },
  };
  const { loss, count, statistics: sums } = scoreFeatures(observed, task.targets, objective, lossParts);
  const scored = maximum(count, 1);
  const told = Object.entries(sums).map(([name, value]) => [name, divide(value, scored)]);
  return {
    loss,
    count,
    // A share of each scored answer, so that parts of a batch add up to the mean over them.
    objective: losses.length === 0 ? loss : add(loss, multiply(losses.reduce(add), count)),
    statistics: { ...Object.fromEntries(told), ...statistics },
    modules: entered.length - 1,
    boundaries: recompute === 0 ? [] : entered.slice(0, -1).filter((_, i) => i % recompute === 0),
  };
}

/** What the places of a model fold into the key are small numbers. */
const OBJECTIVE_STREAM = 2 ** 31;

export function objectiveOf({ objective = createObjective("next-token") }: StepOptions): Objective {
  return objective;
}

/** What a batch of so many rows is, by the objective's names. */
export function batchTypes(
  architecture: Architecture,
  options: StepOptions,
  rows: number,
): Readonly<Record<string, TensorType>> {
  return objectiveOf(options).batch(architecture, rows, options.length);
}

/** Inputs of a graph of the given types, named in the store by `nameOf`. */
export function inputsOf(
  types: Readonly<Record<string, TensorType>>,
  nameOf: (name: string) => string,
): Readonly<Record<string, Tensor>> {
  const inputs = Object.entries(types).map(([name, { shape, dtype }]) => [
    name,
    input(nameOf(name), shape, dtype),
  ]);
  return Object.fromEntries(inputs);
}

/**
 * Features [B, P, D] before the head, targets [B, P] or [B, P, V] → their score. The logits of `parts` equal parts of the
 * answers are there one after the other.
 */
export function scoreFeatures(
  { features, head }: ReturnType<typeof forwardFeatures>,
  targets: Tensor,
  { score }: Pick<Objective, "score">,
  parts = 1,
): Score {
  const [batch, places, width] = features.shape as [number, number, number];
  const answers = (batch * places) / parts;
  const classes = targets.shape.slice(2);
  const scoreOf = (x: Tensor, wanted: Tensor): Score => {
    const logits = head(x);
    return score(reshape(logits, [answers, logits.shape.at(-1)!]), wanted);
  };
  if (parts === 1) return scoreOf(features, reshape(targets, [answers, ...classes]));
  const sequences = [
    reshape(features, [parts, 1, answers, width]),
    reshape(targets, [parts, answers, ...classes]),
  ];
  let names: string[] = [];
  const { outputs } = scan({ length: parts, sequences }, (_, [x, wanted]) => {
    const { loss, count, statistics } = scoreOf(x!, wanted!);
    names = Object.keys(statistics);
    return { carries: [], outputs: [loss, count, ...Object.values(statistics)] };
  });
  const [loss, count, ...others] = outputs.map((output) => sum(output)) as [Tensor, Tensor, ...Tensor[]];
  return { loss, count, statistics: Object.fromEntries(others.map((value, i) => [names[i]!, value])) };
}
