// Products on the tape: how one is cut, when b is packed beforehand, and the words of OP_CONTRACT and OP_PACK after the
// header (the twin of src/kernels/contract.h). Knows strides, not buffers.
import type { Strided } from "../../tensor/tensor.ts";
import { maxAxes, type Operand, type TapeWriter } from "./writer.ts";

/** Strides in elements: of a matrix's rows and columns, and along the batch axes. */
export interface MatrixStrides {
  readonly row: number;
  readonly column: number;
  readonly batch: readonly number[];
}

/** output [batch…, rows, columns] = a [batch…, rows, depth] · b [batch…, depth, columns] + addend. */
export interface Contraction {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly batch: readonly number[];
  readonly a: MatrixStrides;
  readonly b: MatrixStrides;
  readonly output: MatrixStrides;
  readonly addend: MatrixStrides | undefined;
}

/** The numbers of src/kernels/contract.h. */
export const contractionBlocks = {
  depth: 384,
  columns: 384,
  rows: 96,
  rowGap: 16,
  packColumns: 64,
  fewRows: 8,
  fewColumns: 4,
} as const;

const roundUp = (x: number, to: number): number => Math.ceil(x / to) * to;
const product = (sizes: readonly number[]): number => sizes.reduce((n, size) => n * size, 1);

/** The product of two views [N…, M, K] and [N…, K, P], in the fewest batch axes that say the same. */
export function contractionOf(a: Strided, b: Strided, output: Strided, addend?: Strided): Contraction {
  const operands = [a, b, output, addend ?? output] as const;
  if (output.shape.at(-1)! > 1 && output.strides.at(-1) !== 1)
    throw new RangeError("a product's columns must be contiguous");
  const batchRank = output.shape.length - 2;
  const axes: BatchAxis[] = [];
  for (let axis = 0; axis < batchRank; axis++) {
    const size = output.shape[axis]!;
    const strides = operands.map((operand) => operand.strides[axis]!);
    const outer = axes.at(-1);
    if (size === 1) continue;
    if (outer?.strides.every((stride, i) => stride === size * strides[i]!)) {
      axes[axes.length - 1] = { size: outer.size * size, strides };
    } else axes.push({ size, strides });
  }
  let rows = output.shape.at(-2)!;
  let rowStrides: readonly number[] = operands.map((operand) => operand.strides.at(-2)!);
  // A batch that shares b and continues the rows of all others is more rows.
  for (let inner = axes.at(-1); inner !== undefined; inner = axes.at(-1)) {
    const continues = inner.strides.every((stride, i) =>
      i === 1 ? stride === 0 : stride === rows * rowStrides[i]!,
    );
    if (rows === 1 && inner.strides[1] === 0) rowStrides = inner.strides;
    else if (!continues) break;
    rows *= inner.size;
    axes.pop();
  }
  if (axes.length > maxAxes)
    throw new RangeError(`a product with ${axes.length} batch axes; at most ${maxAxes}`);
  const matrix = (i: number): MatrixStrides => ({
    row: i === 1 ? b.strides.at(-2)! : rowStrides[i]!,
    column: operands[i]!.strides.at(-1)!,
    batch: axes.map((axis) => axis.strides[i]!),
  });
  return {
    rows,
    columns: output.shape.at(-1)!,
    depth: a.shape.at(-1)!,
    batch: axes.map((axis) => axis.size),
    a: matrix(0),
    b: matrix(1),
    output: matrix(2),
    addend: addend && matrix(3),
  };
}

interface BatchAxis {
  readonly size: number;
  /** Of a, b, output, addend. */
  readonly strides: readonly number[];
}

// ---- how a product is cut

/** A row of the instruction is a row of the output, a product of the outermost batch axis, or a tile of the output. */
export type Cut =
  | { readonly split: "rows" | "batch"; readonly rows: number; readonly rowsPerGroup: number }
  | {
      readonly split: "tiles";
      readonly rows: number;
      readonly rowsPerGroup: number;
      readonly tileRows: number;
      readonly tileColumns: number;
    };

/** The cut into `groups` equal runs of rows or batches, for a product that runs group by group with its neighbours. */
export function cutIntoGroups({ rows, batch }: Contraction, groups: number): Cut {
  const count = batch[0] ?? rows;
  return { split: batch.length > 0 ? "batch" : "rows", rows: count, rowsPerGroup: Math.ceil(count / groups) };
}

const parts = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];
// In units of one multiply-add of a vector of sixteen numbers: copying a number, reading one once, starting a tile.
const copyCost = 0.4;
const readCost = 0.3;
const tileCost = 2000;
const lanes = 16;
const tileHeight = 12; // rows of the kernel's register tile
const groupsPerThread = 16;

/** The cut of a product that runs alone: the tiles that finish first on so many threads. The cut changes no result. */
export function chooseCut(contraction: Contraction, packed: boolean, threads: number): Cut {
  const { rows, columns, depth, batch } = contraction;
  const products = product(batch);
  let best = { time: Number.POSITIVE_INFINITY, tileRows: 1, tileColumns: 1, tiles: 0 };
  for (const down of parts) {
    const tileRows = Math.max(1, Math.min(rows, roundUp(rows / down, tileHeight)));
    for (const across of parts) {
      const tileColumns = Math.max(
        1,
        Math.min(columns, roundUp(columns / across, contractionBlocks.packColumns)),
      );
      const tiles = products * Math.ceil(rows / tileRows) * Math.ceil(columns / tileColumns);
      const multiply = tileRows * Math.ceil(tileColumns / lanes) * depth;
      const right = tileColumns * depth * (packed || rows <= contractionBlocks.fewRows ? readCost : copyCost);
      const left =
        contraction.a.column === 1
          ? 0
          : tileRows * depth * copyCost * Math.ceil(tileColumns / contractionBlocks.columns);
      const time = Math.ceil(tiles / threads) * (multiply + right + left + tileCost);
      if (time < best.time) best = { time, tileRows, tileColumns, tiles };
    }
  }
  const { tileRows, tileColumns, tiles } = best;
  const rowsPerGroup = Math.max(1, Math.floor(tiles / (threads * groupsPerThread)));
  return { split: "tiles", rows: tiles, rowsPerGroup, tileRows, tileColumns };
}

/** What `item` of each operand must be under a cut: elements from one row of the instruction to the next. */
export function contractionItems(
  { a, b, output, addend }: Contraction,
  { split }: Cut,
): { a: number; b: number; output: number; addend: number } {
  if (split === "rows") return { a: a.row, b: 0, output: output.row, addend: addend?.row ?? 0 };
  const item = (matrix: MatrixStrides | undefined): number =>
    split === "batch" ? (matrix?.batch[0] ?? 0) : 0;
  return { a: item(a), b: item(b), output: item(output), addend: item(addend) };
}

/** Elements that OP_PACK makes of b. */
export function packedElements({ columns, depth }: Pick<Contraction, "columns" | "depth">): number {
  return roundUp(columns, contractionBlocks.packColumns) * depth;
}

// So many rows make up for packing b once more.
const manyRows = 240;

/** Whether packing b once, before all calls of `rowsPerCall` rows or a loop that repeats them, saves more than it costs. */
export function worthPacking(
  { rows, columns, depth, batch }: Contraction,
  rowsPerCall: number,
  repeated: boolean,
): boolean {
  if (batch.length > 0 || columns <= contractionBlocks.fewColumns || depth === 0) return false;
  if (rowsPerCall >= manyRows) return false;
  return repeated || (rows > contractionBlocks.fewRows && rowsPerCall < rows);
}

// ---- words

export interface ContractionInstruction {
  readonly contraction: Contraction;
  readonly cut: Cut;
  /** Default 1. */
  readonly scale?: number;
  /** b is what OP_PACK wrote. */
  readonly packed: boolean;
  readonly a: Operand;
  readonly b: Operand;
  readonly output: Operand;
  readonly addend: Operand | undefined;
}

const axisWords = (values: readonly number[], missing: number, writer: TapeWriter): void => {
  for (let axis = 0; axis < maxAxes; axis++) writer.word(values[axis] ?? missing);
};

export function contractionWords(instruction: ContractionInstruction, writer: TapeWriter): void {
  const { contraction, cut, scale, packed } = instruction;
  const { rows, columns, depth, batch, a, b, output, addend } = contraction;
  writer.word({ rows: 0, batch: 1, tiles: 2 }[cut.split]);
  writer.word(cut.split === "tiles" ? cut.tileRows : 0);
  writer.word(cut.split === "tiles" ? cut.tileColumns : 0);
  for (const size of [rows, columns, depth]) writer.word(size);
  axisWords(batch, 1, writer);
  for (const operand of [instruction.a, instruction.b, instruction.output, instruction.addend])
    writer.operand(operand);
  for (const stride of [a.row, a.column, b.row, b.column, output.row]) writer.word(stride);
  for (const stride of [addend?.row ?? 0, addend?.column ?? 0]) writer.word(stride);
  for (const matrix of [a, b, output, addend]) axisWords(matrix?.batch ?? [], 0, writer);
  writer.word(packed ? 1 : 0);
  writer.double(scale ?? 1);
}

/** Working memory of a thread: a block of b unless it is packed, and a block of a. */
export function contractionScratchBytes(
  { rows, columns, depth }: Contraction,
  packed: boolean,
  realBytes: number,
): number {
  const {
    depth: depthBlock,
    columns: columnBlock,
    rows: rowBlock,
    rowGap,
    packColumns,
    fewRows,
  } = contractionBlocks;
  const blockDepth = Math.min(depth, depthBlock);
  const right = packed ? 0 : roundUp(Math.min(columnBlock, roundUp(columns, packColumns)) * blockDepth, 16);
  const left = Math.max(fewRows, Math.min(rows, rowBlock)) * (blockDepth + rowGap);
  return (right + left) * realBytes;
}

export interface PackInstruction {
  readonly columns: number;
  readonly depth: number;
  readonly b: Operand;
  readonly packed: Operand;
  /** Strides of b. */
  readonly depthStride: number;
  readonly columnStride: number;
}

/** Rows of OP_PACK. */
export function packRows({ columns }: Pick<PackInstruction, "columns">): number {
  return Math.ceil(columns / contractionBlocks.packColumns);
}

export function packWords(instruction: PackInstruction, writer: TapeWriter): void {
  for (const size of [instruction.columns, instruction.depth]) writer.word(size);
  for (const operand of [instruction.b, instruction.packed]) writer.operand(operand);
  for (const stride of [instruction.depthStride, instruction.columnStride]) writer.word(stride);
}
