// Recurrences of matrix states and their gradients against loops over tokens, rows and columns.
import {
  type MatrixRecurrenceSizes,
  matrixRecurrenceGradientWords,
  matrixRecurrenceRows,
  matrixRecurrenceScratchBytes,
  matrixRecurrenceWords,
} from "../../src/backend/tape/matrix_recurrence.ts";
import { elementType } from "../../src/backend/tape/writer.ts";
import { type Check, type MakeChecks, noise } from "./cases.ts";
import { type Driver, operand, type Values } from "./isolated.ts";

const BLOCK = 32;

type Shape = readonly [batch: number, length: number, heads: number, width: number, valueWidth: number];

interface Loop {
  readonly out: Float64Array;
  readonly starts: Float64Array;
  readonly last: Float64Array;
  readonly dq: Float64Array;
  readonly dk: Float64Array;
  readonly dv: Float64Array;
  readonly da: Float64Array;
}

/** All results, for gradients dOut, with every state kept. */
function loop(shape: Shape, readsBefore: boolean, [q, k, v, a, dOut]: readonly Values[]): Loop {
  const [batch, length, heads, width, valueWidth] = shape;
  const blocks = Math.ceil(length / BLOCK);
  const matrix = width * valueWidth;
  const numbers = (count: number) => new Float64Array(count);
  const found: Loop = {
    out: numbers(v!.length),
    starts: numbers(batch * blocks * heads * matrix),
    last: numbers(batch * heads * matrix),
    ...{ dq: numbers(q!.length), dk: numbers(q!.length), dv: numbers(v!.length), da: numbers(q!.length) },
  };
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      const states = Array.from({ length: length + 1 }, () => numbers(matrix));
      const keyAt = (t: number, i: number) => ((b * length + t) * heads + h) * width + i;
      const valueAt = (t: number, j: number) => ((b * length + t) * heads + h) * valueWidth + j;
      const each = (visit: (i: number, j: number, at: number) => void) => {
        for (let at = 0; at < matrix; at++) visit(Math.floor(at / valueWidth), at % valueWidth, at);
      };
      for (let t = 0; t < length; t++) {
        each((i, j, at) => {
          const before = states[t]![at]!;
          const after = a![keyAt(t, i)]! * before + k![keyAt(t, i)]! * v![valueAt(t, j)]!;
          states[t + 1]![at] = after;
          found.out[valueAt(t, j)]! += q![keyAt(t, i)]! * (readsBefore ? before : after);
        });
      }
      for (let block = 0; block < blocks; block++) {
        const from = Math.max(0, length - (blocks - block) * BLOCK);
        found.starts.set(states[from]!, ((b * blocks + block) * heads + h) * matrix);
      }
      found.last.set(states[length]!, (b * heads + h) * matrix);
      const gradient = numbers(matrix);
      for (let t = length - 1; t >= 0; t--) {
        each((i, j, at) => {
          const read = q![keyAt(t, i)]! * dOut![valueAt(t, j)]!;
          const g = gradient[at]! + (readsBefore ? 0 : read);
          found.dq[keyAt(t, i)]! += states[readsBefore ? t : t + 1]![at]! * dOut![valueAt(t, j)]!;
          found.dk[keyAt(t, i)]! += g * v![valueAt(t, j)]!;
          found.dv[valueAt(t, j)]! += g * k![keyAt(t, i)]!;
          found.da[keyAt(t, i)]! += g * states[t]![at]!;
          gradient[at] = a![keyAt(t, i)]! * g + (readsBefore ? read : 0);
        });
      }
    }
  }
  return found;
}

/** The recurrence and its gradient; both with rows of a batch entry, or of a head. */
function checks(
  real: Driver["real"],
  shape: Shape,
  readsBefore: boolean,
  fine: boolean,
  seed: number,
): Check[] {
  const [batch, length, heads, width, valueWidth] = shape;
  const tokens = batch * length * heads;
  const values = [width, width, valueWidth, width, valueWidth].map((columns, i) => {
    const numbers = noise(tokens * columns, seed + i);
    return real(i === 3 ? numbers.map((x) => (x < -0.8 ? 0 : (x + 1) / 2)) : numbers);
  });
  const expected = loop(shape, readsBefore, values);
  const sizes: MatrixRecurrenceSizes = { batch, length, heads, width, valueWidth, fine };
  const view = (binding: number, columns: number) => ({
    operand: operand(binding, elementType.real, length * heads * columns),
    ...{ token: heads * columns, head: columns },
  });
  const matrix = heads * width * valueWidth;
  const blocks = Math.ceil(length / BLOCK);
  const common = {
    ...{ ...sizes, readsBefore },
    ...{ query: view(0, width), key: view(1, width), value: view(2, valueWidth), decay: view(3, width) },
    starts: operand(4, elementType.real, blocks * matrix),
  };
  const blank = (like: Float64Array) => real(like.map(() => 7));
  const name = `matrix recurrence [${shape}]${readsBefore ? " read before" : ""}${fine ? "" : " coarse"}`;
  const base = {
    rows: matrixRecurrenceRows(sizes),
    rowsPerGroup: 2,
    scratchBytes: matrixRecurrenceScratchBytes(sizes, real([0]).BYTES_PER_ELEMENT as 4 | 8),
  };
  const epsilons = 4 * (width + valueWidth + length);
  const results = (...all: readonly (readonly [number, Float64Array])[]) =>
    all.map(([binding, numbers]) => ({ binding, values: numbers, epsilons }));
  return [
    {
      ...{ ...base, name, opcode: "OP_MATRIX_RECURRENCE" },
      bindings: [...values.slice(0, 4), blank(expected.starts), blank(expected.out), blank(expected.last)],
      write: (writer) =>
        matrixRecurrenceWords(
          { ...common, out: view(5, valueWidth), last: operand(6, elementType.real, matrix) },
          writer,
        ),
      expected: results([4, expected.starts], [5, expected.out], [6, expected.last]),
    },
    {
      ...{ ...base, name: `gradient of ${name}`, opcode: "OP_MATRIX_RECURRENCE_GRADIENT" },
      bindings: [
        ...values.slice(0, 4),
        ...[real(expected.starts), values[4]!],
        ...[expected.dq, expected.dk, expected.dv, expected.da].map(blank),
      ],
      write: (writer) =>
        matrixRecurrenceGradientWords(
          {
            ...{ ...common, outGradient: view(5, valueWidth), queryGradient: view(6, width) },
            ...{ keyGradient: view(7, width), valueGradient: view(8, valueWidth) },
            decayGradient: view(9, width),
          },
          writer,
        ),
      expected: results([6, expected.dq], [7, expected.dk], [8, expected.dv], [9, expected.da]),
    },
  ];
}

const shapes: readonly Shape[] = [
  [1, 1, 1, 1, 1],
  [2, 3, 2, 5, 7],
  [1, 31, 1, 16, 16],
  [3, 33, 2, 17, 9],
  [1, 70, 3, 8, 40],
  [2, 64, 1, 64, 64],
];

export const matrixRecurrenceChecks: MakeChecks = (real) =>
  shapes.flatMap((shape, i) =>
    [false, true].flatMap((readsBefore) => checks(real, shape, readsBefore, (i + 1) % 3 > 0, 100 * i)),
  );
