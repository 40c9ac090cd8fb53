// Words of OP_ATTENTION and OP_ATTENTION_GRADIENT after the header (the twin of src/kernels/attention.h).
import type { Operand, TapeWriter } from "./writer.ts";

/** A view [batch, length, heads, width] with unit stride in width; `operand.item` is the stride of batch. */
export interface HeadsView {
  readonly operand: Operand;
  /** Elements from position to position. */
  readonly token: number;
  /** Elements from head to head. */
  readonly head: number;
}

export interface AttentionSizes {
  readonly batch: number;
  readonly queryLength: number;
  readonly keyLength: number;
  readonly queryHeads: number;
  /** Divides queryHeads; query head h reads key head floor(h / (queryHeads / keyHeads)). */
  readonly keyHeads: number;
  /** Of queries and keys. */
  readonly width: number;
  readonly valueWidth: number;
  /** A row is one batch entry and one head of keys, instead of one batch entry. Not where an operand is LOCAL. */
  readonly fine: boolean;
}

export interface AttentionInstruction extends AttentionSizes {
  readonly causal: boolean;
  /** 0: none. */
  readonly window: number;
  readonly scale: number;
  readonly query: HeadsView;
  readonly key: HeadsView;
  readonly value: HeadsView;
  readonly out: HeadsView;
  /** [batch, queryHeads, queryLength] */
  readonly logSumExp: HeadsView;
  /** An i32 scalar, the position of the first query; undefined: 0. */
  readonly offset: Operand | undefined;
}

export interface AttentionGradientInstruction extends AttentionInstruction {
  readonly outGradient: HeadsView;
  readonly queryGradient: HeadsView;
  readonly keyGradient: HeadsView;
  readonly valueGradient: HeadsView;
}

/** Whether the kernels can read or write a view of these strides: width must be contiguous. */
export function attentionAccepts(shape: readonly number[], strides: readonly number[]): boolean {
  return shape.at(-1) === 1 || strides.at(-1) === 1;
}

export function attentionRows(sizes: Pick<AttentionSizes, "batch" | "keyHeads" | "fine">): number {
  return sizes.fine ? sizes.batch * sizes.keyHeads : sizes.batch;
}

export function attentionWords(instruction: AttentionInstruction, writer: TapeWriter): void {
  const { query, key, value, out, logSumExp } = instruction;
  writer.word(instruction.fine ? 1 : instruction.keyHeads);
  for (const size of [
    instruction.queryLength,
    instruction.keyLength,
    instruction.queryHeads,
    instruction.keyHeads,
    instruction.width,
    instruction.valueWidth,
    instruction.causal ? 1 : 0,
    instruction.window,
  ]) {
    writer.word(size);
  }
  writer.double(instruction.scale);
  for (const view of [query, key, value, out, logSumExp]) writer.operand(view.operand);
  writer.operand(instruction.offset);
  for (const view of [query, key, value, out, logSumExp]) {
    writer.word(view.token);
    writer.word(view.head);
  }
}

export function attentionGradientWords(instruction: AttentionGradientInstruction, writer: TapeWriter): void {
  const { outGradient, queryGradient, keyGradient, valueGradient } = instruction;
  const views = [outGradient, queryGradient, keyGradient, valueGradient];
  attentionWords(instruction, writer);
  for (const view of views) writer.operand(view.operand);
  for (const view of views) {
    writer.word(view.token);
    writer.word(view.head);
  }
}

type ScratchSizes = Pick<AttentionSizes, "keyLength" | "width" | "valueWidth">;

const queryBlock = 16;
const roundUp = (x: number): number => Math.ceil(x / queryBlock) * queryBlock;

/** Keys that are copied at once (keys_at_once of src/kernels/attention_block.h). */
function keysAtOnce({ keyLength, width, valueWidth }: ScratchSizes): number {
  const fit = Math.floor(65536 / (roundUp(width) + roundUp(valueWidth)) / queryBlock) * queryBlock;
  return Math.min(roundUp(keyLength), 256, Math.max(2 * queryBlock, fit));
}

/** Scratch of a thread for OP_ATTENTION; `realBytes` is 4, or 8 in the double build. */
export function attentionScratchBytes(sizes: ScratchSizes, realBytes: number): number {
  const width = roundUp(sizes.width);
  const valueWidth = roundUp(sizes.valueWidth);
  const keys = keysAtOnce(sizes);
  const rows = keys * (width + valueWidth) + queryBlock * (2 * width + valueWidth);
  return (rows + (keys + queryBlock) * queryBlock) * realBytes;
}

/** Scratch of a thread for OP_ATTENTION_GRADIENT. */
export function attentionGradientScratchBytes(sizes: ScratchSizes, realBytes: number): number {
  const columns = roundUp(sizes.width) + roundUp(sizes.valueWidth);
  return (columns * (2 * keysAtOnce(sizes) + 3 * queryBlock) + 2 * 64 * queryBlock) * realBytes;
}
