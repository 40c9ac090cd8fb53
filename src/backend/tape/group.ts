// Words of OP_GROUP: chooses registers, reads and writes memory in place where the kernel can, and joins a product with
// the addition or row sum that follows it.
import {
  type GroupInstruction,
  type GroupMemory,
  type GroupOperand,
  type GroupStep,
  memoryOf,
  type RowView,
} from "../../compiler/plan.ts";
import { type DType, isFloat } from "../../tensor/tensor.ts";
import { groupScratchBytes, groupTileRows } from "./groupScratch.ts";
import { type GroupCode, groupCodes } from "./opcodes.ts";
import { type Layout, operandAt } from "./place.ts";
import { maxAxes, type Operand, space, type TapeWriter } from "./writer.ts";

const codeOf = new Map(groupCodes.map((name, code) => [name, code]));

type Value =
  | { kind: "tile" | "column"; register: number }
  | { kind: "immediate"; value: number }
  | { kind: "integer"; value: number }
  | { kind: "memory"; memory: GroupMemory; operand: Operand };

interface Instruction {
  readonly code: GroupCode;
  readonly extent: "tile" | "column";
  /** Index of a virtual register, or a value. */
  readonly result: Virtual;
  readonly operands: readonly Virtual[];
}

/** A value before registers are assigned. */
type Virtual =
  | { readonly kind: "virtual"; readonly id: number; readonly extent: "tile" | "column" }
  | Exclude<Value, { kind: "tile" | "column" }>;

export interface EncodedGroup {
  readonly words: (writer: TapeWriter) => void;
  readonly scratchBytes: number;
  readonly tileRows: number;
}

/** Encodes everything after the header. `rows` is the step's rows: LOCAL operands find their group by it. */
export function encodeGroup(step: GroupStep, layout: Layout): EncodedGroup {
  const instructions = select(step, layout);
  const { values, rows: assigned, tiles, columns } = assignRegisters(instructions);
  const accumulators = step.partials.reduce(
    (total, { partial }) => total + Math.ceil(partial.width / 16) * 16,
    0,
  );
  const shape = {
    rows: step.rows,
    length: step.length,
    tileRegisters: tiles,
    columnRegisters: columns,
    realBytes: layout.realBytes,
  };
  const tileRows = groupTileRows(shape);
  return {
    tileRows,
    scratchBytes: groupScratchBytes({ ...shape, tileRows, accumulators, values: values.length }),
    words: (writer) => {
      for (const word of [
        step.length,
        tileRows,
        tiles,
        columns,
        accumulators,
        values.length,
        assigned.length,
      ])
        writer.word(word);
      for (const value of values) writeValue(writer, value);
      for (const words of assigned) for (const word of words) writer.word(word);
    },
  };
}

function writeValue(writer: TapeWriter, value: Value): void {
  const kinds = { tile: 0, column: 1, immediate: 2, memory: 3, integer: 4 } as const;
  writer.word(kinds[value.kind]);
  if (value.kind === "immediate") writer.double(value.value);
  else if (value.kind === "integer") {
    writer.word(value.value | 0);
    writer.word(value.value < 0 ? -1 : 0);
  } else {
    writer.word(value.kind === "memory" ? 0 : value.register);
    writer.word(0);
  }
  writer.operand(value.kind === "memory" ? value.operand : undefined);
  const view: Pick<RowView, "axes" | "columnStride"> =
    value.kind === "memory" ? value.memory.view : { axes: [], columnStride: 0 };
  if (view.axes.length > maxAxes)
    throw new RangeError(`a group reads memory through ${view.axes.length} axes; at most ${maxAxes}`);
  writer.word(view.axes.length);
  for (const key of ["divisor", "size", "stride"] as const) {
    for (let i = 0; i < maxAxes; i++) writer.word(view.axes[i]?.[key] ?? 0);
  }
  writer.word(view.columnStride);
}

// ---- instruction selection

interface Selection {
  readonly step: GroupStep;
  readonly layout: Layout;
  readonly out: Instruction[];
  readonly results: (Virtual | undefined)[];
  readonly loaded: Map<string, Virtual>;
  nextVirtual: number;
}

function select(step: GroupStep, layout: Layout): Instruction[] {
  const selection: Selection = { step, layout, out: [], results: [], loaded: new Map(), nextVirtual: 0 };
  const joins = joinedProducts(step);
  const absorbed = new Set(joins.values());
  const lastRead = lastReads(step, joins);
  const late: { memory: GroupMemory; value: Virtual }[] = [];
  step.instructions.forEach((instruction, i) => {
    // A product joined with its only user is computed there.
    if (absorbed.has(i)) return;
    const stores = step.stores.filter((store) => store.instruction === i);
    const partial = step.partials.find((entry) => entry.instruction === i);
    if (partial !== undefined) {
      const operands = [read(selection, instruction.operands[0]!, instruction.extent, instruction.dtype)];
      const memory = partialMemory(step, layout, partial.partial);
      selection.out.push({ code: "COLUMN_SUM", extent: instruction.extent, result: memory, operands });
      return;
    }
    const direct = stores.find(
      ({ memory }) =>
        writesInPlace(memory, layout, step) && (lastRead.get(memoryOf(memory.view.buffer)) ?? -1) <= i,
    );
    const target = direct && memoryValue(step, layout, direct.memory);
    const value = emit(selection, instruction, joins.get(i), target);
    selection.results[i] = value;
    for (const store of stores) if (store !== direct) late.push({ memory: store.memory, value });
  });
  for (const { memory, value } of late) {
    selection.out.push({
      code: "STORE",
      extent: memory.extent,
      result: memoryValue(step, layout, memory),
      operands: [value],
    });
  }
  return selection.out;
}

function countUses(step: GroupStep): number[] {
  const uses = step.instructions.map(() => 0);
  const use = (i: number) => {
    uses[i]!++;
  };
  for (const { operands } of step.instructions) {
    for (const operand of operands) if (operand.kind === "result") use(operand.instruction);
  }
  for (const { instruction } of step.stores) use(instruction);
  return uses;
}

/** For every memory read in the group: the last instruction that reads it. */
function lastReads(step: GroupStep, joins: ReadonlyMap<number, number>): Map<unknown, number> {
  const user = new Map([...joins].map(([i, product]) => [product, i]));
  const last = new Map<unknown, number>();
  step.instructions.forEach(({ operands }, i) => {
    for (const operand of operands) {
      if (operand.kind !== "memory") continue;
      const memory = memoryOf(step.memory[operand.memory]!.view.buffer);
      last.set(memory, Math.max(last.get(memory) ?? -1, user.get(i) ?? i));
    }
  });
  return last;
}

/** By instruction: the multiplication it can absorb, an operand of the same extent with no other use. */
function joinedProducts(step: GroupStep): Map<number, number> {
  const uses = countUses(step);
  const joins = new Map<number, number>();
  step.instructions.forEach((instruction, i) => {
    if (instruction.dtype !== "f32" || (instruction.name !== "add" && instruction.name !== "rowSum")) return;
    for (const operand of instruction.operands) {
      if (operand.kind !== "result" || uses[operand.instruction] !== 1 || joins.has(i)) continue;
      const product = step.instructions[operand.instruction]!;
      if (product.name === "multiply" && product.dtype === "f32" && product.extent === instruction.extent) {
        joins.set(i, operand.instruction);
      }
    }
  });
  return joins;
}

function emit(
  selection: Selection,
  instruction: GroupInstruction,
  joined: number | undefined,
  target: Virtual | undefined,
): Virtual {
  const { step } = selection;
  const { extent, dtype } = instruction;
  const factors = () =>
    step.instructions[joined!]!.operands.map((factor) => read(selection, factor, extent, "f32"));
  const resultExtent = instruction.name === "rowSum" || instruction.name === "rowMaximum" ? "column" : extent;
  if (joined !== undefined && instruction.name === "rowSum") {
    return push(selection, "ROW_DOT", extent, factors(), target, resultExtent);
  }
  if (joined !== undefined) {
    const other = instruction.operands.find(
      (operand) => !(operand.kind === "result" && operand.instruction === joined),
    )!;
    return push(
      selection,
      "MULTIPLY_ADD",
      extent,
      [...factors(), read(selection, other, extent, "f32")],
      target,
      extent,
    );
  }
  if (instruction.name === "iota") {
    const counted = [integer(instruction.inner!), integer(instruction.size!)];
    const asInt = instruction.result === "i32" || instruction.result === "u32";
    const value = push(
      selection,
      "IOTA",
      extent,
      [integer(0), ...counted],
      asInt ? target : undefined,
      extent,
    );
    return asInt ? value : push(selection, "INT_TO_REAL", extent, [value], target, extent);
  }
  if (instruction.name === "random") {
    const operand = instruction.operands[0] as Extract<GroupOperand, { kind: "memory" }>;
    const key = memoryValue(step, selection.layout, step.memory[operand.memory]!);
    return push(selection, "RANDOM", extent, [key], target, extent);
  }
  const operands = instruction.operands.map((operand, i) =>
    read(selection, operand, extent, instruction.name === "select" && i === 0 ? "bool" : dtype),
  );
  if (dtype === "u32" && instruction.name === "negate") {
    return push(selection, "UINT_SUBTRACT", extent, [integer(0), ...operands], target, extent);
  }
  if (dtype === "u32" && instruction.name === "sign") {
    return push(selection, "INT_NOT_EQUAL", extent, [...operands, integer(0)], target, extent);
  }
  if (instruction.name === "rowSum" && dtype === "u32") {
    const total = push(selection, "INT_ROW_SUM", extent, operands, undefined, "column");
    return push(selection, "INT_TO_UINT", "column", [total], target, "column");
  }
  return push(selection, codeFor(instruction), extent, operands, target, resultExtent);
}

function push(
  selection: Selection,
  code: GroupCode,
  extent: "tile" | "column",
  operands: readonly Virtual[],
  target: Virtual | undefined,
  resultExtent: "tile" | "column",
): Virtual {
  const result = target ?? { kind: "virtual", id: selection.nextVirtual++, extent: resultExtent };
  selection.out.push({ code, extent, result, operands });
  return result;
}

const integer = (value: number): Virtual => ({ kind: "integer", value });

/** An operand ready for an instruction: memory the kernel cannot read in place is loaded into a register first. */
function read(selection: Selection, operand: GroupOperand, extent: "tile" | "column", dtype: DType): Virtual {
  switch (operand.kind) {
    case "result":
      return selection.results[operand.instruction]!;
    case "immediate":
      return isFloat(dtype) ? { kind: "immediate", value: operand.value } : integer(operand.value);
    case "memory": {
      const { step, layout } = selection;
      const memory = { view: step.memory[operand.memory]!.view, extent };
      const value = memoryValue(step, layout, memory);
      if (readsInPlace(memory, layout)) return value;
      const key = `${extent} ${describe(memory.view)}`;
      const before = selection.loaded.get(key);
      if (before !== undefined) return before;
      const loaded = push(selection, "LOAD", extent, [value], undefined, extent);
      selection.loaded.set(key, loaded);
      return loaded;
    }
  }
}

function describe({ buffer, offset, axes, columnStride, steps }: RowView): string {
  return `${buffer.id} ${offset} ${columnStride} ${steps} ${axes.map((a) => `${a.divisor},${a.size},${a.stride}`)}`;
}

function isWide(dtype: DType, layout: Layout): boolean {
  return dtype === "f32" || (layout.realBytes === 4 && (dtype === "i32" || dtype === "u32"));
}

function readsInPlace({ view, extent }: GroupMemory, layout: Layout): boolean {
  if (!isWide(view.buffer.dtype, layout)) return false;
  if (extent === "column") return view.axes.length <= 1;
  return view.columnStride === 0 || view.columnStride === 1;
}

function writesInPlace({ view, extent }: GroupMemory, layout: Layout, step: GroupStep): boolean {
  if (!isWide(view.buffer.dtype, layout)) return false;
  if (extent === "column")
    return view.axes.length === 0 || (view.axes.length === 1 && view.axes[0]!.stride === 1);
  return view.columnStride === 1 || step.length === 1;
}

function memoryValue(
  step: GroupStep,
  layout: Layout,
  memory: GroupMemory,
): Extract<Virtual, { kind: "memory" }> {
  // Rows of a LOCAL or row-aligned operand are this far apart; for others it is not looked at.
  const whole = memoryOf(memory.view.buffer).elements;
  const item = whole % step.rows === 0 ? whole / step.rows : 0;
  const operand = operandAt(layout, memory.view, item);
  return {
    kind: "memory",
    memory,
    operand: operand.space === space.local ? operand : { ...operand, item: 0 },
  };
}

/** Partial sums: row `group`, `width` numbers. */
function partialMemory(
  step: GroupStep,
  layout: Layout,
  partial: GroupStep["partials"][number]["partial"],
): Virtual {
  const view: RowView = {
    buffer: partial.buffer,
    steps: [],
    offset: 0,
    axes: [{ divisor: 1, size: partial.groups, stride: partial.width }],
    columnStride: partial.width === 1 ? 0 : 1,
  };
  const operand = { ...operandAt(layout, view, 0) };
  return {
    kind: "memory",
    memory: { view, extent: step.length === partial.width ? "tile" : "column" },
    operand,
  };
}

const intNames: Partial<Record<GroupInstruction["name"], GroupCode>> = {
  negate: "INT_NEGATE",
  abs: "INT_ABS",
  sign: "INT_SIGN",
  add: "INT_ADD",
  subtract: "INT_SUBTRACT",
  multiply: "INT_MULTIPLY",
  maximum: "INT_MAXIMUM",
  minimum: "INT_MINIMUM",
  equal: "INT_EQUAL",
  notEqual: "INT_NOT_EQUAL",
  less: "INT_LESS",
  lessEqual: "INT_LESS_EQUAL",
  rowSum: "INT_ROW_SUM",
  rowMaximum: "INT_ROW_MAXIMUM",
  floor: "COPY",
  round: "COPY",
};

const uintNames: Partial<Record<GroupInstruction["name"], GroupCode>> = {
  add: "UINT_ADD",
  subtract: "UINT_SUBTRACT",
  multiply: "UINT_MULTIPLY",
  maximum: "UINT_MAXIMUM",
  minimum: "UINT_MINIMUM",
  less: "UINT_LESS",
  lessEqual: "UINT_LESS_EQUAL",
  shiftLeft: "UINT_SHIFT_LEFT",
  shiftRight: "UINT_SHIFT_RIGHT",
  rowMaximum: "UINT_ROW_MAXIMUM",
};

const realNames: Partial<Record<GroupInstruction["name"], GroupCode>> = {
  isFinite: "IS_FINITE",
  notEqual: "NOT_EQUAL",
  lessEqual: "LESS_EQUAL",
  rowSum: "ROW_SUM",
  rowMaximum: "ROW_MAXIMUM",
  shiftLeft: "SHIFT_LEFT",
  shiftRight: "SHIFT_RIGHT",
  copy: "COPY",
  stopGradient: "COPY",
};

function codeFor(instruction: GroupInstruction): GroupCode {
  const { name, dtype, result } = instruction;
  if (name === "cast") return castCode(dtype, result);
  const special =
    dtype === "u32" ? (uintNames[name] ?? intNames[name]) : isFloat(dtype) ? undefined : intNames[name];
  const code = special ?? realNames[name] ?? (name.toUpperCase() as GroupCode);
  if (!codeOf.has(code)) throw new RangeError(`${name} of ${dtype} has no kernel`);
  return code;
}

function castCode(from: DType, to: DType): GroupCode {
  const source = isFloat(from) ? "real" : from;
  switch (to) {
    case "f32":
      return source === "real" ? "COPY" : source === "u32" ? "UINT_TO_REAL" : "INT_TO_REAL";
    case "f16":
      return "ROUND_TO_F16";
    case "bf16":
      return "ROUND_TO_BF16";
    case "i32":
      return source === "real" ? "REAL_TO_INT" : source === "u32" ? "UINT_TO_INT" : "COPY";
    case "u32":
      return source === "real" ? "REAL_TO_UINT" : source === "i32" ? "INT_TO_UINT" : "COPY";
    case "bool":
      return source === "real" ? "REAL_TO_BOOL" : source === "bool" ? "COPY" : "INT_TO_BOOL";
  }
}

// ---- registers

/** Gives virtual registers real ones, reused after their last reader, and numbers all values. */
function assignRegisters(instructions: readonly Instruction[]) {
  const last = new Map<number, number>();
  instructions.forEach(({ operands, result }, i) => {
    for (const operand of [...operands, result]) if (operand.kind === "virtual") last.set(operand.id, i);
  });
  const free = { tile: [] as number[], column: [] as number[] };
  const count = { tile: 0, column: 0 };
  const register = new Map<number, number>();
  const values: Value[] = [];
  const known = new Map<string, number>();
  const number = (value: Value): number => {
    const key =
      value.kind === "memory"
        ? `m ${JSON.stringify(value.operand)} ${describe(value.memory.view)}`
        : "register" in value
          ? `${value.kind} ${value.register}`
          : `${value.kind} ${Object.is(value.value, -0) ? "-0" : value.value}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    known.set(key, values.length);
    values.push(value);
    return values.length - 1;
  };
  const index = (value: Virtual): number =>
    number(value.kind === "virtual" ? { kind: value.extent, register: register.get(value.id)! } : value);
  const rows = instructions.map(({ code, extent, result, operands }, i): number[] => {
    const read = operands.map(index);
    for (const operand of new Set(operands)) {
      if (operand.kind === "virtual" && last.get(operand.id) === i)
        free[operand.extent].push(register.get(operand.id)!);
    }
    if (result.kind === "virtual") {
      const reuse = free[result.extent].pop();
      register.set(result.id, reuse ?? count[result.extent]++);
      if (last.get(result.id) === i) free[result.extent].push(register.get(result.id)!);
    }
    const at = index(result);
    const isIota = code === "IOTA";
    const [a = -1, b = -1, c = -1] = isIota ? [-1, read[1], read[2]] : read;
    return [codeOf.get(code)!, extent === "tile" ? 0 : 1, at, a, b, c];
  });
  return { values, rows, tiles: count.tile, columns: count.column };
}
