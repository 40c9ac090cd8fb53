// Words of OP_LONG_CONVOLUTION and OP_LONG_CONVOLUTION_GRADIENT after the header (the twin of
// src/kernels/long_convolution.h), and which transform runs.
import type { BatchTimeStrides } from "./short_convolution.ts";
import type { Operand, TapeWriter } from "./writer.ts";

export interface LongConvolutionSizes {
  readonly batch: number;
  readonly times: number;
  readonly channels: number;
}

/** y[b, t, d] = Σ_{s ≤ t} kernel[s, d] x[b, t - s, d]. */
export interface LongConvolutionInstruction extends LongConvolutionSizes {
  readonly xStrides: BatchTimeStrides;
  /** Elements from row to row of the kernel. */
  readonly kernelRow: number;
  readonly resultStrides: BatchTimeStrides;
  readonly x: Operand;
  readonly kernel: Operand;
  readonly result: Operand;
}

/** dx and dkernel from the gradient g of y. */
export interface LongConvolutionGradientInstruction extends LongConvolutionSizes {
  readonly xStrides: BatchTimeStrides;
  readonly kernelRow: number;
  readonly gStrides: BatchTimeStrides;
  readonly dxStrides: BatchTimeStrides;
  readonly dkernelRow: number;
  readonly x: Operand;
  readonly kernel: Operand;
  readonly g: Operand;
  readonly dx: Operand;
  readonly dkernel: Operand;
}

const channelBlock = 16;
const maxFactors = 24;
/** Time of a pass over one point relative to that of radix 4. */
const passCost = { 2: 0.8, 3: 1.05, 4: 1, 5: 1.4 } as const;
type Radix = keyof typeof passCost;

/** The cheapest product of 4 and further factors 2, 3, 4, 5 that is at least `times`. */
export function transformFactors(times: number): readonly Radix[] {
  let best: readonly Radix[] = [];
  let bestCost = Number.POSITIVE_INFINITY;
  for (let fives = 0; 5 ** fives < 2 * times; fives++) {
    for (let threes = 0; 5 ** fives * 3 ** threes < 2 * times; threes++) {
      const odd = 5 ** fives * 3 ** threes;
      const twos = Math.max(0, Math.ceil(Math.log2(times / 4 / odd)));
      const factors: Radix[] = [4];
      if (twos % 2 === 1) factors.push(2);
      for (let i = 0; i < fives; i++) factors.push(5);
      for (let i = 0; i < threes; i++) factors.push(3);
      for (let i = 1; i < twos; i += 2) factors.push(4);
      const passes = factors.reduce((sum, radix) => sum + passCost[radix], 0);
      const cost = 4 * odd * 2 ** twos * passes;
      if (cost < bestCost) {
        best = factors;
        bestCost = cost;
      }
    }
  }
  return best;
}

function pointsOf(factors: readonly Radix[]): number {
  return factors.reduce<number>((product, radix) => product * radix, 1);
}

const blocksOf = ({ channels }: LongConvolutionSizes): number => Math.ceil(channels / channelBlock);

/** Batch indices of a row: all of them, for which a kernel is transformed once, where that leaves 16 rows. */
export function batchPart(batch: number, kernels: number): number {
  return Math.ceil(batch / Math.ceil(16 / kernels));
}

export function longConvolutionRows(sizes: LongConvolutionSizes): number {
  const blocks = blocksOf(sizes);
  return blocks * Math.ceil(sizes.batch / batchPart(sizes.batch, blocks));
}

/** All batch indices are one row, whose order of summation is always the same. */
export function longConvolutionGradientRows(sizes: LongConvolutionSizes): number {
  return blocksOf(sizes);
}

/** Transforms of the kernel and of x. */
export function longConvolutionScratchBytes(sizes: LongConvolutionSizes): number {
  return scratchBytes(sizes, 2);
}

/** Transforms of the kernel, its gradient, x and g. */
export function longConvolutionGradientScratchBytes(sizes: LongConvolutionSizes): number {
  return scratchBytes(sizes, 4);
}

/** Complex vectors (up to 64 bytes a part), the roots of unity and the twiddles made of them. */
function scratchBytes({ times }: LongConvolutionSizes, transforms: number): number {
  const points = pointsOf(transformFactors(times));
  const roots = 2 * 2 ** Math.ceil(Math.log2(4 * points) / 2);
  return transforms * points * 2 * 64 + roots * 16 + points * 16;
}

export function convolutionSizeWords(
  { batch, channels, times }: LongConvolutionSizes,
  writer: TapeWriter,
): void {
  const factors = transformFactors(times);
  for (const value of [batch, channels, times, pointsOf(factors), factors.length]) writer.word(value);
  for (let i = 0; i < maxFactors; i++) writer.word(factors[i] ?? 0);
}

export function longConvolutionWords(instruction: LongConvolutionInstruction, writer: TapeWriter): void {
  const { xStrides, kernelRow, resultStrides } = instruction;
  convolutionSizeWords(instruction, writer);
  writer.word(batchPart(instruction.batch, blocksOf(instruction)));
  for (const value of [...xStrides, kernelRow, ...resultStrides]) writer.word(value);
  for (const operand of [instruction.x, instruction.kernel, instruction.result]) writer.operand(operand);
}

export function longConvolutionGradientWords(
  instruction: LongConvolutionGradientInstruction,
  writer: TapeWriter,
): void {
  const { xStrides, kernelRow, gStrides, dxStrides, dkernelRow } = instruction;
  convolutionSizeWords(instruction, writer);
  for (const value of [...xStrides, kernelRow, ...gStrides, ...dxStrides, dkernelRow]) writer.word(value);
  const { x, kernel, g, dx, dkernel } = instruction;
  for (const operand of [x, kernel, g, dx, dkernel]) writer.operand(operand);
}
