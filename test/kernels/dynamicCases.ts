// Dynamic slices and updates against index arithmetic.
import {
  type DynamicUpdateInstruction,
  dynamicSliceRows,
  dynamicSliceWords,
  dynamicUpdateRows,
  dynamicUpdateWords,
} from "../../src/backend/tape/dynamic_slice.ts";
import { elementType } from "../../src/backend/tape/writer.ts";
import { rowMajorStrides, sizeOf } from "../../src/tensor/tensor.ts";
import { type Check, type MakeChecks, noise } from "./cases.ts";
import { type Driver, operand, type Values } from "./isolated.ts";

interface Window {
  readonly full: readonly number[];
  readonly window: readonly number[];
  /** Start by axis; undefined where the axis is not dynamic. */
  readonly start: readonly (number | undefined)[];
}

/** Flat positions in the whole of the window's elements, in the window's order. */
function positions({ full, window, start }: Window): number[] {
  const strides = rowMajorStrides(full);
  const inner = rowMajorStrides(window);
  return Array.from({ length: sizeOf(window) }, (_, i) =>
    full.reduce((sum, size, axis) => {
      const first = Math.max(0, Math.min(start[axis] ?? 0, size - window[axis]!));
      return sum + (first + (Math.floor(i / inner[axis]!) % window[axis]!)) * strides[axis]!;
    }, 0),
  );
}

function checks(x: Values, part: Values, window: Window): Check[] {
  const type = x instanceof Int32Array ? elementType.i32 : elementType.real;
  const place = positions(window);
  const updated = Float64Array.from(x);
  place.forEach((at, i) => {
    updated[at] = part[i]!;
  });
  const starts = Int32Array.from(window.start, (value) => value ?? 99);
  const instruction: DynamicUpdateInstruction = {
    full: window.full,
    window: window.window,
    start: window.start.map((value, axis) =>
      value === undefined ? undefined : operand(0, elementType.i32, 0, axis),
    ),
    xStrides: rowMajorStrides(window.full),
    partStrides: rowMajorStrides(window.window),
    wholeStrides: rowMajorStrides(window.full),
    x: operand(1, type),
    part: operand(2, type),
    whole: operand(3, type),
  };
  const { whole: _, wholeStrides: __, ...slice } = instruction;
  const inPlace = { ...instruction, whole: instruction.x };
  const name = JSON.stringify(window);
  const common = { rowsPerGroup: 3, scratchBytes: 0, bindings: [starts, x, part, x.slice().fill(7)] };
  const sliced = { ...common, bindings: [starts, x, part.slice().fill(7)] };
  return [
    {
      ...sliced,
      name: `slice ${name}`,
      opcode: "OP_DYNAMIC_SLICE",
      rows: dynamicSliceRows(slice),
      write: (writer) => dynamicSliceWords(slice, writer),
      expected: [{ binding: 2, values: place.map((at) => x[at]!), epsilons: 0 }],
    },
    {
      ...common,
      name: `update ${name}`,
      opcode: "OP_DYNAMIC_UPDATE",
      rows: dynamicUpdateRows(instruction),
      write: (writer) => dynamicUpdateWords(instruction, writer),
      expected: [{ binding: 3, values: updated, epsilons: 0 }],
    },
    {
      ...common,
      name: `update in place ${name}`,
      opcode: "OP_DYNAMIC_UPDATE",
      rows: dynamicUpdateRows(inPlace),
      write: (writer) => dynamicUpdateWords(inPlace, writer),
      expected: [{ binding: 1, values: updated, epsilons: 0 }],
    },
  ];
}

const windows: readonly Window[] = [
  { full: [1], window: [1], start: [0] },
  { full: [9], window: [4], start: [3] },
  { full: [9], window: [4], start: [8] },
  { full: [9], window: [4], start: [-8] },
  { full: [5, 7], window: [5, 1], start: [undefined, 6] },
  { full: [5, 7], window: [2, 7], start: [2, undefined] },
  { full: [2, 3, 10, 4], window: [2, 3, 1, 4], start: [undefined, undefined, 7, undefined] },
  { full: [3, 8, 2, 5], window: [3, 2, 2, 5], start: [undefined, 5, undefined, undefined] },
  { full: [2, 3, 4, 5, 6], window: [1, 3, 2, 4, 6], start: [1, undefined, 1, 0, undefined] },
  { full: [2, 3, 2, 3, 2, 3], window: [1, 2, 1, 2, 1, 2], start: [1, 0, 1, 1, 0, 9] },
  {
    full: [1, 6, 1, 4, 3, 2, 2],
    window: [1, 2, 1, 4, 3, 1, 2],
    start: [0, 3, 0, undefined, undefined, 1, 0],
  },
];

/** A slice of a transposed view: its strides are not those of its shape. */
function transposedCheck(real: Driver["real"]): Check {
  const x = real(noise(6 * 5, 77));
  const instruction = {
    full: [5, 6],
    window: [3, 4],
    start: [operand(0, elementType.i32, 0, 0), operand(0, elementType.i32, 0, 1)],
    xStrides: [1, 5],
    partStrides: [4, 1],
    x: operand(1),
    part: operand(2),
  };
  return {
    name: "slice of a transposed view",
    opcode: "OP_DYNAMIC_SLICE",
    rows: dynamicSliceRows(instruction),
    rowsPerGroup: 2,
    scratchBytes: 0,
    bindings: [Int32Array.from([1, 2]), x, real(new Float64Array(12))],
    write: (writer) => dynamicSliceWords(instruction, writer),
    expected: [
      {
        binding: 2,
        values: Array.from({ length: 12 }, (_, i) => x[1 + Math.floor(i / 4) + (2 + (i % 4)) * 5]!),
        epsilons: 0,
      },
    ],
  };
}

export const dynamicChecks: MakeChecks = (real) => [
  ...windows.flatMap((window, seed) => {
    const x = noise(sizeOf(window.full), seed);
    const part = noise(sizeOf(window.window), seed + 100);
    const integer = (values: Float64Array) => Int32Array.from(values, (value) => Math.floor(value * 1000));
    return [...checks(real(x), real(part), window), ...checks(integer(x), integer(part), window)];
  }),
  transposedCheck(real),
];
