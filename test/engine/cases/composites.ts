// Composites: kernels held to their definitions, values and derivatives.
import fc from "fast-check";
import {
  type AttentionOptions,
  add,
  attention,
  broadcastTo,
  crossEntropies,
  crossEntropy,
  headConvolution,
  iota,
  layerNorm,
  linear,
  logSoftmax,
  logSumExp,
  longConvolution,
  matrixRecurrence,
  meanSquaredError,
  multiply,
  reshape,
  rmsNorm,
  rotary,
  rotaryTables,
  selectiveScan,
  shortConvolution,
  shortConvolutionGradient,
  silu,
  slice,
  softmax,
  swapLast,
  type Tensor,
  tanh,
  transpose,
} from "../../../src/tensor/index.ts";
import { uniformValue, value, wholeValue } from "../../tensor/harness.ts";
import { type Case, few, length, opCase, shapes } from "../suite.ts";

const rows = shapes(1, 3, 4000);

const norms: readonly Case[] = [
  opCase(
    "layerNorm",
    rows,
    (shape) => ({
      values: (random) => [
        uniformValue(random, shape),
        uniformValue(random, shape.slice(-1)),
        uniformValue(random, shape.slice(-1)),
      ],
      build: (x, scale, bias) => [
        layerNorm(x!, scale!, bias!, 0.01),
        layerNorm(tanh(x!), undefined, undefined, 0.01),
      ],
    }),
    { float: 2e-4 },
  ),
  opCase(
    "rmsNorm",
    rows,
    (shape) => ({
      values: (random) => [uniformValue(random, shape), uniformValue(random, shape.slice(-1))],
      build: (x, scale) => [rmsNorm(x!, scale!, 0.01), add(x!, rmsNorm(multiply(x!, x!), undefined, 0.01))],
    }),
    { float: 2e-4 },
  ),
  opCase(
    "softmax, its logarithm and logSumExp",
    rows,
    (shape) => ({
      values: (random) => [uniformValue(random, shape, -8, 8)],
      build: (x) => [softmax(x!), logSoftmax(x!), logSumExp(x!), softmax(multiply(x!, 0.1))],
    }),
    { float: 1e-4 },
  ),
];

const losses: readonly Case[] = [
  opCase(
    "crossEntropy",
    fc.tuple(length, length),
    ([count, classes]) => ({
      values: (random) => [
        uniformValue(random, [count, classes], -4, 4),
        wholeValue(random, [count], -1, classes),
      ],
      build: (logits, targets) => {
        const { loss, count: counted } = crossEntropy(logits!, targets!);
        return [
          loss,
          counted,
          crossEntropies(logits!, targets!),
          crossEntropy(multiply(logits!, 2), targets!).loss,
        ];
      },
    }),
    { float: 1e-4 },
  ),
  opCase("meanSquaredError", rows, (shape) => ({
    values: (random) => [uniformValue(random, shape), uniformValue(random, shape)],
    build: (x, y) => meanSquaredError(x!, y!),
  })),
];

interface Heads {
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly keyHeads: number;
  readonly group: number;
  readonly width: number;
  readonly valueWidth: number;
  readonly causal: boolean;
  readonly window: number | undefined;
  readonly offset: number | undefined;
}

const heads: fc.Arbitrary<Heads> = fc.record({
  batch: few,
  queries: fc.constantFrom(1, 2, 5, 8, 17, 33),
  keys: fc.constantFrom(1, 3, 8, 16, 33, 40),
  keyHeads: fc.constantFrom(1, 2, 3),
  group: fc.constantFrom(1, 2, 4),
  width: fc.constantFrom(1, 3, 4, 8, 16, 17),
  valueWidth: fc.constantFrom(1, 4, 5, 16),
  causal: fc.boolean(),
  window: fc.constantFrom(undefined, undefined, 1, 3, 20),
  offset: fc.constantFrom(undefined, undefined, -3, 0, 2, 9),
});

function options({ causal, window }: Heads, offset: Tensor | undefined): AttentionOptions {
  return { causal, ...(window === undefined ? {} : { window }), ...(offset === undefined ? {} : { offset }) };
}

function attentionSetting(of: Heads) {
  const { batch, queries, keys, keyHeads, group, width, valueWidth, offset } = of;
  return (random: () => number) => [
    uniformValue(random, [batch, queries, keyHeads * group, width], -2, 2),
    uniformValue(random, [batch, keys, keyHeads, width], -2, 2),
    uniformValue(random, [batch, keys, keyHeads, valueWidth]),
    ...(offset === undefined ? [] : [value([offset], [], "i32")]),
  ];
}

/** Many rows of a batch, so that attention runs with its neighbours. */
const chained = heads.map(
  (of): Heads => ({
    ...of,
    batch: 32,
    queries: Math.min(of.queries, 5),
    keys: Math.min(of.keys, 8),
    group: 1,
  }),
);

const attentions: readonly Case[] = [
  opCase(
    "attention",
    heads,
    (of) => ({
      values: attentionSetting(of),
      build: (q, k, v, offset) => attention(q!, k!, v!, options(of, offset)).out,
    }),
    { float: 2e-4 },
  ),
  opCase(
    "attention with its logSumExp",
    heads,
    (of) => ({
      values: attentionSetting({ ...of, offset: undefined, window: undefined }),
      build: (q, k, v, offset) =>
        Object.values(attention(q!, k!, v!, { ...options(of, offset), scale: 0.3, causal: false })),
    }),
    { derivatives: 1, float: 2e-4 },
  ),
  opCase(
    "attention between its projections",
    chained,
    (of) => ({
      values: attentionSetting({ ...of, offset: undefined }),
      build: (q, k, v, offset) => {
        const { out } = attention(tanh(q!), multiply(k!, 0.5), silu(v!), options(of, offset));
        return tanh(out);
      },
    }),
    { derivatives: 1, float: 2e-4 },
  ),
  opCase(
    "attention within a block",
    fc.tuple(fc.constantFrom(1, 2, 32), fc.constantFrom(3, 16, 20), few, fc.constantFrom(2, 4, 8)),
    ([batch, time, count, width]) => ({
      values: (random) => [
        uniformValue(random, [batch, time, count * width]),
        uniformValue(random, [count * width, 3 * count * width], -0.5, 0.5),
        uniformValue(random, [count * width, count * width], -0.5, 0.5),
      ],
      build: (x, w, out) => {
        const all = reshape(linear(layerNorm(x!, undefined, undefined, 0.1), w!), [
          batch,
          time,
          3,
          count,
          width,
        ]);
        const [q, k, v] = [0, 1, 2].map((i) => {
          const moved = transpose(all, [2, 0, 1, 3, 4]);
          return reshape(sliceFirst(moved, i), [batch, time, count, width]);
        }) as [Tensor, Tensor, Tensor];
        const { cosines, sines } = rotaryTables(positions(time), width);
        const mixed = attention(rotary(q, cosines, sines), rotary(k, cosines, sines), v, {
          causal: true,
        }).out;
        return add(x!, linear(reshape(mixed, [batch, time, count * width]), out!));
      },
    }),
    { derivatives: 1, float: 5e-4 },
  ),
];

const sliceFirst = (x: Tensor, i: number): Tensor => slice(x, { 0: [i, i + 1] });
const positions = (time: number): Tensor => iota([time], 0);

const positionCases: readonly Case[] = [
  opCase(
    "rotary",
    fc.tuple(few, length, few, fc.constantFrom(2, 4, 6, 16, 34)),
    ([batch, time, count, width]) => ({
      values: (random) => [
        uniformValue(random, [batch, time, count, width]),
        uniformValue(random, [time, width / 2]),
        uniformValue(random, [time, width / 2]),
      ],
      build: (x, cosines, sines) => [rotary(x!, cosines!, sines!), rotary(tanh(x!), sines!, cosines!)],
    }),
  ),
  opCase(
    "rotaryTables",
    fc.tuple(length, fc.constantFrom(2, 4, 16)),
    ([time, width]) => ({
      values: (random) => [wholeValue(random, [time], 0, 3000)],
      build: (at) => Object.values(rotaryTables(at!, width)),
    }),
    { derivatives: 0, float: 5e-4 },
  ),
];

const convolutions: readonly Case[] = [
  opCase(
    "longConvolution",
    fc.tuple(few, fc.constantFrom(1, 3, 8, 17), length),
    ([batch, width, time]) => ({
      values: (random) => [uniformValue(random, [batch, time, width]), uniformValue(random, [time, width])],
      build: (x, kernel) => longConvolution(x!, kernel!),
    }),
    { float: 2e-4 },
  ),
  opCase(
    "longConvolution of columns in time",
    fc.tuple(few, fc.constantFrom(1, 3, 8, 17), length),
    ([batch, width, time]) => ({
      values: (random) => [uniformValue(random, [batch, width, time]), uniformValue(random, [width, time])],
      build: (x, kernel) => swapLast(longConvolution(swapLast(x!), swapLast(kernel!))),
    }),
    { derivatives: 1, float: 2e-4 },
  ),
  opCase(
    "headConvolution",
    fc.tuple(few, length, fc.constantFrom(1, 3), fc.constantFrom(1, 2, 5, 17)),
    ([batch, time, heads, head]) => ({
      values: (random) => [
        ...[0, 1, 2].map(() => uniformValue(random, [batch, time, heads * head])),
        uniformValue(random, [time, heads]),
      ],
      build: (query, key, value, kernel) => headConvolution(query!, key!, value!, kernel!),
    }),
    { float: 5e-4 },
  ),
  // Longer, and never without elements: the gradient's kernel runs in every setting.
  opCase(
    "headConvolution over more tokens",
    fc.tuple(fc.constantFrom(2, 3), fc.constantFrom(40, 65), fc.constantFrom(1, 2), fc.constantFrom(2, 9)),
    ([batch, time, heads, head]) => ({
      values: (random) => [
        ...[0, 1, 2].map(() => uniformValue(random, [batch, time, heads * head])),
        uniformValue(random, [time, heads]),
      ],
      build: (query, key, value, kernel) => headConvolution(query!, key!, value!, kernel!),
    }),
    { derivatives: 1, float: 5e-4 },
  ),
  opCase(
    "shortConvolution",
    fc.tuple(few, length, length, fc.constantFrom(1, 2, 3, 4, 9)),
    ([batch, time, width, taps]) => ({
      values: (random) => [uniformValue(random, [batch, time, width]), uniformValue(random, [taps, width])],
      build: (x, kernel) => [shortConvolution(x!, kernel!), silu(shortConvolution(silu(x!), tanh(kernel!)))],
    }),
    { float: 1e-4 },
  ),
  opCase(
    "shortConvolutionGradient",
    fc.tuple(few, length, length, fc.constantFrom(1, 3, 4)),
    ([batch, time, width, taps]) => ({
      values: (random) => [
        uniformValue(random, [batch, time, width]),
        uniformValue(random, [taps, width]),
        uniformValue(random, [batch, time, width]),
      ],
      build: (x, kernel, g) => shortConvolutionGradient(x!, kernel!, g!),
    }),
    { float: 1e-4 },
  ),
];

// Longer than a chunk of the kernel, wider than a group of features, states in and out of the registers' number. Without
// the last state among the results the gradient has a kernel of its own.
const selectiveScans = [false, true].map((ends) =>
  opCase(
    ends ? "selectiveScan with its last state" : "selectiveScan",
    fc.tuple(
      few,
      fc.constantFrom(1, 2, 9, 32, 33, 70),
      fc.constantFrom(1, 3, 16, 20, 65, 131),
      fc.constantFrom(1, 3, 8, 9, 16),
    ),
    ([batch, time, width, states]) => ({
      values: (random) => [
        uniformValue(random, [batch, time, width], 0, 1),
        uniformValue(random, [batch, time, width]),
        uniformValue(random, [states, width], -3, 0),
        uniformValue(random, [batch, time, states]),
        uniformValue(random, [batch, time, 2 * states]),
      ],
      build: (delta, u, rates, write, wide) => {
        const read = slice(wide!, { 2: [states, 2 * states] });
        const { y, state } = selectiveScan({ delta: delta!, u: u!, rates: rates!, write: write!, read });
        return ends ? [y, state] : y;
      },
    }),
    { float: 2e-4 },
  ),
);
const matrixRecurrences: readonly Case[] = [
  opCase(
    "matrixRecurrence",
    fc.tuple(few, fc.constantFrom(1, 5, 32, 33, 65), few, fc.constantFrom(1, 3, 8, 17), few, fc.boolean()),
    ([batch, time, heads, width, valueWidth, readsBefore]) => ({
      values: (random) => [
        uniformValue(random, [batch, time, heads, width]),
        uniformValue(random, [batch, time, heads, width]),
        uniformValue(random, [batch, time, heads, valueWidth]),
        uniformValue(random, [batch, time, heads, width], 0, 1),
      ],
      build: (q, k, v, a) => matrixRecurrence(q!, k!, v!, a!, { readsBefore }).out,
    }),
    { float: 2e-4 },
  ),
  opCase(
    "matrixRecurrence with one decay for all tokens",
    fc.tuple(few, fc.constantFrom(1, 5, 33), few, fc.constantFrom(1, 3, 17), few),
    ([batch, time, heads, width, valueWidth]) => ({
      values: (random) => [
        uniformValue(random, [batch, heads, time, width]),
        uniformValue(random, [batch, time, heads, valueWidth]),
        uniformValue(random, [heads, width], 0, 1),
      ],
      // One tensor as queries and keys, its heads before its tokens.
      build: (x, v, a) => {
        const keys = transpose(x!, [0, 2, 1, 3]);
        const { out, last } = matrixRecurrence(keys, keys, v!, broadcastTo(a!, keys.shape));
        return [out, last];
      },
    }),
    { derivatives: 1, float: 2e-4 },
  ),
];

export const compositeCases: readonly Case[] = [
  ...norms,
  ...losses,
  ...attentions,
  ...positionCases,
  ...convolutions,
  ...selectiveScans,
  ...matrixRecurrences,
];
