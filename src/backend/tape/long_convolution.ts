// Words of OP_LONG_CONVOLUTION after the header (the twin of src/kernels/long_convolution.h), and which transform runs.
import type { Operand, TapeWriter } from "./writer.ts";

export interface LongConvolutionSizes {
  readonly batch: number;
  readonly channels: number;
  readonly times: number;
}

/** y[b, d, t] = Σ_{s ≤ t} kernel[b, d, s] x[b, d, t - s]; strides by batch, channel, time (unlike [B, T, D] elsewhere). */
export interface LongConvolutionInstruction extends LongConvolutionSizes {
  readonly xStrides: readonly [batch: number, channel: number, time: number];
  /** Batch stride 0: one kernel for all batch indices. */
  readonly kernelStrides: readonly [batch: number, channel: number, time: number];
  readonly resultStrides: readonly [batch: number, channel: number, time: number];
  readonly x: Operand;
  readonly kernel: Operand;
  readonly result: Operand;
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

/** Blocks of 16 channels x batch indices. */
export function longConvolutionRows({ batch, channels }: LongConvolutionSizes): number {
  return Math.ceil(channels / channelBlock) * batch;
}

/** A group transforms its twiddles and a shared kernel once: all batch indices where that leaves 16 groups. */
export function longConvolutionRowsPerGroup({ batch, channels }: LongConvolutionSizes): number {
  return Math.ceil(batch / Math.ceil(16 / Math.ceil(channels / channelBlock)));
}

/** Two transforms of complex vectors (up to 64 bytes a part), the roots of unity and the twiddles made of them. */
export function longConvolutionScratchBytes({ times }: LongConvolutionSizes): number {
  const points = pointsOf(transformFactors(times));
  const roots = 2 * 2 ** Math.ceil(Math.log2(4 * points) / 2);
  return 2 * points * 2 * 64 + roots * 16 + points * 16;
}

export function longConvolutionWords(instruction: LongConvolutionInstruction, writer: TapeWriter): void {
  const { batch, channels, times, xStrides, kernelStrides, resultStrides } = instruction;
  const factors = transformFactors(times);
  for (const value of [batch, channels, times, pointsOf(factors), factors.length]) writer.word(value);
  for (let i = 0; i < maxFactors; i++) writer.word(factors[i] ?? 0);
  for (const value of [...xStrides, ...kernelStrides, ...resultStrides]) writer.word(value);
  for (const operand of [instruction.x, instruction.kernel, instruction.result]) writer.operand(operand);
}
