// Words of OP_SORT after the header (the twin of src/kernels/sort.h).
import type { Operand, TapeWriter } from "./writer.ts";

/** The first `count` elements of every row of x in sorted order, and where they were; `item` is the row stride. */
export interface SortInstruction {
  readonly rows: number;
  /** Elements of a row of x, consecutive. */
  readonly length: number;
  /** 1 … length. */
  readonly count: number;
  readonly descending: boolean;
  readonly x: Operand;
  readonly values: Operand | undefined;
  readonly permutation: Operand | undefined;
}

export function sortRows({ rows }: Pick<SortInstruction, "rows">): number {
  return rows;
}

/** Two sets of keys (up to 8 bytes each) and positions. */
export function sortScratchBytes({ length }: Pick<SortInstruction, "length">): number {
  return length * 2 * (8 + 4);
}

export function sortWords(instruction: SortInstruction, writer: TapeWriter): void {
  writer.word(instruction.length);
  writer.word(instruction.count);
  writer.word(instruction.descending ? 1 : 0);
  for (const operand of [instruction.x, instruction.values, instruction.permutation]) writer.operand(operand);
}
