// Finds where NaN or infinity begins: computes a training step again with a count of bad elements for every named
// tensor, then for every operation in front of the first bad one. Needs no more memory than the step itself.
import type { Architecture } from "../architecture/architecture.ts";
import type { Machine, Store } from "../backend/machine.ts";
import { gradients } from "../tensor/gradient.ts";
import { cast, divide, isFiniteAt, maximum, not } from "../tensor/ops/elementwise.ts";
import { input } from "../tensor/ops/leaf.ts";
import { sum } from "../tensor/ops/reduce.ts";
import { program, programInputs } from "../tensor/program.ts";
import { isFloat, type Node, type Tensor, topologicalOrder } from "../tensor/tensor.ts";
import { globalNorm } from "./clip.ts";
import { lossGraph } from "./lossGraph.ts";
import { maskedInputs } from "./masking.ts";
import type { StepOptions } from "./step.ts";

export interface BadTensor {
  /** e.g. `block.3.attention.output`, `gradient of head.weight`, `parameter head.weight`. */
  readonly name: string;
  /** The first operation in front of it whose result is bad; undefined where the tensor is not computed. */
  readonly operation: string | undefined;
  /** How many of its elements are NaN or infinite. */
  readonly badElements: number;
}

interface Named {
  readonly name: string;
  readonly tensor: Tensor;
}

/** The first bad tensor of the step on the batch in `store`; undefined where all are finite. Changes no state. */
export async function firstBadTensor(
  machine: Machine,
  store: Store,
  architecture: Architecture,
  options: StepOptions,
  states: readonly string[],
): Promise<BadTensor | undefined> {
  const named = namedTensors(architecture, options, store, states);
  const counts = await countBad(
    machine,
    store,
    named.map(({ tensor }) => tensor),
  );
  const first = counts.findIndex((bad) => bad > 0);
  if (first < 0) return undefined;
  const { name, tensor } = named[first]!;
  const good = topologicalOrder(named.slice(0, first).map((earlier) => earlier.tensor));
  const operation = await firstBadOperation(machine, store, tensor, new Set(good));
  return { name, operation, badElements: counts[first]! };
}

/** Everything worth naming, in the order in which a step computes it. */
function namedTensors(
  architecture: Architecture,
  options: StepOptions,
  store: Store,
  states: readonly string[],
): Named[] {
  const { trained: source, seen } = maskedInputs(options.masking);
  const activations: Named[] = [];
  const graph = lossGraph(architecture, seen, options, (name, tensor) => {
    if (isFloat(tensor.dtype)) activations.push({ name, tensor });
  });
  const { objective, count, statistics, boundaries } = graph;
  const told = Object.entries(statistics).map(([name, tensor]) => ({ name, tensor }));
  const mean = divide(objective, maximum(count, 1));
  const parameters = [...source.tensors].map(([name, tensor]) => ({ name, tensor }));
  const known = [...activations, ...parameters];
  const slopes = gradients(
    mean,
    known.map(({ tensor }) => tensor),
    boundaries,
  ).map((tensor, i) => ({
    name: `gradient of ${known[i]!.name}`,
    tensor,
  }));
  // Gradients appear from the loss backwards, in the order their nodes were made.
  slopes.sort((a, b) => a.tensor.node.id - b.tensor.node.id);
  const parameterGradients = slopes.filter(({ name }) =>
    source.tensors.has(name.slice("gradient of ".length)),
  );
  return [
    ...parameters.map(({ name, tensor }) => ({ name: `parameter ${name}`, tensor })),
    ...states.map((name) => ({
      name: `optimiser state ${name}`,
      tensor: input(name, store.type(name)!.shape),
    })),
    ...activations,
    ...told,
    { name: "loss", tensor: mean },
    ...slopes,
    { name: "gradient norm", tensor: globalNorm(parameterGradients.map(({ tensor }) => tensor)) },
  ];
}

async function firstBadOperation(
  machine: Machine,
  store: Store,
  tensor: Tensor,
  good: ReadonlySet<Node>,
): Promise<string | undefined> {
  const suspects = topologicalOrder([tensor])
    .filter((node) => !good.has(node) && node.op.lowering !== "leaf" && node.op.lowering !== "view")
    .flatMap((node) => node.outputs)
    .filter((output) => isFloat(output.dtype));
  if (suspects.length === 0) return undefined;
  const counts = await countBad(machine, store, suspects);
  return suspects[counts.findIndex((bad) => bad > 0)]?.node.op.name;
}

/** For each tensor, how many elements are NaN or infinite. */
async function countBad(machine: Machine, store: Store, tensors: readonly Tensor[]): Promise<number[]> {
  const outputs = tensors.map(
    (tensor, i) => [`bad/${i}`, sum(cast(not(isFiniteAt(tensor)), "f32"))] as const,
  );
  const counting = program(Object.fromEntries(outputs));
  for (const [name, type] of programInputs(counting)) store.allocate(name, type);
  const executable = machine.load(counting);
  try {
    await executable.run(store);
    return outputs.map(([name]) => store.read(name)[0]!);
  } finally {
    executable.dispose();
    for (const [name] of outputs) store.release(name);
  }
}
