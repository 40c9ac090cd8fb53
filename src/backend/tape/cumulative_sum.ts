// Words of OP_CUMULATIVE_SUM after the header (the twin of src/kernels/cumulative_sum.h).
import type { Operand, TapeWriter } from "./writer.ts";

/** Running sums along columns; `item` is the row stride. */
export interface CumulativeSumInstruction {
  readonly rows: number;
  readonly length: number;
  /** Leaves out the element itself. */
  readonly exclusive: boolean;
  /** Sums from the end. */
  readonly reverse: boolean;
  /** Elements from column to column. */
  readonly xColumn: number;
  readonly resultColumn: number;
  readonly x: Operand;
  readonly result: Operand;
}

export function cumulativeSumRows({ rows }: Pick<CumulativeSumInstruction, "rows">): number {
  return rows;
}

export function cumulativeSumWords(instruction: CumulativeSumInstruction, writer: TapeWriter): void {
  writer.word(instruction.length);
  writer.word(instruction.exclusive ? 1 : 0);
  writer.word(instruction.reverse ? 1 : 0);
  writer.word(instruction.xColumn);
  writer.word(instruction.resultColumn);
  for (const operand of [instruction.x, instruction.result]) writer.operand(operand);
}
