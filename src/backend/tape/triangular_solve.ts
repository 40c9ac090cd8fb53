// Words of OP_TRIANGULAR_SOLVE after the header (the twin of src/kernels/triangular_solve.h).
import type { Operand, TapeWriter } from "./writer.ts";

export interface TriangularSolveSizes {
  readonly batch: number;
  /** Rows and columns of a. */
  readonly size: number;
  /** Columns of b and x. */
  readonly columns: number;
}

/** a x = b for x; `item` of each operand is its stride from system to system. */
export interface TriangularSolveInstruction extends TriangularSolveSizes {
  /** Which triangle of a is used (before transposing). */
  readonly lower: boolean;
  /** Solves with a transposed. */
  readonly transpose: boolean;
  /** Takes the diagonal to be ones. */
  readonly unit: boolean;
  /** Strides of a in elements. */
  readonly aRow: number;
  readonly aColumn: number;
  readonly bRow: number;
  readonly xRow: number;
  readonly a: Operand;
  readonly b: Operand;
  readonly x: Operand;
}

const targetRows = 16;
const lineElements = 16;

/** Whole systems when there are many of them, at least 64 columns otherwise. */
function columnBlock({ batch, columns }: TriangularSolveSizes): number {
  const share = Math.ceil((columns * Math.min(batch, targetRows)) / targetRows / lineElements) * lineElements;
  return Math.max(64, share);
}

export function triangularSolveRows(sizes: TriangularSolveSizes): number {
  return sizes.batch * Math.ceil(sizes.columns / columnBlock(sizes));
}

export function triangularSolveWords(instruction: TriangularSolveInstruction, writer: TapeWriter): void {
  const { size, columns, lower, transpose, unit, aRow, aColumn, bRow, xRow } = instruction;
  for (const value of [size, columns, columnBlock(instruction), lower !== transpose ? 1 : 0, unit ? 1 : 0]) {
    writer.word(value);
  }
  for (const value of transpose ? [aColumn, aRow, bRow, xRow] : [aRow, aColumn, bRow, xRow])
    writer.word(value);
  for (const operand of [instruction.a, instruction.b, instruction.x]) writer.operand(operand);
}
