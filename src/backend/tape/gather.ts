// Words of OP_GATHER after the header (the twin of src/kernels/gather.h).
import type { Operand, TapeWriter } from "./writer.ts";

/** result[i] = x[indices[i]], zeros for indices outside the table; `item` of indices and result is their row stride. */
export interface GatherInstruction {
  /** Number of indices. */
  readonly count: number;
  /** Rows of x. */
  readonly table: number;
  /** Elements of a row. */
  readonly width: number;
  /** Elements from row to row of x. */
  readonly xRow: number;
  readonly x: Operand;
  readonly indices: Operand;
  readonly result: Operand;
}

export function gatherRows({ count }: Pick<GatherInstruction, "count">): number {
  return count;
}

export function gatherWords(instruction: GatherInstruction, writer: TapeWriter): void {
  for (const value of [instruction.table, instruction.width, instruction.xRow]) writer.word(value);
  for (const operand of [instruction.x, instruction.indices, instruction.result]) writer.operand(operand);
}
