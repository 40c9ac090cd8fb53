// Words of OP_SCATTER_ADD after the header (the twin of src/kernels/scatter_add.h).
import type { Operand, TapeWriter } from "./writer.ts";

export interface ScatterAddSizes {
  /** Number of indices. */
  readonly count: number;
  /** Rows of the result. */
  readonly table: number;
  /** Elements of a row. */
  readonly width: number;
}

/** result[n] = Σ updates[i] over indices[i] = n, in the order of i; `indices.item` is the indices' stride. */
export interface ScatterAddInstruction extends ScatterAddSizes {
  /** Elements from row to row. */
  readonly updatesRow: number;
  readonly resultRow: number;
  readonly updates: Operand;
  readonly indices: Operand;
  readonly result: Operand;
}

const lineElements = 16;
const parts = 4;

/**
 * A large result is cut by rows; each part reads all indices, so there are few parts. A small one is cut by columns,
 * which gives equal shares however often an index comes, but no narrower than 4 cache lines: short runs of memory are slow.
 */
function blocks({ table, width }: ScatterAddSizes): {
  tableBlock: number;
  widthBlock: number;
  count: number;
} {
  const large = table * width >= 2 ** 18 && table >= 64;
  const widthBlock = large ? width : Math.max(4, Math.ceil(width / parts / lineElements)) * lineElements;
  const tableBlock = large ? Math.ceil(table / parts) : Math.max(1, table);
  return { tableBlock, widthBlock, count: Math.ceil(width / widthBlock) * Math.ceil(table / tableBlock) };
}

export function scatterAddRows(sizes: ScatterAddSizes): number {
  return blocks(sizes).count;
}

export function scatterAddWords(instruction: ScatterAddInstruction, writer: TapeWriter): void {
  const { count, table, width, updatesRow, resultRow, updates, indices, result } = instruction;
  const { tableBlock, widthBlock } = blocks(instruction);
  for (const value of [count, table, width, tableBlock, widthBlock, updatesRow, resultRow])
    writer.word(value);
  for (const operand of [updates, indices, result]) writer.operand(operand);
}
