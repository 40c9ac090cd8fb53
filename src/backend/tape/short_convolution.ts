// Words of OP_SHORT_CONVOLUTION and OP_SHORT_CONVOLUTION_GRADIENT after the header (the twin of
// src/kernels/short_convolution.h).
import type { Operand, TapeWriter } from "./writer.ts";

export interface ShortConvolutionSizes {
  readonly batch: number;
  readonly times: number;
  readonly channels: number;
  readonly taps: number;
}

/** Strides in elements of [batch, time, channel] with consecutive channels. */
export type BatchTimeStrides = readonly [batch: number, time: number];

/** y[b, t, d] = Σ_j kernel[j, d] x[b, t - j, d]. */
export interface ShortConvolutionInstruction extends ShortConvolutionSizes {
  readonly xStrides: BatchTimeStrides;
  readonly resultStrides: BatchTimeStrides;
  /** Elements from tap to tap of the kernel. */
  readonly kernelRow: number;
  readonly x: Operand;
  readonly kernel: Operand;
  readonly result: Operand;
}

/** dx and dkernel from the gradient g of y; either may be absent. dkernel is [taps, channels] without gaps. */
export interface ShortConvolutionGradientInstruction extends ShortConvolutionSizes {
  readonly xStrides: BatchTimeStrides;
  readonly gStrides: BatchTimeStrides;
  readonly dxStrides: BatchTimeStrides;
  readonly kernelRow: number;
  readonly x: Operand;
  readonly kernel: Operand;
  readonly g: Operand;
  readonly dx: Operand | undefined;
  readonly dkernel: Operand | undefined;
}

const timeBlock = 32;

export function shortConvolutionRows({ batch, times }: ShortConvolutionSizes): number {
  return batch * Math.ceil(times / timeBlock);
}

export function shortConvolutionWords(instruction: ShortConvolutionInstruction, writer: TapeWriter): void {
  const { times, channels, taps, xStrides, resultStrides, kernelRow } = instruction;
  for (const value of [times, channels, taps, timeBlock, ...xStrides, ...resultStrides, kernelRow])
    writer.word(value);
  for (const operand of [instruction.x, instruction.kernel, instruction.result]) writer.operand(operand);
}

/** Four blocks or more: wide ones read longer runs of memory. */
function channelBlock({ channels }: ShortConvolutionSizes): number {
  return Math.min(256, Math.max(32, Math.ceil(channels / 4 / 32) * 32));
}

export function shortConvolutionGradientRows(sizes: ShortConvolutionSizes): number {
  return Math.ceil(sizes.channels / channelBlock(sizes));
}

export function shortConvolutionGradientWords(
  instruction: ShortConvolutionGradientInstruction,
  writer: TapeWriter,
): void {
  const { batch, times, channels, taps, xStrides, gStrides, dxStrides, kernelRow } = instruction;
  for (const value of [batch, times, channels, taps, channelBlock(instruction)]) writer.word(value);
  for (const value of [...xStrides, ...gStrides, ...dxStrides, kernelRow]) writer.word(value);
  const { x, kernel, g, dx, dkernel } = instruction;
  for (const operand of [x, kernel, g, dx, dkernel]) writer.operand(operand);
}
