// What picks, orders and sums by index; systems of equations; products over row groups; recurrences.
import fc from "fast-check";
import {
  abs,
  add,
  addAlong,
  argMaximum,
  cast,
  cumulativeSum,
  dynamicSlice,
  dynamicUpdate,
  gather,
  groupedOuter,
  groupedProduct,
  iota,
  less,
  linearRecurrence,
  multiply,
  scatterAdd,
  select,
  sigmoid,
  sort,
  square,
  subtract,
  swapLast,
  type Tensor,
  takeAlong,
  topK,
  triangularSolve,
} from "../../../src/tensor/index.ts";
import { uniformValue, type Value, value, wholeValue } from "../../tensor/harness.ts";
import { randomValue } from "../harness.ts";
import { type Case, few, length, opCase, shapes } from "../suite.ts";

const rowsByIndex: readonly Case[] = [
  opCase("gather", fc.tuple(length, shapes(0, 2, 200), shapes(0, 2, 60)), ([rows, at, rest]) => ({
    values: (random) => [uniformValue(random, [rows, ...rest]), wholeValue(random, at, -2, rows + 2)],
    build: (x, indices) => [gather(x!, indices!), square(gather(square(x!), indices!))],
  })),
  ...(["i32", "u32", "bool", "f16", "bf16"] as const).map((dtype) =>
    opCase(
      `gather of ${dtype}`,
      fc.tuple(length, shapes(1, 2, 200), shapes(0, 1, 60)),
      ([rows, at, rest]) => ({
        values: (random) => [
          randomValue(random, [rows, ...rest], dtype),
          wholeValue(random, at, -2, rows + 2),
        ],
        build: (x, indices) => gather(x!, indices!),
      }),
      { derivatives: 0 },
    ),
  ),
  opCase("scatterAdd", fc.tuple(length, shapes(0, 2, 200), shapes(0, 2, 60)), ([rows, at, rest]) => ({
    values: (random) => [wholeValue(random, at, -2, rows + 2), uniformValue(random, [...at, ...rest])],
    build: (indices, updates) => [
      scatterAdd(indices!, updates!, rows),
      scatterAdd(indices!, square(updates!), rows),
    ],
  })),
  ...(["i32", "u32"] as const).map((dtype) =>
    opCase(
      `scatterAdd of ${dtype}`,
      fc.tuple(length, length, shapes(0, 1, 60)),
      ([rows, count, rest]) => ({
        values: (random) => [
          wholeValue(random, [count], -1, rows + 1),
          randomValue(random, [count, ...rest], dtype),
        ],
        build: (indices, updates) => scatterAdd(indices!, updates!, rows),
      }),
      { derivatives: 0 },
    ),
  ),
  opCase("takeAlong and addAlong", fc.tuple(shapes(0, 2, 60), length, length), ([rows, width, picked]) => ({
    values: (random) => [
      uniformValue(random, [...rows, width]),
      wholeValue(random, [...rows, picked], -1, width + 1),
      uniformValue(random, [...rows, picked]),
    ],
    build: (x, indices, updates) => [takeAlong(x!, indices!), addAlong(indices!, square(updates!), width)],
  })),
];

const sortable = ["f32", "i32", "u32"] as const;
const order: readonly Case[] = [
  ...sortable.map((dtype) =>
    opCase(
      `sort and topK of ${dtype}`,
      fc.tuple(shapes(0, 2, 60), length, fc.boolean(), fc.nat(9)),
      ([rows, width, descending, some]) => ({
        values: (random) => [
          dtype === "f32"
            ? uniformValue(random, [...rows, width])
            : { ...wholeValue(random, [...rows, width], 0, 9), dtype },
        ],
        build: (x) => {
          const { values, indices } = sort(x!, { descending });
          const top = topK(x!, 1 + (some % width));
          return [values, indices, top.values, top.indices, argMaximum(x!), takeAlong(x!, indices)];
        },
      }),
      { derivatives: dtype === "f32" ? 2 : 0 },
    ),
  ),
  opCase(
    "sort with NaN and infinities",
    fc.tuple(few, length, fc.boolean()),
    ([rows, width, descending]) => ({
      values: (random) => {
        const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 1, -1, 2];
        const data = Float64Array.from({ length: rows * width }, () => special[Math.floor(7 * random())]!);
        return [{ shape: [rows, width], dtype: "f32", data }];
      },
      build: (x) => Object.values(sort(x!, { descending })),
      exact: [0],
    }),
    { derivatives: 0 },
  ),
  ...sortable.map((dtype) =>
    opCase(
      `cumulativeSum of ${dtype}`,
      fc.tuple(shapes(0, 2, 60), length, fc.boolean(), fc.boolean()),
      ([rows, width, exclusive, reverse]) => ({
        values: (random) => [
          dtype === "f32"
            ? uniformValue(random, [...rows, width])
            : { ...wholeValue(random, [...rows, width], 0, 100), dtype },
        ],
        build: (x) => [
          cumulativeSum(x!, { exclusive, reverse }),
          cumulativeSum(multiply(x!, x!), { exclusive, reverse }),
        ],
      }),
      { derivatives: dtype === "f32" ? 2 : 0 },
    ),
  ),
];

/** Well conditioned where it is read; what stands above the diagonal must not be. */
function withDiagonal(l: Tensor): Tensor {
  const square = l.shape.slice(-2);
  const onDiagonal = less(abs(subtract(iota(square, 0, "f32"), iota(square, 1, "f32"))), 0.5);
  return select(onDiagonal, 2, multiply(l, 0.2));
}

const algebra: readonly Case[] = [
  opCase(
    "triangularSolve",
    fc.tuple(length, length, fc.boolean(), fc.boolean()),
    ([n, m, unit, transpose]) => ({
      values: (random) => [uniformValue(random, [n, n], -0.5, 0.5), uniformValue(random, [n, m])],
      build: (l, b) => triangularSolve(withDiagonal(multiply(l!, 2 / n)), b!, { unit, transpose }),
    }),
  ),
  opCase(
    "triangularSolve of many systems",
    fc.tuple(shapes(1, 2, 12), few, length, fc.boolean(), fc.boolean()),
    ([leading, n, m, unit, transpose]) => ({
      values: (random) => [
        uniformValue(random, [...leading, n, n], 1, 2),
        uniformValue(random, [...leading, n, m]),
      ],
      build: (l, b) => [
        triangularSolve(add(abs(l!), 0.5), b!, { unit, transpose }),
        triangularSolve(add(abs(swapLast(l!)), 0.5), square(b!), { unit, transpose }),
      ],
    }),
    { derivatives: 1, float: 1e-3 },
  ),
];

interface Groups {
  readonly rows: number;
  readonly offsets: Value;
}

function groupsOf(sizes: readonly number[], before: number, after: number): Groups {
  const offsets = [before];
  for (const count of sizes) offsets.push(offsets.at(-1)! + count);
  return { rows: Math.max(1, offsets.at(-1)! + after), offsets: value(offsets, undefined, "i32") };
}

const groupCases = fc.tuple(
  fc.array(fc.constantFrom(0, 1, 3, 17, 40), { minLength: 1, maxLength: 4 }),
  fc.nat(2),
  fc.nat(2),
  length,
  length,
);

const grouped: readonly Case[] = [
  opCase("groupedProduct", groupCases, ([sizes, before, after, depth, width]) => {
    const { rows, offsets } = groupsOf(sizes, before, after);
    return {
      values: (random) => [
        uniformValue(random, [rows, depth]),
        uniformValue(random, [sizes.length, depth, width]),
        offsets,
      ],
      build: (x, w, o) => [
        groupedProduct(x!, w!, o!),
        groupedProduct(square(x!), swapLast(w!), o!, { transposed: true }),
      ],
      exact: [2],
    };
  }),
  opCase("groupedOuter", groupCases, ([sizes, before, after, left, right]) => {
    const { rows, offsets } = groupsOf(sizes, before, after);
    return {
      values: (random) => [uniformValue(random, [rows, left]), uniformValue(random, [rows, right]), offsets],
      build: (x, y, o) => groupedOuter(x!, y!, o!),
      exact: [2],
    };
  }),
];

const windows = fc.tuple(shapes(1, 4, 3000), fc.nat(15), fc.nat(100), fc.integer({ min: -3, max: 60 }));
const dynamic: readonly Case[] = [
  opCase(
    "dynamicSlice",
    windows,
    ([shape, bits, size, start]) => {
      const axes = shape.map((_, i) => i).filter((i) => (bits >> i) & 1);
      return {
        values: () => [...axes.map((i) => value([start - i], [], "i32"))],
        build: (...starts) => {
          const x = multiply(iota(shape, shape.length - 1, "f32"), 0.5);
          const named = Object.fromEntries(axes.map((axis, i) => [axis, starts[i]!]));
          const sizes = Object.fromEntries(axes.map((axis) => [axis, 1 + (size % shape[axis]!)]));
          return dynamicSlice(x, named, sizes);
        },
      };
    },
    { derivatives: 0 },
  ),
  opCase("dynamicSlice of what changes", windows, ([shape, bits, size, start]) => {
    const axes = shape.map((_, i) => i).filter((i) => (bits >> i) & 1);
    return {
      values: (random) => [uniformValue(random, shape), value([start], [], "i32")],
      build: (x, at) => {
        const named = Object.fromEntries(axes.map((axis) => [axis, at!]));
        const sizes = Object.fromEntries(axes.map((axis) => [axis, 1 + (size % shape[axis]!)]));
        return [dynamicSlice(x!, named, sizes), square(dynamicSlice(square(x!), named, sizes))];
      },
    };
  }),
  opCase("dynamicUpdate", windows, ([shape, bits, size, start]) => {
    const axes = shape.map((_, i) => i).filter((i) => (bits >> i) & 1);
    const window = shape.map((full, axis) => (axes.includes(axis) ? 1 + (size % full) : full));
    return {
      values: (random) => [
        uniformValue(random, shape),
        uniformValue(random, window),
        value([start], [], "i32"),
      ],
      build: (x, update, at) => {
        const named = Object.fromEntries(axes.map((axis) => [axis, at!]));
        return [dynamicUpdate(x!, update!, named), dynamicUpdate(square(x!), square(update!), named)];
      },
    };
  }),
  ...(["i32", "u32", "bool", "f16", "bf16"] as const).map((dtype) =>
    opCase(
      `dynamic windows of ${dtype}`,
      fc.tuple(length, length, fc.integer({ min: -1, max: 30 })),
      ([rows, width, start]) => ({
        values: (random) => [
          randomValue(random, [rows, width], dtype),
          randomValue(random, [rows, 1], dtype),
          value([start], [], "i32"),
        ],
        build: (x, update, at) => [
          dynamicUpdate(x!, update!, { 1: at! }),
          dynamicSlice(x!, { 0: at! }, { 0: 1 }),
        ],
      }),
      { derivatives: 0 },
    ),
  ),
];

const recurrence = opCase(
  "linearRecurrence",
  fc.tuple(few, length, length, fc.boolean()),
  ([batch, time, width, reverse]) => ({
    values: (random) => [
      uniformValue(random, [batch, time, width], -1, 1),
      uniformValue(random, [batch, time, width]),
      uniformValue(random, [batch, width]),
    ],
    build: (a, b, initial) => [
      linearRecurrence(a!, b!, initial!, { reverse }),
      linearRecurrence(sigmoid(b!), a!, square(initial!), { reverse }),
    ],
  }),
);

/** Indices that the graph computes itself. */
const computedIndices = opCase(
  "indices from the graph",
  fc.tuple(length, length),
  ([rows, width]) => ({
    values: (random) => [uniformValue(random, [rows, width]), uniformValue(random, [rows], 0, rows)],
    build: (x, at) => {
      const indices = cast(abs(at!), "i32");
      const picked = gather(x!, indices);
      return [picked, scatterAdd(indices, picked, rows), gather(picked, argMaximum(swapLast(x!)))];
    },
    exact: [0, 1],
  }),
  { derivatives: 1 },
);

export const indexingCases: readonly Case[] = [
  ...rowsByIndex,
  ...order,
  ...algebra,
  ...grouped,
  ...dynamic,
  recurrence,
  computedIndices,
];
