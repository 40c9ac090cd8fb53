// Random groups of one instruction: every way an operand can lie in memory or a register, every way a result can be
// written, with what is expected of each. Knows what group.h says, not how the kernel does it.
import { groupTileRows } from "../../src/backend/tape/groupScratch.ts";
import type { GroupCode } from "../../src/backend/tape/opcodes.ts";
import { type ElementType, elementType } from "../../src/backend/tape/writer.ts";
import { castValue } from "../../src/tensor/ops/elementwise.ts";
import {
  bound,
  type Case,
  type Group,
  type GroupInstruction,
  type GroupValue,
  groupCase,
  type Values,
} from "./group_driver.ts";

/** What kind of numbers an operand or result is. */
export type Kind = "real" | "int" | "uint" | "bool";

export interface Function_ {
  readonly code: GroupCode;
  readonly operands: readonly Kind[];
  readonly result: Kind;
  /** The result in float64, and the size of the numbers whose rounding it carries (default: its own). */
  readonly f: (...operands: number[]) => number | { value: number; scale: number };
  /** Operands between these. Default: ±4 for reals, the whole range for integers. */
  readonly range?: readonly [number, number];
  /** Allowed error in units of 2^-24 (2^-53 in doubles) of the scale. Default 0: exact after rounding. */
  readonly ulps?: number;
}

export type Random = () => number;

/** A generator of numbers in [0, 1) (Marsaglia's xorshift32). */
export function random(seed: number): Random {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const pick = <T>(next: Random, choices: readonly T[]): T => choices[Math.floor(next() * choices.length)]!;

interface Operand {
  readonly value: GroupValue;
  /** What to load first, when the instruction reads a register. */
  readonly load?: { readonly memory: GroupValue; readonly extent: "tile" | "column" };
  readonly at: (row: number, column: number) => number;
}

interface Build {
  readonly realBytes: 4 | 8;
  readonly next: Random;
  readonly rows: number;
  readonly length: number;
  readonly bindings: Values[];
  tiles: number;
  columns: number;
}

const storage: Record<Kind, readonly ElementType[]> = {
  real: [elementType.real, elementType.real, elementType.f16, elementType.bf16],
  int: [elementType.i32],
  uint: [elementType.u32],
  bool: [elementType.bool],
};

function isWide(type: ElementType, realBytes: 4 | 8): boolean {
  return (
    type === elementType.real || (realBytes === 4 && (type === elementType.i32 || type === elementType.u32))
  );
}

function emptyArray(type: ElementType, size: number, realBytes: 4 | 8): Values {
  switch (type) {
    case elementType.real:
      return realBytes === 4 ? new Float32Array(size) : new Float64Array(size);
    case elementType.i32:
      return new Int32Array(size);
    case elementType.u32:
      return new Uint32Array(size);
    case elementType.bool:
      return new Uint8Array(size);
    default:
      return new Uint16Array(size);
  }
}

/** A number of the kind, as it is after storage in `type`. */
function number(next: Random, kind: Kind, range: readonly [number, number] | undefined): number {
  const edge = next() < 0.1;
  switch (kind) {
    case "real": {
      const [low, high] = range ?? [-4, 4];
      return Math.fround(
        edge ? Math.min(high, Math.max(low, pick(next, [0, 1, -1, low, high]))) : low + (high - low) * next(),
      );
    }
    case "int":
      return edge ? pick(next, [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)]) : Math.floor(next() * 2 ** 32) | 0;
    case "uint":
      return edge ? pick(next, [0, 1, 2 ** 31, 2 ** 32 - 1]) : Math.floor(next() * 2 ** 32) >>> 0;
    case "bool":
      return next() < 0.5 ? 0 : 1;
  }
}

const f32 = new Float32Array(1);
const bits32 = new Uint32Array(f32.buffer);

/** Bits of a number that f16 or bf16 holds exactly. */
export function bitsOf(value: number, type: ElementType): number {
  f32[0] = value;
  const bits = bits32[0]!;
  if (type === elementType.bf16) return bits >>> 16;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = Math.abs(value);
  if (magnitude === Number.POSITIVE_INFINITY) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | Math.round(magnitude * 2 ** 24);
  return sign | (((bits & 0x7fffffff) >>> 13) - (112 << 10));
}

interface Lay {
  readonly axes: readonly { divisor: number; size: number; stride: number }[];
  readonly columnStride: number;
  readonly size: number;
  readonly start: number;
}

const layouts = [
  "flat",
  "padded",
  "row",
  "column",
  "one",
  "transposed",
  "gaps",
  "permuted",
  "reversed",
] as const;

/** Where rows x length numbers lie; `writable` ones name every place once. */
function lay(next: Random, rows: number, length: number, writable: boolean): Lay {
  const along = (stride: number) => [{ divisor: 1, size: rows, stride }];
  const name = pick(next, writable ? layouts.filter((l) => !["row", "column", "one"].includes(l)) : layouts);
  switch (name) {
    case "flat":
      return { axes: along(length), columnStride: 1, size: rows * length, start: 0 };
    case "padded":
      return { axes: along(length + 3), columnStride: 1, size: rows * (length + 3), start: 1 };
    case "row":
      return { axes: [], columnStride: 1, size: length, start: 0 };
    case "column":
      return { axes: along(1), columnStride: 0, size: rows, start: 0 };
    case "one":
      return { axes: [], columnStride: 0, size: 1, start: 0 };
    case "transposed":
      return { axes: along(1), columnStride: rows, size: rows * length, start: 0 };
    case "gaps":
      return { axes: along(2 * length), columnStride: 2, size: 2 * rows * length, start: 1 };
    case "permuted": {
      // Rows (p, q) of which q is the slower in memory.
      const inner = [5, 4, 3, 2, 1].find((size) => rows % size === 0)!;
      const outer = rows / inner;
      const axes = [
        { divisor: inner, size: outer, stride: length },
        { divisor: 1, size: inner, stride: outer * length },
      ];
      return { axes, columnStride: 1, size: rows * length, start: 0 };
    }
    case "reversed":
      return { axes: along(-length), columnStride: -1, size: rows * length, start: rows * length - 1 };
  }
}

const place = ({ axes, columnStride, start }: Lay, row: number, column: number): number =>
  axes.reduce((sum, a) => sum + (Math.floor(row / a.divisor) % a.size) * a.stride, start) +
  column * columnStride;

function addMemory(build: Build, type: ElementType, where: Lay): { value: GroupValue; array: Values } {
  const array = emptyArray(type, where.size, build.realBytes);
  build.bindings.push(array);
  const operand = bound(build.bindings.length - 1, type, where.start);
  return { value: { kind: "memory", operand, axes: where.axes, columnStride: where.columnStride }, array };
}

/** An operand with random values in a random place. */
function makeOperand(
  build: Build,
  kind: Kind,
  extent: "tile" | "column",
  range: Function_["range"],
): Operand {
  const { next, rows, realBytes } = build;
  if (next() < 0.15) {
    const value = number(next, kind, range);
    return { value: { kind: kind === "real" ? "immediate" : "integer", value }, at: () => value };
  }
  // A column register under a tile instruction stands for whole rows.
  const loadExtent = extent === "tile" && next() < 0.2 ? "column" : extent;
  const length = loadExtent === "tile" ? build.length : 1;
  const where = lay(next, rows, length, false);
  const type = pick(next, storage[kind]);
  const { value, array } = addMemory(build, type, where);
  const contents = Array.from(array, () => {
    const x = number(next, kind, range);
    return type === elementType.f16
      ? castValue(x, "f16")
      : type === elementType.bf16
        ? castValue(x, "bf16")
        : x;
  });
  const half = type === elementType.f16 || type === elementType.bf16;
  array.set(half ? contents.map((x) => bitsOf(x, type)) : contents);
  const at = (row: number, column: number) =>
    contents[place(where, row, loadExtent === "tile" ? column : 0)]!;
  const direct = isWide(type, realBytes) && loadExtent === extent && next() < 0.6;
  if (direct) return { value, at };
  const register = loadExtent === "tile" ? build.tiles++ : build.columns++;
  return { value: { kind: loadExtent, register }, load: { memory: value, extent: loadExtent }, at };
}

export interface Expected {
  readonly binding: number;
  readonly describe: string;
  /** Of every element of the binding; NaN where untouched memory must still hold its pattern is not needed: it is zero. */
  readonly values: readonly { value: number; scale: number }[];
  readonly type: ElementType;
}

export interface RandomCase {
  readonly run: Case;
  readonly expected: Expected;
}

/** One instruction with random operands, its result written to memory in a random way. */
export function randomCase(fn: Function_, realBytes: 4 | 8, seed: number): RandomCase {
  const next = random(seed * 2654435761);
  for (let i = 0; i < 5; i++) next();
  const rows = pick(next, [1, 2, 5, 12, 37, 60]);
  const length = pick(next, [1, 1, 3, 7, 16, 17, 33, 64, 100, 257]);
  const extent = next() < 0.25 ? "column" : "tile";
  const build: Build = { realBytes, next, rows, length, bindings: [], tiles: 0, columns: 0 };
  const operands = fn.operands.map((kind) => makeOperand(build, kind, extent, fn.range));
  const width = extent === "tile" ? length : 1;
  const where = lay(next, rows, width, true);
  const type = pick(next, storage[fn.result]);
  const destination = addMemory(build, type, where);
  const binding = build.bindings.length - 1;
  const direct = isWide(type, realBytes) && next() < 0.6;
  const values: GroupValue[] = operands.map(({ value }) => value);
  const instructions: GroupInstruction[] = [];
  operands.forEach(({ load }, i) => {
    if (load === undefined) return;
    values.push(load.memory);
    instructions.push({ code: "LOAD", extent: load.extent, result: i, operands: [values.length - 1] });
  });
  const own = operands.map((_, i) => i);
  const memory = values.push(destination.value) - 1;
  if (direct) instructions.push({ code: fn.code, extent, result: memory, operands: own });
  else {
    // Over an operand's register where there is one: a result may be the place of an operand.
    const reusable = operands.findIndex(({ value }) => value.kind === extent);
    const register = extent === "tile" ? build.tiles++ : build.columns++;
    const result = reusable >= 0 ? reusable : values.push({ kind: extent, register }) - 1;
    instructions.push({ code: fn.code, extent, result, operands: own });
    instructions.push({ code: "STORE", extent, result: memory, operands: [result] });
  }
  const tileRows = pick(next, [1, 3, groupTileRows({ rows, length, tileRegisters: build.tiles, realBytes })]);
  const group: Group = {
    length,
    tileRows,
    tileRegisters: build.tiles,
    columnRegisters: build.columns,
    accumulators: 0,
    values,
    instructions,
  };
  const rowsPerGroup = pick(next, [rows, Math.ceil(rows / 2), Math.min(rows, 7)]);
  const expected = Array.from(destination.array, () => ({ value: 0, scale: 0 }));
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < width; j++) {
      const result = fn.f(...operands.map(({ at }) => at(r, j)));
      expected[place(where, r, j)] =
        typeof result === "number" ? { value: result, scale: Math.abs(result) } : result;
    }
  }
  const describe = `${fn.code} seed ${seed}: ${rows} x ${length} ${extent}, tiles of ${tileRows}, groups of ${rowsPerGroup}`;
  return {
    run: groupCase(realBytes, rows, rowsPerGroup, group, build.bindings),
    expected: { binding, describe, values: expected, type },
  };
}

/** Compares a binding with what is expected of it, element by element. */
export function expectCases(expected: Expected, actual: Values, fn: Function_, single: boolean): void {
  const unit = single ? 2 ** -24 : 2 ** -53;
  expected.values.forEach(({ value, scale }, i) => {
    const stored =
      expected.type === elementType.f16 || expected.type === elementType.bf16
        ? fromBits(actual[i]!, expected.type)
        : actual[i]!;
    // Halves hold eleven bits and bfloats eight: a result between two of them may round either way.
    const coarse =
      expected.type === elementType.f16 ? 2 ** -11 : expected.type === elementType.bf16 ? 2 ** -8 : 0;
    const rounded =
      coarse > 0
        ? castValue(value, expected.type === elementType.f16 ? "f16" : "bf16")
        : single && fn.result === "real"
          ? Math.fround(value)
          : value;
    if (Object.is(stored, rounded) || stored === rounded || (Number.isNaN(stored) && Number.isNaN(value)))
      return;
    const allowed =
      (fn.ulps ?? 0) * unit * scale * 2 + coarse * Math.abs(value) + (coarse > 0 ? 2 ** -24 : 0);
    const error = Math.abs(stored - rounded);
    if (!(error <= allowed)) {
      throw new Error(
        `${expected.describe}: element ${i} is ${stored}, expected ${rounded} (error ${error}, allowed ${allowed})`,
      );
    }
  });
}

function fromBits(bits: number, type: ElementType): number {
  if (type === elementType.bf16) {
    bits32[0] = bits << 16;
    return f32[0]!;
  }
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
