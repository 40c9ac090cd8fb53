// Convolutions and recurrences along time, from a plan's steps to instructions.
import type { View } from "../../compiler/plan.ts";
import type { LinearRecurrenceAttributes } from "../../tensor/ops/recurrence.ts";
import { hasUnitRows, type KernelEncoder, outer2 } from "./kernelEncoder.ts";
import * as recurrence from "./linear_recurrence.ts";
import * as longConvolution from "./long_convolution.ts";
import { opcode } from "./opcodes.ts";
import { operandAt } from "./place.ts";
import * as shortConvolution from "./short_convolution.ts";

export const longConvolutionEncoder: KernelEncoder = {
  accepts: (_, view) => hasUnitRows(view),
  encode: ({ inputs, outputs }, layout) => {
    const [x, kernel] = inputs as [View, View];
    const [batch, times, channels] = x.shape as [number, number, number];
    const instruction: longConvolution.LongConvolutionInstruction = {
      ...{ batch, times, channels },
      xStrides: outer2(x),
      kernelRow: kernel.strides[0]!,
      resultStrides: outer2(outputs[0]!),
      x: operandAt(layout, x, 0),
      kernel: operandAt(layout, kernel, 0),
      result: operandAt(layout, outputs[0]!, 0),
    };
    return {
      opcode: opcode.longConvolution,
      rows: longConvolution.longConvolutionRows(instruction),
      scratchBytes: longConvolution.longConvolutionScratchBytes(instruction),
      words: (writer) => longConvolution.longConvolutionWords(instruction, writer),
    };
  },
};

export const longConvolutionGradientEncoder: KernelEncoder = {
  accepts: (_, view) => hasUnitRows(view),
  encode: ({ inputs, outputs }, layout) => {
    const [x, kernel, g] = inputs as [View, View, View];
    const [dx, dkernel] = outputs as [View, View];
    const [batch, times, channels] = x.shape as [number, number, number];
    const instruction: longConvolution.LongConvolutionGradientInstruction = {
      ...{ batch, times, channels },
      xStrides: outer2(x),
      kernelRow: kernel.strides[0]!,
      gStrides: outer2(g),
      dxStrides: outer2(dx),
      dkernelRow: dkernel.strides[0]!,
      x: operandAt(layout, x, 0),
      kernel: operandAt(layout, kernel, 0),
      g: operandAt(layout, g, 0),
      dx: operandAt(layout, dx, 0),
      dkernel: operandAt(layout, dkernel, 0),
    };
    return {
      opcode: opcode.longConvolutionGradient,
      rows: longConvolution.longConvolutionGradientRows(instruction),
      scratchBytes: longConvolution.longConvolutionGradientScratchBytes(instruction),
      words: (writer) => longConvolution.longConvolutionGradientWords(instruction, writer),
    };
  },
};

export const shortConvolutionEncoder: KernelEncoder = {
  accepts: (_, view) => hasUnitRows(view),
  encode: ({ inputs, outputs }, layout) => {
    const [x, kernel] = inputs as [View, View];
    const [batch, times, channels] = x.shape as [number, number, number];
    const instruction: shortConvolution.ShortConvolutionInstruction = {
      ...{ batch, times, channels, taps: kernel.shape[0]! },
      xStrides: outer2(x),
      resultStrides: outer2(outputs[0]!),
      kernelRow: kernel.strides[0]!,
      x: operandAt(layout, x, 0),
      kernel: operandAt(layout, kernel, 0),
      result: operandAt(layout, outputs[0]!, 0),
    };
    return {
      opcode: opcode.shortConvolution,
      rows: shortConvolution.shortConvolutionRows(instruction),
      scratchBytes: 0,
      words: (writer) => shortConvolution.shortConvolutionWords(instruction, writer),
    };
  },
};

export const shortConvolutionGradientEncoder: KernelEncoder = {
  accepts: (_, view) => hasUnitRows(view),
  encode: ({ inputs, outputs }, layout) => {
    const [x, kernel, g] = inputs as [View, View, View];
    const [dx, dkernel] = outputs as [View, View];
    const [batch, times, channels] = x.shape as [number, number, number];
    const instruction: shortConvolution.ShortConvolutionGradientInstruction = {
      ...{ batch, times, channels, taps: kernel.shape[0]! },
      xStrides: outer2(x),
      gStrides: outer2(g),
      dxStrides: outer2(dx),
      kernelRow: kernel.strides[0]!,
      x: operandAt(layout, x, 0),
      kernel: operandAt(layout, kernel, 0),
      g: operandAt(layout, g, 0),
      dx: operandAt(layout, dx, 0),
      dkernel: operandAt(layout, dkernel, 0),
    };
    return {
      opcode: opcode.shortConvolutionGradient,
      rows: shortConvolution.shortConvolutionGradientRows(instruction),
      scratchBytes: 0,
      words: (writer) => shortConvolution.shortConvolutionGradientWords(instruction, writer),
    };
  },
};

export const linearRecurrenceEncoder: KernelEncoder = {
  accepts: () => true,
  encode: ({ node, inputs, outputs }, layout) => {
    const [a, b, initial] = inputs as [View, View, View];
    const [batch, times, channels] = a.shape as [number, number, number];
    const strides = (view: View) => view.strides as readonly number[] as readonly [number, number, number];
    const instruction: recurrence.LinearRecurrenceInstruction = {
      ...{ batch, times, channels },
      reverse: (node.attributes as LinearRecurrenceAttributes).reverse,
      aStrides: strides(a),
      bStrides: strides(b),
      initialStrides: outer2(initial),
      resultStrides: strides(outputs[0]!),
      a: operandAt(layout, a, 0),
      b: operandAt(layout, b, 0),
      initial: operandAt(layout, initial, 0),
      result: operandAt(layout, outputs[0]!, 0),
    };
    return {
      opcode: opcode.linearRecurrence,
      rows: recurrence.linearRecurrenceRows(instruction),
      scratchBytes: 0,
      words: (writer) => recurrence.linearRecurrenceWords(instruction, writer),
    };
  },
};
