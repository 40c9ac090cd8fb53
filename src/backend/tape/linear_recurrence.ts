// Words of OP_LINEAR_RECURRENCE after the header (the twin of src/kernels/linear_recurrence.h).
import type { Operand, TapeWriter } from "./writer.ts";

export interface LinearRecurrenceSizes {
  readonly batch: number;
  readonly times: number;
  readonly channels: number;
}

/** Strides of a view in elements by axis: batch, time, channel; 0 where broadcast. */
export type SequenceStrides = readonly [batch: number, time: number, channel: number];

/** h[t] = a[t] h[t - 1] + b[t], or with h[t + 1] when `reverse`. */
export interface LinearRecurrenceInstruction extends LinearRecurrenceSizes {
  readonly reverse: boolean;
  readonly aStrides: SequenceStrides;
  readonly bStrides: SequenceStrides;
  /** Batch, channel. */
  readonly initialStrides: readonly [number, number];
  readonly resultStrides: SequenceStrides;
  readonly a: Operand;
  readonly b: Operand;
  /** Absent: zeros. */
  readonly initial: Operand | undefined;
  readonly result: Operand;
}

/** The widest block, which reads the longest runs of memory, that still leaves 8 of them. */
function channelBlock({ batch, channels }: LinearRecurrenceSizes): number {
  return [256, 128, 64].find((block) => batch * Math.ceil(channels / block) >= 8) ?? 16;
}

export function linearRecurrenceRows(sizes: LinearRecurrenceSizes): number {
  return sizes.batch * Math.ceil(sizes.channels / channelBlock(sizes));
}

export function linearRecurrenceWords(instruction: LinearRecurrenceInstruction, writer: TapeWriter): void {
  const { times, channels, reverse, aStrides, bStrides, initialStrides, resultStrides } = instruction;
  for (const value of [times, channels, channelBlock(instruction), reverse ? 1 : 0]) writer.word(value);
  for (const value of [...aStrides, ...bStrides, ...initialStrides, ...resultStrides]) writer.word(value);
  for (const operand of [instruction.a, instruction.b, instruction.initial, instruction.result]) {
    writer.operand(operand);
  }
}
