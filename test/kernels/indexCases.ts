// Gather and scatter-add against loops.
import { gatherRows, gatherWords } from "../../src/backend/tape/gather.ts";
import { scatterAddRows, scatterAddWords } from "../../src/backend/tape/scatter_add.ts";
import { elementType } from "../../src/backend/tape/writer.ts";
import { type Check, integers, type MakeChecks, noise } from "./cases.ts";
import { operand, type Values } from "./isolated.ts";

const shapes: readonly (readonly [count: number, table: number, width: number])[] = [
  [1, 1, 1],
  [7, 3, 1],
  [33, 5, 3],
  [64, 200, 16],
  [100, 7, 37],
  [50, 1, 128],
  [40, 300, 2],
  [0, 4, 5],
  [50, 1100, 260],
];

function gatherCheck(table: Values, count: number, rows: number, width: number, seed: number): Check {
  const type = table instanceof Int32Array ? elementType.i32 : elementType.real;
  const indices = integers(count, -2, rows + 2, seed);
  const values = new Float64Array(count * width);
  indices.forEach((row, i) => {
    for (let j = 0; j < width; j++)
      values[i * width + j] = row < 0 || row >= rows ? 0 : table[row * width + j]!;
  });
  return {
    name: `gather ${count} of [${rows}, ${width}] type ${type}`,
    opcode: "OP_GATHER",
    rows: gatherRows({ count }),
    rowsPerGroup: 5,
    scratchBytes: 0,
    bindings: [table, indices, similar(table, values.length)],
    write: (writer) =>
      gatherWords(
        {
          count,
          table: rows,
          width,
          xRow: width,
          x: operand(0, type),
          indices: operand(1, elementType.i32, 1),
          result: operand(2, type, width),
        },
        writer,
      ),
    expected: [{ binding: 2, values, epsilons: 0 }],
  };
}

function similar(like: Values, length: number): Values {
  if (like instanceof Float32Array) return new Float32Array(length).fill(7);
  return like instanceof Float64Array ? new Float64Array(length).fill(7) : new Int32Array(length).fill(7);
}

function scatterCheck(updates: Values, count: number, table: number, width: number, seed: number): Check {
  const integer = updates instanceof Int32Array;
  const type = integer ? elementType.i32 : elementType.real;
  const indices = integers(count, -1, table + 1, seed);
  const values = new Float64Array(table * width);
  indices.forEach((row, i) => {
    if (row < 0 || row >= table) return;
    for (let j = 0; j < width; j++) values[row * width + j]! += updates[i * width + j]!;
  });
  const sizes = { count, table, width };
  return {
    name: `scatter ${count} to [${table}, ${width}] type ${type}`,
    opcode: "OP_SCATTER_ADD",
    rows: scatterAddRows(sizes),
    rowsPerGroup: 1,
    scratchBytes: 0,
    bindings: [updates, indices, similar(updates, table * width)],
    write: (writer) =>
      scatterAddWords(
        {
          ...sizes,
          updatesRow: width,
          resultRow: width,
          updates: operand(0, type),
          indices: operand(1, elementType.i32, 1),
          result: operand(2, type),
        },
        writer,
      ),
    expected: [{ binding: 2, values, epsilons: integer ? 0 : count }],
  };
}

export const indexChecks: MakeChecks = (real) =>
  shapes.flatMap(([count, table, width], seed) => [
    gatherCheck(real(noise(table * width, seed)), count, table, width, seed + 50),
    gatherCheck(integers(table * width, -9, 9, seed), count, table, width, seed + 50),
    scatterCheck(real(noise(count * width, seed)), count, table, width, seed + 50),
    scatterCheck(integers(count * width, -9, 9, seed), count, table, width, seed + 50),
  ]);
