// Sort and top-k against a comparison sort.
import { sortRows, sortScratchBytes, sortWords } from "../../src/backend/tape/sort.ts";
import { elementType } from "../../src/backend/tape/writer.ts";
import { type Check, integers, type MakeChecks, noise } from "./cases.ts";
import { operand, type Values } from "./isolated.ts";

function compare(a: number, b: number, descending: boolean): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  if (a === b) return 0;
  return a < b === descending ? 1 : -1;
}

function check(x: Values, rows: number, length: number, count: number, descending: boolean): Check {
  const type =
    x instanceof Int32Array ? elementType.i32 : x instanceof Uint32Array ? elementType.u32 : elementType.real;
  const permutation: number[] = [];
  const values: number[] = [];
  for (let row = 0; row < rows; row++) {
    const part = Array.from(x.subarray(row * length, (row + 1) * length));
    const order = part.map((_, i) => i).sort((i, j) => compare(part[i]!, part[j]!, descending));
    for (const i of order.slice(0, count)) {
      permutation.push(i);
      values.push(part[i]!);
    }
  }
  const sizes = { rows, length, count };
  return {
    name: `first ${count} of [${rows}, ${length}] type ${type}${descending ? " descending" : ""}`,
    opcode: "OP_SORT",
    rows: sortRows(sizes),
    rowsPerGroup: 2,
    scratchBytes: sortScratchBytes(sizes),
    bindings: [x, x.slice(0, values.length).fill(7), new Int32Array(values.length)],
    write: (writer) =>
      sortWords(
        {
          ...sizes,
          descending,
          x: operand(0, type, length),
          values: operand(1, type, count),
          permutation: operand(2, elementType.i32, count),
        },
        writer,
      ),
    expected: [
      { binding: 1, values, epsilons: 0 },
      { binding: 2, values: permutation, epsilons: 0 },
    ],
  };
}

const lengths = [1, 2, 5, 16, 17, 64, 257, 1000];

export const sortChecks: MakeChecks = (real) =>
  lengths.flatMap((length, seed) =>
    [false, true].flatMap((descending) => {
      const rows = 3;
      const special = [Number.NaN, Infinity, -Infinity, 0, -0, 0, Number.NaN, -1, 1];
      const mixed = noise(rows * length, seed).map((v, i) => (i % 3 === 1 ? special[(i * 7) % 9]! : v * 100));
      const ties = integers(rows * length, -3, 3, seed);
      const counts = [1, 2, 4, 16, 20, length].filter((count) => count <= length);
      return counts.flatMap((count) => [
        check(real(mixed), rows, length, count, descending),
        check(real(ties), rows, length, count, descending),
        check(ties, rows, length, count, descending),
        check(Uint32Array.from(ties), rows, length, count, descending),
      ]);
    }),
  );
