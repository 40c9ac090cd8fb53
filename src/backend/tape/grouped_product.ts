// Words of OP_GROUPED_PRODUCT and OP_GROUPED_OUTER after the header (the twin of src/kernels/grouped_product.h).
import type { Operand, TapeWriter } from "./writer.ts";

export interface GroupedSizes {
  /** Rows of x and y. */
  readonly rows: number;
  /** Columns of x. */
  readonly depth: number;
  /** Columns of y. */
  readonly columns: number;
  readonly groups: number;
}

/** y[n] = x[n] w[e] for rows n in offsets[e] … offsets[e + 1] - 1, zeros for rows in no group. */
export interface GroupedProductInstruction extends GroupedSizes {
  /** Elements from row to row. */
  readonly xRow: number;
  readonly yRow: number;
  /** Strides of w [groups, depth, columns]. */
  readonly wGroup: number;
  readonly wDepth: number;
  readonly wColumn: number;
  readonly x: Operand;
  readonly w: Operand;
  /** i32 [groups + 1]. */
  readonly offsets: Operand;
  readonly y: Operand;
}

/** z[e] = Σ x[n]ᵀ y[n] over rows n of group e; z [groups, depth, columns] without gaps. */
export interface GroupedOuterInstruction extends GroupedSizes {
  readonly xRow: number;
  readonly yRow: number;
  readonly x: Operand;
  readonly y: Operand;
  readonly offsets: Operand;
  readonly z: Operand;
}

const panelColumns = 32;
/** Elements of a copied block of w: half of a second-level cache in floats. */
const copyElements = 2 ** 16;
const outerChunk = 256;

const roundUp = (x: number, to: number): number => Math.ceil(x / to) * to;

/** Blocks of x long enough to repay a copy of their group's matrix, and enough of them to go round. */
function productBlocks({ rows, depth, columns }: GroupedSizes): { rowBlock: number; columnBlock: number } {
  const rowBlock = Math.min(240, roundUp(Math.max(1, rows / 16), 24));
  const fit = Math.max(panelColumns, Math.floor(copyElements / depth / panelColumns) * panelColumns);
  const parts = Math.ceil(columns / fit);
  return { rowBlock, columnBlock: Math.max(panelColumns, roundUp(columns / parts, panelColumns)) };
}

export function groupedProductRows(sizes: GroupedSizes): number {
  const { rowBlock, columnBlock } = productBlocks(sizes);
  return Math.ceil(sizes.columns / columnBlock) * Math.ceil(sizes.rows / rowBlock);
}

/** One block of w, in reals of up to 8 bytes. */
export function groupedProductScratchBytes(sizes: GroupedSizes): number {
  return sizes.depth * productBlocks(sizes).columnBlock * 8;
}

export function groupedProductWords(instruction: GroupedProductInstruction, writer: TapeWriter): void {
  const { rows, depth, columns, groups, xRow, yRow, wGroup, wDepth, wColumn } = instruction;
  const { rowBlock, columnBlock } = productBlocks(instruction);
  for (const value of [rows, depth, columns, groups, rowBlock, columnBlock]) writer.word(value);
  for (const value of [xRow, yRow, wGroup, wDepth, wColumn]) writer.word(value);
  for (const operand of [instruction.x, instruction.w, instruction.offsets, instruction.y])
    writer.operand(operand);
}

/** Tiles of a group's matrix: all work may lie in one group, so that each must be cut. */
function outerBlocks({ depth, columns }: GroupedSizes): { depthBlock: number; columnBlock: number } {
  return {
    depthBlock: Math.min(192, roundUp(Math.max(1, depth), 24)),
    columnBlock: Math.min(128, roundUp(Math.max(1, columns), panelColumns)),
  };
}

export function groupedOuterRows(sizes: GroupedSizes): number {
  const { depthBlock, columnBlock } = outerBlocks(sizes);
  return sizes.groups * Math.ceil(sizes.depth / depthBlock) * Math.ceil(sizes.columns / columnBlock);
}

/** One chunk of rows of y, in reals of up to 8 bytes. */
export function groupedOuterScratchBytes(sizes: GroupedSizes): number {
  return outerChunk * outerBlocks(sizes).columnBlock * 8;
}

export function groupedOuterWords(instruction: GroupedOuterInstruction, writer: TapeWriter): void {
  const { rows, depth, columns, groups, xRow, yRow } = instruction;
  const { depthBlock, columnBlock } = outerBlocks(instruction);
  for (const value of [rows, depth, columns, groups, depthBlock, columnBlock, xRow, yRow]) writer.word(value);
  for (const operand of [instruction.x, instruction.y, instruction.offsets, instruction.z])
    writer.operand(operand);
}
