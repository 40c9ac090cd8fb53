// The fixed programs of the self-test: together they run every kernel. Knows no machine.
// B batch, T length, D width.
import { defineArchitecture } from "../../architecture/architecture.ts";
import {
  abs,
  add,
  addAlong,
  cast,
  cumulativeSum,
  dynamicSlice,
  dynamicUpdate,
  erf,
  exp,
  gradients,
  groupedProduct,
  headConvolution,
  input,
  layerNorm,
  linearRecurrence,
  literal,
  log,
  longConvolution,
  matmul,
  matrixRecurrence,
  mean,
  multiply,
  type Program,
  program,
  randomBits,
  scan,
  selectiveScan,
  shiftRight,
  shortConvolution,
  sine,
  softmax,
  sort,
  square,
  swapLast,
  type Tensor,
  takeAlong,
  tanh,
  topK,
  triangularSolve,
} from "../../tensor/index.ts";
import { batchName, randomKeyName, scalarName, stateName } from "../names.ts";
import { createOptimizer } from "../optimizers.ts";
import { trainingStep } from "../step.ts";

/** A program, where its inputs lie, and how far its results may be from the reference. */
export interface SelfTestProgram {
  readonly name: string;
  readonly program: () => Program;
  /** Inputs are drawn from [low, high); by name, default [-1, 1). */
  readonly ranges?: Readonly<Record<string, readonly [low: number, high: number]>>;
  /** Inputs that are not drawn. */
  readonly values?: Readonly<Record<string, readonly number[]>>;
  /** Largest error of a result, relative to its largest value; whole numbers and truth values must be equal. */
  readonly tolerance: number;
}

export const selfTestPrograms: readonly SelfTestProgram[] = [
  decoderStep(),
  {
    name: "products",
    program: () => {
      const [a, b, c] = [input("a", [65, 131]), input("b", [131, 97]), input("c", [3, 40, 65])];
      return program({
        product: matmul(a, b),
        batched: matmul(c, swapLast(tanh(c))),
        transposed: matmul(swapLast(b), swapLast(a)),
      });
    },
    tolerance: 1e-5,
  },
  {
    name: "functions",
    program: () => {
      const x = input("x", [37, 129]);
      return program({
        exponential: exp(x),
        logarithm: log(add(abs(x), 0.1)),
        sine: sine(multiply(x, 20)),
        hyperbolic: tanh(x),
        error: erf(x),
        softmax: softmax(x),
        norm: layerNorm(x),
      });
    },
    tolerance: 1e-5,
  },
  {
    name: "convolutions",
    program: () =>
      withGradients(
        [input("x", [2, 33, 100]), input("long", [33, 100]), input("short", [4, 100])],
        (x, l, s) => [longConvolution(x!, l!), shortConvolution(x!, s!)],
      ),
    tolerance: 1e-4,
  },
  {
    name: "convolutions of heads",
    program: () =>
      withGradients(
        [...["query", "key", "value"].map((name) => input(name, [2, 100, 34])), input("kernel", [100, 2])],
        (query, key, value, kernel) => [headConvolution(query!, key!, value!, kernel!)],
      ),
    tolerance: 1e-4,
  },
  {
    name: "recurrences",
    program: () =>
      withGradients(
        [input("decay", [2, 70, 33]), input("x", [2, 70, 33]), input("first", [2, 33])],
        (decay, x, first) => [linearRecurrence(decay!, x!, first!), cumulativeSum(x!)],
      ),
    ranges: { decay: [0, 1] },
    tolerance: 1e-4,
  },
  {
    name: "selective recurrences",
    program: () => {
      const [tokens, states] = [
        [2, 40, 33],
        [2, 40, 16],
      ];
      return withGradients(
        [input("delta", tokens!), input("u", tokens!), input("rates", [16, 33])].concat(
          ["write", "read"].map((name) => input(name, states!)),
        ),
        (delta, u, rates, write, read) => [
          selectiveScan({ delta: delta!, u: u!, rates: rates!, write: write!, read: read! }).y,
        ],
      );
    },
    ranges: { delta: [0, 1], rates: [-3, 0] },
    tolerance: 1e-4,
  },
  {
    name: "recurrences of matrices",
    program: () => {
      const [keys, values] = [
        [2, 40, 2, 20],
        [2, 40, 2, 9],
      ];
      return withGradients(
        [input("q", keys!), input("k", keys!), input("v", values!), input("decay", keys!)],
        (q, k, v, decay) => [matrixRecurrence(q!, k!, v!, decay!).out],
      );
    },
    ranges: { decay: [0, 1] },
    tolerance: 1e-4,
  },
  {
    name: "loops",
    program: () =>
      withGradients(
        [input("x", [20, 3, 24]), input("w", [24, 24]), input("first", [3, 24])],
        (x, w, first) => {
          const { carries, outputs } = scan(
            { length: 20, carries: [first!], sequences: [x!] },
            ([h], [at]) => {
              const next = tanh(add(matmul(h!, w!), at!));
              return { carries: [next], outputs: [square(next)] };
            },
          );
          return [...carries, ...outputs];
        },
      ),
    ranges: { w: [-0.3, 0.3] },
    tolerance: 1e-4,
  },
  {
    name: "sorting",
    program: () => {
      const x = input("x", [9, 150]);
      const { values, indices } = sort(x);
      const top = topK(x, 5);
      return program({
        ...{ values, indices, taken: takeAlong(x, indices) },
        added: addAlong(top.indices, top.values, 150),
      });
    },
    tolerance: 1e-6,
  },
  {
    name: "experts",
    program: () =>
      withGradients([input("x", [50, 24]), input("w", [4, 24, 40])], (x, w) => [
        groupedProduct(x!, w!, literal([0, 7, 7, 30, 50], [5], "i32")),
      ]),
    tolerance: 1e-4,
  },
  {
    name: "triangular systems",
    program: () => program({ x: triangularSolve(input("l", [3, 30, 30]), input("b", [3, 30, 5])) }),
    ranges: { l: [0.5, 1] },
    tolerance: 1e-3,
  },
  {
    name: "caches",
    program: () => {
      const [cache, position] = [input("cache", [2, 40, 24]), input("position", [], "i32")];
      const next = dynamicUpdate(cache, input("next", [2, 1, 24]), { 1: position });
      return program({ seen: dynamicSlice(next, { 1: position }, { 1: 3 }) }, { cache: next });
    },
    values: { position: [17] },
    tolerance: 1e-6,
  },
  {
    name: "random numbers",
    program: () => {
      const bits = randomBits(input("key", [2], "u32"), [999]);
      return program({ bits, halves: cast(cast(cast(shiftRight(bits, 8), "f32"), "bf16"), "f32") });
    },
    values: { key: [123456789, 987654321] },
    tolerance: 1e-6,
  },
];

/** One step of a decoder some way into its training: attention, rotary positions, SwiGLU, RMS norm, dropout, AdamW. */
function decoderStep(): SelfTestProgram {
  const optimizer = createOptimizer("adamw");
  const architecture = defineArchitecture({
    ...{ vocabulary: 29, length: 24, width: 32, layers: 2, heads: 4, kvHeads: 2 },
    ...{ activation: "swiglu", positions: "rope", norm: "rms", dropout: 0.1 },
  });
  const step = () =>
    trainingStep(architecture, {
      ...{ optimizer, batch: 4, length: architecture.length, microBatches: 1, clip: 1, decay: "matrices" },
    });
  const variances = step().parameters.map(({ name }) => stateName("variance", name));
  return {
    name: "a training step",
    program: () => step().update,
    ranges: {
      ...Object.fromEntries(variances.map((name) => [name, [0, 0.01] as const])),
      [batchName("inputs")]: [0, 29],
      [batchName("targets")]: [-1, 29],
      [randomKeyName]: [0, 2 ** 31],
    },
    values: Object.fromEntries(
      Object.entries(optimizer.scalars(100, 1e-2)).map(([name, value]) => [scalarName(name), [value]]),
    ),
    tolerance: 1e-4,
  };
}

/** The results of `apply`, and the gradients of their mean squares with respect to the inputs. */
function withGradients(
  inputs: readonly Tensor[],
  apply: (...inputs: Tensor[]) => readonly Tensor[],
): Program {
  const results = apply(...inputs);
  const loss = results.map((result) => mean(square(result))).reduce(add);
  const found = gradients(loss, inputs);
  return program({
    ...Object.fromEntries(results.map((result, i) => [`result ${i}`, result])),
    ...Object.fromEntries(found.map((gradient, i) => [`gradient ${i}`, gradient])),
  });
}
