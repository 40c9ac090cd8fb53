// Recurrences of matrix states, from a plan's steps to instructions.
import type { KernelStep, View } from "../../compiler/plan.ts";
import type { MatrixRecurrenceAttributes } from "../../tensor/composites/matrixRecurrence.ts";
import type { HeadsView } from "./attention.ts";
import { contiguousInside, hasUnitRows, type KernelEncoder } from "./kernelEncoder.ts";
import * as recurrence from "./matrix_recurrence.ts";
import { opcode } from "./opcodes.ts";
import { type Layout, operandAt } from "./place.ts";

/** A view [B, T, H, W]. */
const tokens = (layout: Layout, view: View): HeadsView => ({
  operand: operandAt(layout, view, view.strides[0]!),
  token: view.strides[1]!,
  head: view.strides[2]!,
});

const matrices = (layout: Layout, view: View) => operandAt(layout, view, view.strides[0]!);

function commonParts({ node, inputs }: KernelStep, layout: Layout, starts: View, chained: boolean) {
  const [q, k, v, a] = inputs as [View, View, View, View];
  const [batch, length, heads, width] = q.shape as [number, number, number, number];
  return {
    ...{ batch, length, heads, width, valueWidth: v.shape[3]!, fine: !chained },
    readsBefore: (node.attributes as MatrixRecurrenceAttributes).readsBefore,
    query: tokens(layout, q),
    key: tokens(layout, k),
    value: tokens(layout, v),
    decay: tokens(layout, a),
    starts: matrices(layout, starts),
  };
}

export const matrixRecurrenceEncoder: KernelEncoder = {
  accepts: (_, view) => (view.shape.length === 4 ? hasUnitRows(view) : contiguousInside(view, 4)),
  rows: ({ inputs }) => inputs[0]!.shape[0]!,
  encode: (step, layout, chained) => {
    const [out, starts, last] = step.outputs as [View, View, View];
    const instruction: recurrence.MatrixRecurrenceInstruction = {
      ...commonParts(step, layout, starts, chained),
      out: tokens(layout, out),
      last: matrices(layout, last),
    };
    return {
      opcode: opcode.matrixRecurrence,
      rows: recurrence.matrixRecurrenceRows(instruction),
      scratchBytes: recurrence.matrixRecurrenceScratchBytes(instruction, layout.realBytes),
      words: (writer) => recurrence.matrixRecurrenceWords(instruction, writer),
    };
  },
};

export const matrixRecurrenceGradientEncoder: KernelEncoder = {
  ...matrixRecurrenceEncoder,
  encode: (step, layout, chained) => {
    const [dq, dk, dv, da] = step.outputs as [View, View, View, View];
    const instruction: recurrence.MatrixRecurrenceGradientInstruction = {
      ...commonParts(step, layout, step.inputs[4]!, chained),
      outGradient: tokens(layout, step.inputs[5]!),
      queryGradient: tokens(layout, dq),
      keyGradient: tokens(layout, dk),
      valueGradient: tokens(layout, dv),
      decayGradient: tokens(layout, da),
    };
    return {
      opcode: opcode.matrixRecurrenceGradient,
      rows: recurrence.matrixRecurrenceRows(instruction),
      scratchBytes: recurrence.matrixRecurrenceScratchBytes(instruction, layout.realBytes),
      words: (writer) => recurrence.matrixRecurrenceGradientWords(instruction, writer),
    };
  },
};
