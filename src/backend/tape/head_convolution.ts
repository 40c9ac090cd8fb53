// OP_HEAD_CONVOLUTION and OP_HEAD_CONVOLUTION_GRADIENT: from a plan's steps to the words after the header (the twin of
// src/kernels/head_convolution.h).
import type { View } from "../../compiler/plan.ts";
import { hasUnitRows, type KernelEncoder, outer2 } from "./kernelEncoder.ts";
import {
  batchPart,
  convolutionSizeWords,
  longConvolutionGradientScratchBytes,
  longConvolutionScratchBytes,
} from "./long_convolution.ts";
import { opcode } from "./opcodes.ts";
import { operandAt } from "./place.ts";

export const headConvolutionEncoder: KernelEncoder = {
  accepts: (_, view) => hasUnitRows(view),
  encode: ({ inputs, outputs }, layout) => {
    const [q, k, v, kernel] = inputs as [View, View, View, View];
    const result = outputs[0]!;
    const sizes = sizesOf(q);
    const heads = kernel.shape[1]!;
    const part = batchPart(sizes.batch, heads);
    return {
      opcode: opcode.headConvolution,
      rows: heads * Math.ceil(sizes.batch / part),
      scratchBytes: longConvolutionScratchBytes(sizes),
      words: (writer) => {
        convolutionSizeWords(sizes, writer);
        for (const value of [heads, part]) writer.word(value);
        for (const view of [q, k, v]) outer2(view).forEach(writer.word);
        for (const value of [kernel.strides[0]!, ...outer2(result)]) writer.word(value);
        for (const view of [q, k, v, kernel, result]) writer.operand(operandAt(layout, view, 0));
      },
    };
  },
};

export const headConvolutionGradientEncoder: KernelEncoder = {
  accepts: (_, view) => hasUnitRows(view),
  encode: ({ inputs, outputs }, layout) => {
    const [q, k, v, kernel, g] = inputs as [View, View, View, View, View];
    const [dq, dk, dv, dkernel] = outputs as [View, View, View, View];
    const sizes = sizesOf(q);
    const heads = kernel.shape[1]!;
    return {
      opcode: opcode.headConvolutionGradient,
      rows: heads,
      scratchBytes: longConvolutionGradientScratchBytes(sizes),
      words: (writer) => {
        convolutionSizeWords(sizes, writer);
        writer.word(heads);
        for (const view of [q, k, v]) outer2(view).forEach(writer.word);
        writer.word(kernel.strides[0]!);
        for (const view of [g, dq, dk, dv]) outer2(view).forEach(writer.word);
        writer.word(dkernel.strides[0]!);
        for (const view of [q, k, v, kernel, g, dq, dk, dv, dkernel])
          writer.operand(operandAt(layout, view, 0));
      },
    };
  },
};

function sizesOf({ shape }: View) {
  const [batch, times, channels] = shape as [number, number, number];
  return { batch, times, channels };
}
