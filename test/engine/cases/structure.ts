// Reductions, rearrangements, products, counters and random numbers.
import fc from "fast-check";
import {
  add,
  bernoulli,
  broadcastTo,
  cast,
  concatenate,
  type DType,
  dropout,
  einsum,
  exp,
  fill,
  flip,
  foldIn,
  hold,
  iota,
  less,
  linear,
  literal,
  lowerTriangle,
  matmul,
  max,
  mean,
  min,
  multiply,
  normal,
  pad,
  randomBits,
  reshape,
  select,
  sizeOf,
  slice,
  split,
  square,
  stopGradient,
  sum,
  swapLast,
  type Tensor,
  tanh,
  transpose,
  uniform,
} from "../../../src/tensor/index.ts";
import { uniformValue, type Value } from "../../tensor/harness.ts";
import { randomValue } from "../harness.ts";
import { type Case, few, length, opCase, shapes } from "../suite.ts";

const axesOf = (rank: number, bits: number): number[] =>
  Array.from({ length: rank }, (_, i) => i).filter((i) => (bits >> i) & 1);

const reductions = ([sum, mean, max, min] as const).map((f) =>
  opCase(
    f.name,
    fc.tuple(shapes(0, 4), fc.nat(15), fc.boolean()),
    ([shape, bits, keep]) => ({
      values: (random) => [uniformValue(random, shape)],
      build: (x) => {
        const axes = axesOf(shape.length, bits);
        return [f(x!, axes, keep), f(square(x!), axes, keep), square(f(tanh(x!)))];
      },
    }),
    { float: 1e-4 },
  ),
);

const integerReductions = (["i32", "u32"] as const).map((dtype) =>
  opCase(
    `reductions of ${dtype}`,
    fc.tuple(shapes(0, 4), fc.nat(15), fc.boolean()),
    ([shape, bits, keep]) => ({
      values: (random) => [randomValue(random, shape, dtype)],
      build: (x) => {
        const axes = axesOf(shape.length, bits);
        return [sum(x!, axes, keep), max(x!, axes, keep), add(sum(add(x!, 1), axes, keep), 2)];
      },
    }),
    { derivatives: 0 },
  ),
);

/** A total over everything, long enough for partial sums. */
const longSum = opCase(
  "sums of many numbers",
  fc.tuple(fc.constantFrom(4097, 5000, 8192, 9973), fc.constantFrom(1, 3, 16)),
  ([rows, columns]) => ({
    values: (random) => [uniformValue(random, [rows, columns])],
    build: (x) => [sum(x!), sum(square(x!)), sum(x!, [0]), sum(square(x!), [0]), mean(tanh(x!), [1])],
  }),
  { derivatives: 1, float: 1e-3 },
);

/** What a tensor becomes by a few movements, whatever its dtype. */
function moved(x: Tensor, bits: number): Tensor[] {
  const rank = x.shape.length;
  const axis = bits % Math.max(rank, 1);
  const results = [reshape(x, [sizeOf(x.shape)]), transpose(x), reshape(transpose(x), [-1])];
  if (rank === 0) return [...results, broadcastTo(x, [3, 2])];
  const size = x.shape[axis]!;
  const half = Math.ceil(size / 2);
  results.push(flip(x, [axis]), slice(x, { [axis]: [0, half] }), slice(x, { [axis]: [size - 1, -1, -2] }));
  results.push(concatenate([x, flip(x, [axis]), x], axis), broadcastTo(x, [2, ...x.shape]));
  results.push(
    pad(
      x,
      x.shape.map((_, i) => (bits >> i) & 3),
      x.shape.map((_, i) => (bits >> (i + 2)) & 1),
      1,
    ),
  );
  results.push(...split(x, [half, size - half], axis));
  return results;
}

const movements = (["f32", "i32", "u32", "bool", "f16", "bf16"] as const).map((dtype: DType) =>
  opCase(
    `movements of ${dtype}`,
    fc.tuple(shapes(0, 4, 2000), fc.nat(63)),
    ([shape, bits]) => ({
      values: (random) => [randomValue(random, shape, dtype)],
      build: (x) => moved(x!, bits),
    }),
    { derivatives: dtype === "f32" ? 2 : 0 },
  ),
);

const constants = (["f32", "i32", "u32", "bool", "f16", "bf16"] as const).map((dtype: DType) =>
  opCase(
    `literals, fills and counters of ${dtype}`,
    fc.tuple(shapes(1, 3, 500), fc.nat(2)),
    ([shape, axis]) => ({
      values: () => [],
      build: () => {
        const count = sizeOf(shape);
        const numbers = Array.from({ length: count }, (_, i) =>
          dtype === "bool" ? i % 2 : (i % 11) * (dtype === "f32" ? 0.5 : 1),
        );
        const held = literal(numbers, shape, dtype);
        const counter = iota(shape, axis % shape.length, dtype === "bool" ? "i32" : dtype);
        return [
          held,
          fill(1, shape, dtype),
          counter,
          transpose(held),
          transpose(counter),
          ...moved(fill(1, shape, dtype), 5),
        ];
      },
    }),
    { derivatives: 0 },
  ),
);

const products: readonly Case[] = [
  opCase(
    "matmul",
    fc.tuple(fc.array(few, { maxLength: 2 }), length, length, length),
    ([leading, m, k, p]) => ({
      values: (random) => [
        uniformValue(random, [...leading, m, k]),
        uniformValue(random, [...leading, k, p]),
      ],
      build: (a, b) => matmul(a!, b!),
    }),
    { derivatives: 1 },
  ),
  opCase(
    "matmul of transposes",
    fc.tuple(fc.array(few, { maxLength: 2 }), length, length),
    ([leading, m, k]) => ({
      values: (random) => [
        uniformValue(random, [...leading, m, k]),
        uniformValue(random, [...leading, m, k]),
      ],
      build: (a, b) => [matmul(a!, swapLast(b!)), matmul(swapLast(a!), b!), matmul(a!, swapLast(a!))],
    }),
    { derivatives: 1, float: 1e-4 },
  ),
  opCase(
    "linear, then added to",
    fc.tuple(shapes(1, 3, 3000), length),
    ([shape, columns]) => ({
      values: (random) => [
        uniformValue(random, shape),
        uniformValue(random, [shape.at(-1)!, columns]),
        uniformValue(random, [...shape.slice(0, -1), columns]),
        uniformValue(random, [columns]),
      ],
      build: (x, w, y, b) => {
        const product = linear(x!, w!);
        return [add(product, y!), add(b!, linear(tanh(x!), w!)), add(linear(x!, w!), linear(square(x!), w!))];
      },
    }),
    { derivatives: 1, float: 1e-4 },
  ),
  ...[
    "ab,bc->ac",
    "ab,cb->ca",
    "abc,cbd->dab",
    "abcd,bd->cab",
    "a,b->ab",
    "ab,ab->ab",
    "ab,ab->",
    "abcd,adcb->ca",
    "abcd,aecd->abe",
  ].map((notation) =>
    opCase(
      `einsum ${notation}`,
      fc.tuple(length, few, few, length, few),
      (sizes) => {
        const [left, right] = notation.split(/,|->/) as [string, string];
        const shape = (letters: string) => [...letters].map((letter) => sizes["abcde".indexOf(letter)]!);
        return {
          values: (random) => [uniformValue(random, shape(left)), uniformValue(random, shape(right))],
          build: (x, y) => einsum(notation, x!, y!),
        };
      },
      { derivatives: 1, float: 1e-4 },
    ),
  ),
  opCase("lowerTriangle", fc.tuple(fc.array(few, { maxLength: 2 }), length), ([leading, n]) => ({
    values: (random) => [uniformValue(random, [...leading, n, n])],
    build: (x) => [lowerTriangle(x!), lowerTriangle(square(x!), { strict: true })],
  })),
];

const key = (random: () => number): Value => ({
  shape: [2],
  dtype: "u32",
  data: Float64Array.from([2 ** 32 * random(), 2 ** 32 * random()], Math.floor),
});

const randomness: readonly Case[] = [
  opCase(
    "random bits",
    shapes(0, 3),
    (shape) => ({
      values: (random) => [key(random)],
      build: (k) => [
        randomBits(k!, shape),
        uniform(k!, shape),
        foldIn(k!, 3),
        add(randomBits(foldIn(k!, 7), shape), 1),
      ],
    }),
    { derivatives: 0 },
  ),
  opCase(
    "normal numbers",
    shapes(0, 3),
    (shape) => ({
      values: (random) => [key(random)],
      build: (k) => normal(k!, shape),
    }),
    { derivatives: 0 },
  ),
  opCase("dropout and bernoulli", shapes(1, 3), (shape) => ({
    values: (random) => [key(random), uniformValue(random, shape)],
    build: (k, x) => [
      dropout(x!, k!, 0.3),
      cast(bernoulli(foldIn(k!, 1), 0.4, shape), "f32"),
      mean(dropout(exp(x!), k!, 0.5), [-1]),
    ],
  })),
];

/** Maxima of what is computed again elsewhere: the gradient finds them by equality. */
const recomputed = opCase(
  "a maximum of sums of products",
  fc.tuple(length, length),
  ([rows, columns]) => ({
    values: (random) => [
      uniformValue(random, [rows, columns]),
      uniformValue(random, [columns]),
      uniformValue(random, [columns]),
    ],
    build: (x, a, b) => {
      const y = add(multiply(x!, a!), b!);
      const top = max(y, [1], true);
      return [
        max(y, [1]),
        max(y, [0]),
        select(less(y, top), y, 0),
        add(y, stopGradient(max(y, [0, 1], true))),
      ];
    },
  }),
  { derivatives: 1 },
);

const held = opCase("hold", fc.tuple(shapes(0, 4), shapes(0, 2)), ([shape, other]) => ({
  values: (random) => [uniformValue(random, shape), uniformValue(random, other)],
  build: (x, y) => {
    const once = tanh(x!);
    const again = tanh(hold(x!, sum(y!)));
    return [once, multiply(once, again), hold(transpose(once), y!), hold(square(y!), again)];
  },
}));

export const structureCases: readonly Case[] = [
  held,
  ...reductions,
  ...integerReductions,
  longSum,
  ...movements,
  ...constants,
  ...products,
  ...randomness,
  recomputed,
];
