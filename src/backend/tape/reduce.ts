// Words of OP_REDUCE after the header (the twin of src/kernels/reduce.h).
import type { Operand, TapeWriter } from "./writer.ts";

/** The middle axis of a view [A, K, C] reduced into a contiguous [A, C]; reals, i32 or u32. */
export interface ReduceInstruction {
  readonly kind: "sum" | "maximum";
  /** A, K and C. */
  readonly outer: number;
  readonly depth: number;
  readonly columns: number;
  /** Elements from entry to entry along A, K and C. */
  readonly inputOuter: number;
  readonly inputDepth: number;
  readonly inputColumn: number;
  readonly input: Operand;
  readonly output: Operand;
}

type ReduceShape = Pick<ReduceInstruction, "outer" | "depth" | "columns">;

/** Results that are computed together: some vectors wide, about 64 Ki entries read. */
function columnsPerBlock({ columns, depth }: ReduceShape): number {
  const wanted = Math.ceil(65536 / Math.max(1, depth) / 64) * 64;
  return Math.max(1, Math.min(columns, wanted));
}

/** header.rows. */
export function reduceRows(shape: ReduceShape): number {
  return shape.outer * Math.ceil(shape.columns / columnsPerBlock(shape));
}

/** Rows that one thread should take at a time, so that a group of them reads about 64 Ki entries. */
export function reduceRowsPerGroup(shape: ReduceShape): number {
  const entries = columnsPerBlock(shape) * shape.depth;
  return Math.max(1, Math.min(reduceRows(shape), Math.floor(65536 / Math.max(1, entries))));
}

export function reduceWords(instruction: ReduceInstruction, writer: TapeWriter): void {
  const perBlock = columnsPerBlock(instruction);
  writer.word(instruction.kind === "sum" ? 0 : 1);
  writer.word(instruction.depth);
  writer.word(instruction.columns);
  writer.word(Math.ceil(instruction.columns / perBlock));
  writer.word(perBlock);
  writer.operand(instruction.input);
  writer.operand(instruction.output);
  writer.word(instruction.inputOuter);
  writer.word(instruction.inputDepth);
  writer.word(instruction.inputColumn);
}
