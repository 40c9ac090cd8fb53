// Grouped products and outer products against loops.
import {
  groupedOuterRows,
  groupedOuterScratchBytes,
  groupedOuterWords,
  groupedProductRows,
  groupedProductScratchBytes,
  groupedProductWords,
} from "../../src/backend/tape/grouped_product.ts";
import { elementType } from "../../src/backend/tape/writer.ts";
import { type Check, type MakeChecks, noise } from "./cases.ts";
import { type Driver, operand } from "./isolated.ts";

interface Shape {
  readonly rows: number;
  readonly depth: number;
  readonly columns: number;
  readonly offsets: readonly number[];
}

function productCheck(real: Driver["real"], shape: Shape, transposed: boolean, seed: number): Check {
  const { rows, depth, columns, offsets } = shape;
  const groups = offsets.length - 1;
  const x = real(noise(rows * depth, seed));
  const w = real(noise(groups * depth * columns, seed + 1));
  const [wDepth, wColumn] = transposed ? [1, depth] : [columns, 1];
  const values = new Float64Array(rows * columns);
  for (let group = 0; group < groups; group++) {
    for (let n = Math.max(0, offsets[group]!); n < Math.min(rows, offsets[group + 1]!); n++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0;
        for (let k = 0; k < depth; k++) {
          sum += x[n * depth + k]! * w[group * depth * columns + k * wDepth + j * wColumn]!;
        }
        values[n * columns + j] = sum;
      }
    }
  }
  const sizes = { rows, depth, columns, groups };
  return {
    name: `grouped product ${JSON.stringify(shape)}${transposed ? " transposed" : ""}`,
    opcode: "OP_GROUPED_PRODUCT",
    rows: groupedProductRows(sizes),
    rowsPerGroup: 1 + (seed % 3),
    scratchBytes: groupedProductScratchBytes(sizes),
    bindings: [x, w, Int32Array.from(offsets), real(values).fill(7)],
    write: (writer) =>
      groupedProductWords(
        {
          ...sizes,
          xRow: depth,
          yRow: columns,
          wGroup: depth * columns,
          wDepth,
          wColumn,
          x: operand(0),
          w: operand(1),
          offsets: operand(2, elementType.i32),
          y: operand(3),
        },
        writer,
      ),
    expected: [{ binding: 3, values, epsilons: 2 * depth }],
  };
}

function outerCheck(real: Driver["real"], shape: Shape, seed: number): Check {
  const { rows, depth, columns, offsets } = shape;
  const groups = offsets.length - 1;
  const x = real(noise(rows * depth, seed));
  const y = real(noise(rows * columns, seed + 1));
  const values = new Float64Array(groups * depth * columns);
  for (let group = 0; group < groups; group++) {
    for (let n = Math.max(0, offsets[group]!); n < Math.min(rows, offsets[group + 1]!); n++) {
      for (let k = 0; k < depth; k++) {
        for (let j = 0; j < columns; j++) {
          values[(group * depth + k) * columns + j]! += x[n * depth + k]! * y[n * columns + j]!;
        }
      }
    }
  }
  const sizes = { rows, depth, columns, groups };
  return {
    name: `grouped outer ${JSON.stringify(shape)}`,
    opcode: "OP_GROUPED_OUTER",
    rows: groupedOuterRows(sizes),
    rowsPerGroup: 1,
    scratchBytes: groupedOuterScratchBytes(sizes),
    bindings: [x, y, Int32Array.from(offsets), real(values).fill(7)],
    write: (writer) =>
      groupedOuterWords(
        {
          ...sizes,
          xRow: depth,
          yRow: columns,
          x: operand(0),
          y: operand(1),
          offsets: operand(2, elementType.i32),
          z: operand(3),
        },
        writer,
      ),
    expected: [{ binding: 3, values, epsilons: 2 * rows }],
  };
}

const shapes: readonly Shape[] = [
  { rows: 1, depth: 1, columns: 1, offsets: [0, 1] },
  { rows: 5, depth: 3, columns: 2, offsets: [0, 0, 5, 5] },
  { rows: 40, depth: 17, columns: 33, offsets: [3, 10, 10, 31] },
  { rows: 300, depth: 20, columns: 64, offsets: [0, 0, 300, 300, 300] },
  { rows: 700, depth: 8, columns: 40, offsets: [0, 5, 600, 690, 700] },
  { rows: 64, depth: 130, columns: 96, offsets: [0, 1, 3, 6, 10, 64] },
  { rows: 10, depth: 4, columns: 5, offsets: [-3, 4, 99] },
  { rows: 30, depth: 300, columns: 300, offsets: [0, 30] },
];

export const groupedChecks: MakeChecks = (real) =>
  shapes.flatMap((shape, seed) => [
    productCheck(real, shape, false, seed),
    productCheck(real, shape, true, seed),
    outerCheck(real, shape, seed),
  ]);
