// Cumulative sums, linear recurrences and triangular systems against loops.
import { cumulativeSumRows, cumulativeSumWords } from "../../src/backend/tape/cumulative_sum.ts";
import {
  linearRecurrenceRows,
  linearRecurrenceWords,
  type SequenceStrides,
} from "../../src/backend/tape/linear_recurrence.ts";
import { triangularSolveRows, triangularSolveWords } from "../../src/backend/tape/triangular_solve.ts";
import { elementType } from "../../src/backend/tape/writer.ts";
import { type Check, integers, type MakeChecks, noise } from "./cases.ts";
import { type Driver, operand, type Values } from "./isolated.ts";

function sumCheck(x: Values, rows: number, length: number, exclusive: boolean, reverse: boolean): Check {
  const type = x instanceof Int32Array ? elementType.i32 : elementType.real;
  const values = new Float64Array(rows * length);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let i = 0; i < length; i++) {
      const at = row * length + (reverse ? length - 1 - i : i);
      const before = sum;
      sum += x[at]!;
      values[at] = exclusive ? before : sum;
    }
  }
  return {
    name: `cumulative sum [${rows}, ${length}]${exclusive ? " exclusive" : ""}${reverse ? " reverse" : ""}`,
    opcode: "OP_CUMULATIVE_SUM",
    rows: cumulativeSumRows({ rows }),
    rowsPerGroup: 2,
    scratchBytes: 0,
    bindings: [x, x.slice().fill(7)],
    write: (writer) =>
      cumulativeSumWords(
        {
          rows,
          length,
          exclusive,
          reverse,
          xColumn: 1,
          resultColumn: 1,
          x: operand(0, type, length),
          result: operand(1, type, length),
        },
        writer,
      ),
    expected: [{ binding: 1, values, epsilons: type === elementType.i32 ? 0 : length + 1 }],
  };
}

type Sizes = readonly [batch: number, times: number, channels: number];

/** Strides of a view of [batch, time, channel] and how many elements its parent has. */
function views([batch, times, channels]: Sizes): readonly (readonly [SequenceStrides, number])[] {
  const all = batch * times * channels;
  return [
    [[times * channels, channels, 1], all],
    [[times * channels, 1, times], all],
    [[0, channels, 1], times * channels],
    [[times, 1, 0], batch * times],
    [[channels, 0, 1], batch * channels],
  ];
}

function recurrenceCheck(
  real: Driver["real"],
  sizes: Sizes,
  view: number,
  reverse: boolean,
  seed: number,
): Check {
  const [batch, times, channels] = sizes;
  const [aStrides, aSize] = views(sizes)[view]!;
  const [bStrides, bSize] = views(sizes)[view % 2]!;
  const [resultStrides, size] = views(sizes)[(view >> 1) % 2]!;
  const a = real(noise(aSize, seed));
  const b = real(noise(bSize, seed + 1));
  const initial = view === 0 ? undefined : real(noise(batch * channels, seed + 2));
  const values = new Float64Array(size);
  for (let n = 0; n < batch; n++) {
    for (let d = 0; d < channels; d++) {
      let state = initial === undefined ? 0 : initial[n * channels + d]!;
      for (let step = 0; step < times; step++) {
        const t = reverse ? times - 1 - step : step;
        const at = (s: SequenceStrides) => n * s[0] + t * s[1] + d * s[2];
        state = a[at(aStrides)]! * state + b[at(bStrides)]!;
        values[at(resultStrides)] = state;
      }
    }
  }
  const shape = { batch, times, channels };
  return {
    name: `recurrence [${sizes}] view ${view}${reverse ? " reverse" : ""}`,
    opcode: "OP_LINEAR_RECURRENCE",
    rows: linearRecurrenceRows(shape),
    rowsPerGroup: 3,
    scratchBytes: 0,
    bindings: [a, b, initial ?? real([0]), real(new Float64Array(size))],
    write: (writer) =>
      linearRecurrenceWords(
        {
          ...shape,
          reverse,
          aStrides,
          bStrides,
          initialStrides: [channels, 1],
          resultStrides,
          a: operand(0),
          b: operand(1),
          initial: initial && operand(2),
          result: operand(3),
        },
        writer,
      ),
    expected: [{ binding: 3, values, epsilons: 2 * times + 4 }],
  };
}

interface Triangle {
  readonly lower: boolean;
  readonly transpose: boolean;
  readonly unit: boolean;
}

function solveCheck(
  real: Driver["real"],
  sizes: Sizes,
  { lower, transpose, unit }: Triangle,
  seed: number,
): Check {
  const [batch, size, columns] = sizes;
  // Entries that are not part of the system are NaN: reading one would show.
  const a = real(
    noise(batch * size * size, seed).map((value, i) => {
      const [row, column] = [Math.floor(i / size) % size, i % size];
      if (row === column) return unit ? Number.NaN : 2 + value;
      return row > column === lower ? value / Math.sqrt(size) : Number.NaN;
    }),
  );
  const b = real(noise(batch * size * columns, seed + 1));
  const x = Float64Array.from(b);
  for (let n = 0; n < batch; n++) {
    const entry = (i: number, j: number) => a[n * size * size + (transpose ? j * size + i : i * size + j)]!;
    for (let step = 0; step < size; step++) {
      const i = lower !== transpose ? step : size - 1 - step;
      for (let column = 0; column < columns; column++) {
        const at = (row: number) => (n * size + row) * columns + column;
        for (let j = 0; j < size; j++) {
          if (lower !== transpose ? j < i : j > i) x[at(i)]! -= entry(i, j) * x[at(j)]!;
        }
        if (!unit) x[at(i)]! /= entry(i, i);
      }
    }
  }
  const shape = { batch, size, columns };
  const inPlace = seed % 2 === 0;
  return {
    name: `solve [${sizes}] ${JSON.stringify({ lower, transpose, unit })}`,
    opcode: "OP_TRIANGULAR_SOLVE",
    rows: triangularSolveRows(shape),
    rowsPerGroup: 1,
    scratchBytes: 0,
    bindings: [a, b, real(x).fill(7)],
    write: (writer) =>
      triangularSolveWords(
        {
          ...shape,
          lower,
          transpose,
          unit,
          aRow: size,
          aColumn: 1,
          bRow: columns,
          xRow: columns,
          a: operand(0, elementType.real, size * size),
          b: operand(1, elementType.real, size * columns),
          x: operand(inPlace ? 1 : 2, elementType.real, size * columns),
        },
        writer,
      ),
    expected: [{ binding: inPlace ? 1 : 2, values: x, epsilons: 200 * size }],
  };
}

export const recurrenceChecks: MakeChecks = (real) => [
  ...[1, 2, 31, 1000].flatMap((length, seed) =>
    [0, 1, 2, 3].flatMap((flags) => [
      sumCheck(real(noise(3 * length, seed)), 3, length, flags % 2 === 1, flags > 1),
      sumCheck(integers(3 * length, -9, 9, seed), 3, length, flags % 2 === 1, flags > 1),
    ]),
  ),
  ...(
    [
      [1, 1, 1],
      [2, 9, 3],
      [3, 17, 16],
      [1, 20, 100],
      [4, 5, 150],
    ] as const
  ).flatMap((sizes, seed) =>
    [0, 1, 2, 3, 4].flatMap((view) =>
      [false, true].map((reverse) => recurrenceCheck(real, sizes, view, reverse, seed * 10)),
    ),
  ),
  ...(
    [
      [1, 1, 1],
      [2, 5, 3],
      [1, 16, 64],
      [3, 33, 100],
      [2, 8, 200],
    ] as const
  ).flatMap((sizes, seed) =>
    [0, 1, 2, 3, 4, 5, 6, 7].map((flags) =>
      solveCheck(
        real,
        sizes,
        { lower: flags % 2 === 0, transpose: (flags & 2) !== 0, unit: flags > 3 },
        seed * 11 + flags,
      ),
    ),
  ),
];
