// One training step as a graph: loss, gradients, clipping, optimiser. Knows no machine, data or loop.
import type { Architecture } from "../architecture/architecture.ts";
import type { InputSource, ParameterDeclaration } from "../nn/parameters.ts";
import { gradients } from "../tensor/gradient.ts";
import { add, and, divide, isFiniteAt, maximum, multiply, select } from "../tensor/ops/elementwise.ts";
import { fill, input } from "../tensor/ops/leaf.ts";
import { type Program, program } from "../tensor/program.ts";
import type { Shape, Tensor } from "../tensor/tensor.ts";
import { type Ages, agedScalars } from "./ages.ts";
import { clipScale, globalNorm } from "./clip.ts";
import { type LossGraph, lossGraph } from "./lossGraph.ts";
import { type Masking, maskedInputs, maskedUpdates } from "./masking.ts";
import { accumulatorName, countName, lossSumName, scalarName, stateName, statisticName } from "./names.ts";
import type { Objective } from "./objectives/objective.ts";
import type { OptimizedParameter, Optimizer } from "./optimizer.ts";
import { parametrisedParameters } from "./parametrisation/parametrise.ts";
import { type Parametrisation, standard } from "./parametrisation/settings.ts";

export interface StepOptions {
  readonly optimizer: Optimizer;
  /** Default: next-token. */
  readonly objective?: Objective;
  /** Rows of one update; with `microBatches` > 1 they are run a part at a time and their gradients added up. */
  readonly batch: number;
  /** T. */
  readonly length: number;
  /** How many parts, a divisor of `batch`. */
  readonly microBatches: number;
  /** Largest global norm of the gradients; null: not clipped. */
  readonly clip: number | null;
  /** What weight decay applies to: matrices (and embeddings), or everything. */
  readonly decay: "matrices" | "all";
  /** Of the parameters; the architecture is one that `parametrise` gave. Default: standard. */
  readonly parametrisation?: Parametrisation;
  /**
   * So many modules of the stripe at a time keep only what enters them, and are computed again right before their
   * gradients; the last ones are not. Default 0: every value is kept.
   */
  readonly recompute?: number;
  /**
   * Equal parts of a micro-batch's answers whose logits are there one after the other, and again for their gradients.
   * Default 1.
   */
  readonly lossParts?: number;
  /** Parameters with entries that came after the run had begun; default: none. */
  readonly ages?: Ages | undefined;
  /** Masks that the network is seen through, and that rise; default: none. */
  readonly masking?: Masking | undefined;
}

/**
 * Programs of one update. Outputs of the last one: `loss` (mean over scored answers, nats), `gradientNorm` (before
 * clipping) and `finite` (bool: both are finite). Where `finite` is false every parameter and state keeps its value.
 */
export interface TrainingStep {
  readonly options: StepOptions;
  readonly source: InputSource;
  /** As their parametrisation has them. */
  readonly parameters: readonly OptimizedParameter[];
  /** What the objective and modules tell of a step, with its shape: outputs of `update` under their `statisticName`, means over micro-batches. */
  readonly statistics: ReadonlyMap<string, Shape>;
  /** Parts of the forward pass of which `recompute` may take some together. */
  readonly modules: number;
  /** Run once for each micro-batch before `update`; absent where one program does the whole step. */
  readonly accumulate: Program | undefined;
  readonly update: Program;
}

export function trainingStep(architecture: Architecture, options: StepOptions): TrainingStep {
  const { trained: source, seen } = maskedInputs(options.masking);
  const graph = lossGraph(architecture, seen, options);
  const { loss, objective, count, boundaries, modules } = graph;
  const tensors = [...source.tensors.values()];
  const declared = parametrisedParameters(architecture, source.declared, options.parametrisation ?? standard);
  const parameters = [...declared].map(([name, declaration]) => ({
    ...declaration,
    name,
    decays: decays(declaration, options.decay),
  }));
  const statistics = new Map(Object.entries(graph.statistics).map(([name, { shape }]) => [name, shape]));
  const common = { options, source, parameters, statistics, modules };
  if (options.microBatches === 1) {
    const scored = maximum(count, 1);
    const slopes = gradients(divide(objective, scored), tensors, boundaries);
    const update = updateProgram(parameters, tensors, slopes, divide(loss, scored), options);
    const told = Object.entries(graph.statistics).map(([name, value]) => [statisticName(name), value]);
    const outputs = { ...update.outputs, ...Object.fromEntries(told) };
    return { ...common, accumulate: undefined, update: program(outputs, update.updates) };
  }
  const accumulate = accumulateProgram(parameters, gradients(objective, tensors, boundaries), graph);
  const total = maximum(input(countName, []), 1);
  const averaged = parameters.map(({ name, shape }) => divide(input(accumulatorName(name), shape), total));
  const mean = divide(input(lossSumName, []), total);
  const update = updateProgram(parameters, tensors, averaged, mean, options);
  const told = [...statistics].map(([name, shape]) => {
    const sum = input(accumulatorName(statisticName(name)), shape);
    return [statisticName(name), divide(sum, options.microBatches)];
  });
  const sums: [string, Shape][] = [
    [lossSumName, []],
    [countName, []],
    ...parameters.map(({ name, shape }): [string, Shape] => [accumulatorName(name), shape]),
    ...[...statistics].map(([name, shape]): [string, Shape] => [accumulatorName(statisticName(name)), shape]),
  ];
  const cleared = Object.fromEntries(sums.map(([name, shape]) => [name, fill(0, shape)]));
  return {
    ...common,
    accumulate,
    update: program({ ...update.outputs, ...Object.fromEntries(told) }, { ...update.updates, ...cleared }),
  };
}

function decays({ shape, role }: ParameterDeclaration, decay: StepOptions["decay"]): boolean {
  // Some biases and scales (rates of a state, taps of a short convolution) have a row for each of something.
  return decay === "all" || (shape.length >= 2 && role !== "scale" && role !== "bias");
}

function accumulateProgram(
  parameters: readonly OptimizedParameter[],
  parts: readonly Tensor[],
  { loss, count, statistics }: LossGraph,
): Program {
  const grown = (accumulator: string, part: Tensor) =>
    [accumulator, add(input(accumulator, part.shape), part)] as const;
  const sums = parameters.map(({ name }, i) => grown(accumulatorName(name), parts[i]!));
  const told = Object.entries(statistics).map(([name, value]) =>
    grown(accumulatorName(statisticName(name)), value),
  );
  return program(
    {},
    {
      [lossSumName]: add(input(lossSumName, []), loss),
      [countName]: add(input(countName, []), count),
      ...Object.fromEntries([...sums, ...told]),
    },
  );
}

function updateProgram(
  parameters: readonly OptimizedParameter[],
  values: readonly Tensor[],
  raw: readonly Tensor[],
  loss: Tensor,
  { optimizer, clip: limit, ages, masking }: StepOptions,
): Program {
  const gradientNorm = globalNorm(raw);
  const finite = and(isFiniteAt(loss), isFiniteAt(gradientNorm));
  // Scaling by a number that is known no earlier than the flag makes a parameter's whole update one pass over its memory.
  const scale = limit === null ? 1 : clipScale(gradientNorm, limit);
  const usable = select(finite, scale, 0);
  const names = Object.keys(optimizer.scalars(1, 1));
  const scalars = Object.fromEntries(names.map((name) => [name, input(scalarName(name), [])]));
  const updates: Record<string, Tensor> = {};
  parameters.forEach((parameter, i) => {
    const states = Object.fromEntries(
      optimizer
        .states(parameter)
        .map((state) => [state, input(stateName(state, parameter.name), parameter.shape)]),
    );
    const axes = ages?.get(parameter.name);
    const own = axes === undefined ? scalars : { ...scalars, ...agedScalars(optimizer, parameter, axes) };
    const next = optimizer.update(parameter, values[i]!, multiply(raw[i]!, usable), states, own);
    Object.assign(updates, maskedUpdates(masking, parameter.name, select(finite, next.value, values[i]!)));
    for (const [state, old] of Object.entries(states)) {
      updates[stateName(state, parameter.name)] = select(finite, next.states[state]!, old);
    }
  });
  return program({ loss, gradientNorm, finite }, updates);
}
