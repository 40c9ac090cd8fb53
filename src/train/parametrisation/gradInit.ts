// First values that learn well: a scale for each parameter, chosen so that one step of Adam lowers the loss as far as it may
// (Zhu et al. 2021, "GradInit", algorithm 1). Knows no schedule and no folder.
import type { Architecture } from "../../architecture/schema.ts";
import type { Machine, Store } from "../../backend/machine.ts";
import type { InputSource, ParameterDeclaration, Parameters } from "../../nn/parameters.ts";
import { gradients } from "../../tensor/gradient.ts";
import { abs, add, divide, less, maximum, multiply, select, subtract } from "../../tensor/ops/elementwise.ts";
import { input } from "../../tensor/ops/leaf.ts";
import { sum } from "../../tensor/ops/reduce.ts";
import { type Program, program, programInputs } from "../../tensor/program.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { lossGraph } from "../lossGraph.ts";
import { batchName, randomKeyName } from "../names.ts";
import type { TrainerBatch } from "../objectives/objective.ts";
import type { StepOptions } from "../step.ts";
import type { Parametrisation } from "./settings.ts";

export interface GradInitOptions {
  readonly machine: Machine;
  readonly architecture: Architecture;
  /** Of the training that follows. */
  readonly step: StepOptions;
  readonly settings: Extract<Parametrisation, { readonly kind: "gradinit" }>;
  /** The learning rate of the step that is to lower the loss. */
  readonly rate: number;
  readonly parameters: Parameters;
  /** Holds the parameters' first values; they are scaled here. */
  readonly store: Store;
  /** Of a step, from 0; overwritten by the next. */
  readonly batchAt: (step: number) => TrainerBatch;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
}

/** The scale of every parameter but biases, which begin at zeros: those values are in the store, too. */
export async function gradInit(options: GradInitOptions): Promise<ReadonlyMap<string, number>> {
  const { machine, settings, rate, batchAt, signal, seed } = options;
  const { gradientNorm, iterations, least } = settings;
  const store = machine.createStore();
  const first = gradientProgram(options);
  const second = steppedProgram(options);
  const loaded = [first, second].map((each) => {
    for (const [name, type] of programInputs(each)) store.allocate(name, type);
    return machine.load(each);
  });
  const names = scaledNames(options.parameters);
  try {
    for (const name of options.parameters.keys()) store.write(name, options.store.read(name));
    const scales = new Map(names.map((name) => [name, 1]));
    const adam = createAdam(names.length, settings.rate);
    const run = async (which: 0 | 1, step: number) => {
      for (const [name, values] of Object.entries(batchAt(step))) store.write(batchName(name), values);
      if (store.type(randomKeyName) !== undefined) store.write(randomKeyName, [seed >>> 0, step]);
      await loaded[which]!.run(store);
      return names.map((name) => store.read(slopeName(which, name))[0]!);
    };
    for (let iteration = 0; iteration < iterations && !signal?.aborted; iteration++) {
      for (const [name, scale] of scales) store.write(scaleName(name), [scale]);
      const shrinking = await run(0, 2 * iteration);
      const isTooSteep = rate * store.read(normName)[0]! > gradientNorm;
      const slopes = isTooSteep ? shrinking : await run(1, 2 * iteration + 1);
      // A step from a bad place can go out of bounds; the next batch is another chance.
      if (!slopes.every(Number.isFinite)) continue;
      adam(slopes).forEach((change, i) => {
        const name = names[i]!;
        scales.set(name, Math.max(least, scales.get(name)! - change));
      });
    }
    for (const [name, scale] of scales) {
      options.store.write(
        name,
        Array.from(options.store.read(name), (value) => scale * value),
      );
    }
    return scales;
  } finally {
    for (const executable of loaded) executable.dispose();
    for (const name of store.names()) store.release(name);
  }
}

const normName = "gradInit/norm";
const scaleName = (name: string): string => `gradInit/scale/${name}`;
const gradientName = (name: string): string => `gradInit/gradient/${name}`;
const slopeName = (which: 0 | 1, name: string): string => `gradInit/slope${which}/${name}`;

function scaledNames(parameters: Parameters): string[] {
  return [...parameters].flatMap(([name, { role }]) => (role === "bias" ? [] : [name]));
}

/** A source of scaled parameters, changed by `change`. */
function scaledSource(
  scales: Map<string, Tensor>,
  change: (name: string, scaled: Tensor) => Tensor,
): InputSource {
  const declared = new Map<string, ParameterDeclaration>();
  const tensors = new Map<string, Tensor>();
  return {
    declared,
    tensors,
    parameter(name, declaration) {
      const known = tensors.get(name);
      if (known !== undefined) return known;
      const stored = input(name, declaration.shape);
      const scale = declaration.role === "bias" ? undefined : input(scaleName(name), []);
      if (scale !== undefined) scales.set(name, scale);
      const tensor = change(name, scale === undefined ? stored : multiply(stored, scale));
      declared.set(name, declaration);
      tensors.set(name, tensor);
      return tensor;
    },
  };
}

function meanLoss({ architecture, step }: GradInitOptions, source: InputSource): Tensor {
  const certain = { ...architecture, dropout: 0, stochasticDepth: 0 };
  const { objective, count } = lossGraph(certain, source, {
    ...step,
    microBatches: 1,
    recompute: 0,
    lossParts: 1,
  });
  return divide(objective, maximum(count, 1));
}

function slopesOf(which: 0 | 1, of: Tensor, scales: ReadonlyMap<string, Tensor>): Record<string, Tensor> {
  const slopes = gradients(of, [...scales.values()]);
  return Object.fromEntries([...scales.keys()].map((name, i) => [slopeName(which, name), slopes[i]!]));
}

/** The gradient of the loss, the sum of its absolute values, and how that goes by the scales. */
function gradientProgram(options: GradInitOptions): Program {
  const scales = new Map<string, Tensor>();
  const source = scaledSource(scales, (_, scaled) => scaled);
  const loss = meanLoss(options, source);
  const slopes = gradients(loss, [...source.tensors.values()]);
  const norm = slopes.map((slope) => sum(abs(slope))).reduce(add);
  const named = [...source.tensors.keys()].map((name, i) => [gradientName(name), slopes[i]!]);
  return program({ [normName]: norm, ...Object.fromEntries(named), ...slopesOf(0, norm, scales) });
}

/** How the loss after Adam's first step, by the sign of that gradient, goes by the scales. */
function steppedProgram(options: GradInitOptions): Program {
  const scales = new Map<string, Tensor>();
  const source = scaledSource(scales, (name, scaled) => {
    const gradient = input(gradientName(name), scaled.shape);
    const sign = subtract(select(less(0, gradient), 1, 0), select(less(gradient, 0), 1, 0));
    return subtract(scaled, multiply(sign, options.rate));
  });
  return program(slopesOf(1, meanLoss(options, source), scales));
}

/** Adam on so many numbers: what each update takes off them. */
function createAdam(count: number, rate: number): (slopes: readonly number[]) => number[] {
  const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8];
  const [means, squares] = [new Float64Array(count), new Float64Array(count)];
  let update = 0;
  return (slopes) => {
    update++;
    return slopes.map((slope, i) => {
      const mean = beta1 * means[i]! + (1 - beta1) * slope;
      const square = beta2 * squares[i]! + (1 - beta2) * slope ** 2;
      means[i] = mean;
      squares[i] = square;
      const deviation = Math.sqrt(square / (1 - beta2 ** update)) + epsilon;
      return (rate * mean) / (1 - beta1 ** update) / deviation;
    });
  };
}
