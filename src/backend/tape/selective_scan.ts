// OP_SELECTIVE_SCAN and OP_SELECTIVE_SCAN_GRADIENT (the twin of src/kernels/selective_scan.h), from a plan's steps.
import type { KernelStep, View } from "../../compiler/plan.ts";
import { SCAN_GROUP } from "../../tensor/composites/selectiveScan.ts";
import { hasUnitRows, type KernelEncoder, outer2 } from "./kernelEncoder.ts";
import { opcode } from "./opcodes.ts";
import { type Layout, operandAt } from "./place.ts";
import type { TapeWriter } from "./writer.ts";

interface ScanSizes {
  readonly batch: number;
  readonly times: number;
  readonly channels: number;
  readonly states: number;
}

/** States in registers at once, and the lanes of the widest vectors. */
const registerStates = 8;
const widest = 16;
const shortestChunk = 32;

function sizesOf({ inputs }: KernelStep): ScanSizes {
  const [batch, times, channels] = inputs[0]!.shape as [number, number, number];
  return { batch, times, channels, states: inputs[2]!.shape[0]! };
}

/** Long sequences have long chunks, so that the states at their starts stay few. */
function chunkOf({ times }: ScanSizes): number {
  let chunk = shortestChunk;
  while (4 * chunk * chunk < times) chunk *= 2;
  return Math.min(chunk, times);
}

function rowsOf({ batch, channels }: ScanSizes): number {
  return batch * Math.ceil(channels / SCAN_GROUP);
}

function gradientScratchBytes(sizes: ScanSizes, realBytes: number): number {
  const { times, channels, states } = sizes;
  const chunk = chunkOf(sizes);
  const row = Math.ceil(Math.min(channels, SCAN_GROUP) / widest) * widest;
  const kept = (Math.ceil(times / chunk) + 2) * states * row;
  return (kept + chunk * widest * (2 * registerStates + 2 * states + 2)) * realBytes;
}

function scanWords(step: KernelStep, layout: Layout, results: readonly View[], writer: TapeWriter): void {
  const sizes = sizesOf(step);
  const [delta, u, rates, write, read] = step.inputs as [View, View, View, View, View];
  for (const value of [sizes.times, sizes.channels, sizes.states]) writer.word(value);
  for (const value of [Math.min(sizes.channels, SCAN_GROUP), chunkOf(sizes)]) writer.word(value);
  for (const view of [delta, u, write, read]) outer2(view).forEach(writer.word);
  writer.word(rates.strides[0]!);
  for (const view of [delta, u, rates, write, read]) writer.operand(operandAt(layout, view, 0));
  for (const place of [0, 1]) writer.operand(results[place] && operandAt(layout, results[place], 0));
}

export const selectiveScanEncoder: KernelEncoder = {
  accepts: (_, view) => hasUnitRows(view),
  encode: (step, layout) => ({
    opcode: opcode.selectiveScan,
    rows: rowsOf(sizesOf(step)),
    scratchBytes: 0,
    words: (writer) => scanWords(step, layout, step.outputs, writer),
  }),
};

export const selectiveScanGradientEncoder: KernelEncoder = {
  accepts: (_, view) => hasUnitRows(view),
  encode: (step, layout) => ({
    opcode: opcode.selectiveScanGradient,
    rows: rowsOf(sizesOf(step)),
    scratchBytes: gradientScratchBytes(sizesOf(step), layout.realBytes),
    words: (writer) => {
      const dy = step.inputs[5]!;
      scanWords(step, layout, [], writer);
      outer2(dy).forEach(writer.word);
      for (const view of [dy, ...step.outputs]) writer.operand(operandAt(layout, view, 0));
    },
  }),
};
