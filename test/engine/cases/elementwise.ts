// Every scalar function on every dtype it takes, and broadcasting on either side.
import fc from "fast-check";
import {
  abs,
  add,
  and,
  cast,
  cosine,
  type DType,
  divide,
  equal,
  erf,
  exp,
  floor,
  gelu,
  geluTanh,
  greater,
  greaterEqual,
  isFiniteAt,
  less,
  lessEqual,
  log,
  maximum,
  minimum,
  multiply,
  negate,
  not,
  notEqual,
  or,
  power,
  reciprocal,
  relu,
  round,
  select,
  shiftLeft,
  shiftRight,
  sigmoid,
  sign,
  silu,
  sine,
  sqrt,
  square,
  squaredRelu,
  stopGradient,
  subtract,
  swiglu,
  type Tensor,
  tanh,
  xor,
} from "../../../src/tensor/index.ts";
import { uniformValue, type Value, value } from "../../tensor/harness.ts";
import { randomValue } from "../harness.ts";
import { broadcasts, type Case, opCase, shapes } from "../suite.ts";

const anywhere = { low: -3, high: 3 };
const unary: Readonly<
  Record<string, { f: (x: Tensor) => Tensor; low: number; high: number; float?: number }>
> = {
  negate: { f: negate, ...anywhere },
  abs: { f: abs, ...anywhere },
  sign: { f: sign, ...anywhere },
  floor: { f: floor, ...anywhere },
  round: { f: (x) => round(multiply(x, 2)), ...anywhere },
  exp: { f: exp, ...anywhere },
  log: { f: log, low: 0.1, high: 5 },
  sqrt: { f: sqrt, low: 0.1, high: 5 },
  reciprocal: { f: reciprocal, low: 0.3, high: 5 },
  sine: { f: sine, low: -20, high: 20 },
  cosine: { f: cosine, low: -20, high: 20 },
  tanh: { f: tanh, ...anywhere },
  sigmoid: { f: sigmoid, ...anywhere },
  erf: { f: erf, ...anywhere },
  square: { f: square, ...anywhere },
  stopGradient: { f: (x) => multiply(stopGradient(x), x), ...anywhere },
  relu: { f: relu, ...anywhere },
  squaredRelu: { f: squaredRelu, ...anywhere },
  silu: { f: silu, ...anywhere },
  gelu: { f: gelu, ...anywhere },
  geluTanh: { f: geluTanh, ...anywhere },
  powers: { f: (x) => add(power(x, 2), add(power(x, 3), power(x, 1))), low: 0.2, high: 3 },
};

const positiveOnly = (name: string) =>
  name === "log" || name === "sqrt" || name === "reciprocal" || name === "powers";

const unaryCases = Object.entries(unary).map(([name, { f, low, high }]) =>
  opCase(name, shapes(0, 4), (shape) => ({
    values: (random) => [uniformValue(random, shape, low, high)],
    build: (x) => f(positiveOnly(name) ? add(abs(x!), 0.05) : x!),
  })),
);

const binary: Readonly<Record<string, (x: Tensor, y: Tensor) => Tensor>> = {
  add,
  subtract,
  multiply,
  divide: (x, y) => divide(x, add(square(y), 0.5)),
  power: (x, y) => power(add(abs(x), 0.2), y),
  maximum,
  minimum,
  swiglu,
};

const binaryCases = Object.entries(binary).map(([name, f]) =>
  opCase(`${name} with broadcasting`, broadcasts, ([left, right]) => ({
    values: (random) => [uniformValue(random, left, -2, 2), uniformValue(random, right, -2, 2)],
    build: (x, y) => f(x!, y!),
  })),
);

const comparisons = { equal, notEqual, less, lessEqual, greater, greaterEqual };
const dtypes = ["f32", "i32", "u32"] as const;

/** Few different numbers, so that some are equal. */
function coarse(random: () => number, shape: readonly number[], dtype: DType): Value {
  const low = dtype === "u32" ? 0 : -3;
  const data = Float64Array.from(
    { length: shape.reduce((n, s) => n * s, 1) },
    () => low + Math.floor(7 * random()),
  );
  if (dtype === "u32") for (let i = 0; i < data.length; i += 3) data[i] = 2 ** 32 - 1 - data[i]!;
  return { shape, dtype, data };
}

const comparisonCases = dtypes.flatMap((dtype) =>
  Object.entries(comparisons).map(([name, f]) =>
    opCase(
      `${name} of ${dtype}`,
      broadcasts,
      ([left, right]) => ({
        values: (random) => [coarse(random, left, dtype), coarse(random, right, dtype)],
        build: (x, y) => {
          const holds = f(x!, y!);
          return [holds, not(holds), select(holds, x!, 0), cast(holds, "f32"), cast(holds, "i32")];
        },
        exact: dtype === "f32" ? [0, 1] : [],
      }),
      { derivatives: 1 },
    ),
  ),
);

const integer: Readonly<Record<string, (x: Tensor, y: Tensor) => Tensor>> = {
  add,
  subtract,
  multiply,
  maximum,
  minimum,
  and,
  or,
  xor,
  shiftLeft: (x, y) => shiftLeft(x, and(y, 7)),
  shiftRight: (x, y) => shiftRight(x, and(y, 15)),
};

const integerCases = (["i32", "u32"] as const).flatMap((dtype) =>
  Object.entries(integer).map(([name, f]) =>
    opCase(
      `${name} of ${dtype}`,
      broadcasts,
      ([left, right]) => ({
        values: (random) => [wide(random, left, dtype), wide(random, right, dtype)],
        build: (x, y) => [f(x!, y!), add(f(x!, y!), 1)],
      }),
      { derivatives: 0 },
    ),
  ),
);

/** Numbers over the whole range, so that results wrap. */
function wide(random: () => number, shape: readonly number[], dtype: "i32" | "u32"): Value {
  const low = dtype === "u32" ? 0 : -(2 ** 31);
  const data = Float64Array.from(
    { length: shape.reduce((n, s) => n * s, 1) },
    () => low + Math.floor(2 ** 32 * random()),
  );
  return { shape, dtype, data };
}

const more: readonly Case[] = [
  opCase(
    "negate, abs and sign of i32",
    shapes(0, 3),
    (shape) => ({
      values: (random) => [randomValue(random, shape, "i32")],
      build: (x) => [negate(x!), abs(x!), sign(x!)],
    }),
    { derivatives: 0 },
  ),
  opCase(
    "and, or, xor and not of bool",
    broadcasts,
    ([left, right]) => ({
      values: (random) => [randomValue(random, left, "bool"), randomValue(random, right, "bool")],
      build: (x, y) => [
        and(x!, y!),
        or(x!, y!),
        xor(x!, y!),
        not(x!),
        select(and(x!, y!), 1, cast(y!, "f32")),
      ],
    }),
    { derivatives: 0 },
  ),
  opCase("select with broadcasting", broadcasts, ([left, right]) => ({
    values: (random) => [
      randomValue(random, left, "bool"),
      uniformValue(random, right),
      uniformValue(random, left),
    ],
    build: (c, x, y) => [select(c!, x!, y!), select(c!, square(y!), 0.5), select(c!, -1, x!)],
  })),
  opCase(
    "casts among dtypes",
    fc.tuple(shapes(0, 3), fc.constantFrom<DType>("f32", "i32", "u32", "bool")),
    ([shape, from]) => ({
      values: (random) => [
        from === "f32" ? uniformValue(random, shape, 0.1, 90) : randomValue(random, shape, from),
      ],
      build: (x) =>
        (["f32", "i32", "u32", "bool"] as const).flatMap((to) => [cast(x!, to), cast(cast(x!, to), "f32")]),
      exact: [0],
    }),
    { derivatives: 0 },
  ),
  opCase(
    "casts to sixteen bits and back",
    fc.tuple(shapes(0, 3), fc.constantFrom<DType>("f16", "bf16"), fc.constantFrom(1e-7, 1e-3, 1, 1e4, 1e5)),
    ([shape, to, scale]) => ({
      values: (random) => [uniformValue(random, shape, -scale, scale)],
      build: (x) => [cast(x!, to), cast(cast(x!, to), "f32"), add(cast(cast(x!, to), "f32"), 1)],
      exact: [0],
    }),
    { derivatives: 1 },
  ),
  opCase(
    "infinities and NaN",
    fc.constant([7]),
    (shape) => ({
      values: () => [
        value([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 1, -1], shape),
      ],
      build: (x) => [
        isFiniteAt(x!),
        ...[abs, sign, exp, sqrt, tanh, sigmoid, erf, log, reciprocal, floor, round].map((f) => f(x!)),
        maximum(x!, 0),
        minimum(0, x!),
        multiply(x!, 0),
        equal(x!, x!),
        less(x!, 1),
      ],
      exact: [0],
    }),
    { derivatives: 0 },
  ),
];

export const elementwiseCases: readonly Case[] = [
  ...unaryCases,
  ...binaryCases,
  ...comparisonCases,
  ...integerCases,
  ...more,
];
