// Attention and rotary positions, from a plan's steps to instructions.
import type { KernelStep, View } from "../../compiler/plan.ts";
import type { AttentionAttributes } from "../../tensor/composites/attention.ts";
import * as attention from "./attention.ts";
import { type KernelEncoder, whole } from "./kernelEncoder.ts";
import { opcode } from "./opcodes.ts";
import { type Layout, operandAt } from "./place.ts";
import * as rotary from "./rotary.ts";

const heads = (
  layout: Layout,
  view: View,
  axes: { batch: number; token: number; head: number },
): attention.HeadsView => ({
  operand: operandAt(layout, view, view.strides[axes.batch]!),
  token: view.strides[axes.token]!,
  head: view.strides[axes.head]!,
});
const tokens = { batch: 0, token: 1, head: 2 };

function attentionParts({ node, inputs, outputs }: KernelStep, layout: Layout, chained: boolean) {
  const [q, k, v] = inputs as [View, View, View];
  const isGradient = node.op.name === "attentionGradient";
  const { causal, window, scale } = node.attributes as AttentionAttributes;
  const sizes: attention.AttentionSizes = {
    batch: q.shape[0]!,
    queryLength: q.shape[1]!,
    queryHeads: q.shape[2]!,
    keyLength: k.shape[1]!,
    keyHeads: k.shape[2]!,
    width: q.shape[3]!,
    valueWidth: v.shape[3]!,
    fine: !chained,
  };
  const offset = inputs[isGradient ? 6 : 3];
  const instruction: attention.AttentionInstruction = {
    ...sizes,
    causal,
    window: window ?? 0,
    scale,
    query: heads(layout, q, tokens),
    key: heads(layout, k, tokens),
    value: heads(layout, v, tokens),
    out: heads(layout, isGradient ? inputs[3]! : outputs[0]!, tokens),
    logSumExp: heads(layout, isGradient ? inputs[4]! : outputs[1]!, { batch: 0, token: 2, head: 1 }),
    offset: whole(layout, offset),
  };
  return { sizes, instruction };
}

export const attentionEncoder: KernelEncoder = {
  accepts: (_, view) => view.shape.length !== 4 || attention.attentionAccepts(view.shape, view.strides),
  rows: ({ inputs }) => inputs[0]!.shape[0]!,
  encode: (step, layout, chained) => {
    const { sizes, instruction } = attentionParts(step, layout, chained);
    return {
      opcode: opcode.attention,
      rows: attention.attentionRows(sizes),
      scratchBytes: attention.attentionScratchBytes(sizes, layout.realBytes),
      words: (writer) => attention.attentionWords(instruction, writer),
    };
  },
};

export const attentionGradientEncoder: KernelEncoder = {
  ...attentionEncoder,
  encode: (step, layout, chained) => {
    const { sizes, instruction } = attentionParts(step, layout, chained);
    const [dq, dk, dv] = step.outputs as [View, View, View];
    const gradient: attention.AttentionGradientInstruction = {
      ...instruction,
      outGradient: heads(layout, step.inputs[5]!, tokens),
      queryGradient: heads(layout, dq, tokens),
      keyGradient: heads(layout, dk, tokens),
      valueGradient: heads(layout, dv, tokens),
    };
    return {
      opcode: opcode.attentionGradient,
      rows: attention.attentionRows(sizes),
      scratchBytes: attention.attentionGradientScratchBytes(sizes, layout.realBytes),
      words: (writer) => attention.attentionGradientWords(gradient, writer),
    };
  },
};

export const rotaryEncoder: KernelEncoder = {
  accepts: (_, view) => view.shape.at(-1) === 1 || view.strides.at(-1) === 1,
  rows: ({ inputs }) => inputs[0]!.shape[0]!,
  encode: ({ inputs, outputs }, layout, chained) => {
    const [x, cosines, sines] = inputs as [View, View, View];
    const [batch, length, headCount, width] = x.shape as [number, number, number, number];
    const table = (view: View) => ({ operand: operandAt(layout, view, 0), token: view.strides[0]! });
    const instruction: rotary.RotaryInstruction = {
      ...{ batch, length, heads: headCount, width, fine: !chained },
      x: heads(layout, x, tokens),
      result: heads(layout, outputs[0]!, tokens),
      cosines: table(cosines),
      sines: table(sines),
    };
    return {
      opcode: opcode.rotary,
      rows: rotary.rotaryRows(instruction),
      scratchBytes: 0,
      words: (writer) => rotary.rotaryWords(instruction, writer),
    };
  },
};
