// Words of OP_MATRIX_RECURRENCE and OP_MATRIX_RECURRENCE_GRADIENT after the header (the twin of
// src/kernels/matrix_recurrence.h).
import type { HeadsView } from "./attention.ts";
import type { Operand, TapeWriter } from "./writer.ts";

export interface MatrixRecurrenceSizes {
  readonly batch: number;
  readonly length: number;
  readonly heads: number;
  /** Of queries, keys and decays. */
  readonly width: number;
  readonly valueWidth: number;
  /** A row is one batch entry and one head, instead of one batch entry. Not where an operand is LOCAL. */
  readonly fine: boolean;
}

/** What both instructions begin with. */
interface Common extends MatrixRecurrenceSizes {
  readonly readsBefore: boolean;
  readonly query: HeadsView;
  readonly key: HeadsView;
  readonly value: HeadsView;
  readonly decay: HeadsView;
  /** [batch, blocks, heads, width, valueWidth] without gaps inside a batch entry, whose stride is `item`. */
  readonly starts: Operand;
}

export interface MatrixRecurrenceInstruction extends Common {
  readonly out: HeadsView;
  /** [batch, heads, width, valueWidth], in the same way. */
  readonly last: Operand;
}

export interface MatrixRecurrenceGradientInstruction extends Common {
  readonly outGradient: HeadsView;
  readonly queryGradient: HeadsView;
  readonly keyGradient: HeadsView;
  readonly valueGradient: HeadsView;
  readonly decayGradient: HeadsView;
}

export function matrixRecurrenceRows({ batch, heads, fine }: MatrixRecurrenceSizes): number {
  return fine ? batch * heads : batch;
}

export function matrixRecurrenceWords(instruction: MatrixRecurrenceInstruction, writer: TapeWriter): void {
  commonWords(instruction, writer);
  viewWords(instruction.out, writer);
  writer.operand(instruction.last);
}

export function matrixRecurrenceGradientWords(
  instruction: MatrixRecurrenceGradientInstruction,
  writer: TapeWriter,
): void {
  const { outGradient, queryGradient, keyGradient, valueGradient, decayGradient } = instruction;
  commonWords(instruction, writer);
  for (const view of [outGradient, queryGradient, keyGradient, valueGradient, decayGradient]) {
    viewWords(view, writer);
  }
}

function commonWords(instruction: Common, writer: TapeWriter): void {
  const { length, heads, width, valueWidth, readsBefore, fine } = instruction;
  for (const value of [fine ? 1 : heads, length, heads, width, valueWidth, readsBefore ? 1 : 0]) {
    writer.word(value);
  }
  for (const view of [instruction.query, instruction.key, instruction.value, instruction.decay]) {
    viewWords(view, writer);
  }
  writer.operand(instruction.starts);
}

function viewWords({ operand, token, head }: HeadsView, writer: TapeWriter): void {
  writer.operand(operand);
  writer.word(token);
  writer.word(head);
}

const blockTokens = 32;
const padded = (width: number): number => Math.ceil(width / 16) * 16;

/** Scratch of a thread; `realBytes` is 4, or 8 in the double build. */
export function matrixRecurrenceScratchBytes(
  sizes: Pick<MatrixRecurrenceSizes, "width" | "valueWidth">,
  realBytes: number,
): number {
  const wide = padded(sizes.width);
  const valueWide = padded(sizes.valueWidth);
  return (blockTokens * (6 * wide + 3 * valueWide) + 2 * wide * valueWide) * realBytes;
}
