// Kernels that move elements by index or order: gather, scatter, sort, running sums, run-time windows.

import type { View } from "../../compiler/plan.ts";
import { isContiguous } from "../../compiler/rows.ts";
import type { CumulativeSumAttributes } from "../../tensor/ops/cumulative.ts";
import type { DynamicSliceAttributes } from "../../tensor/ops/dynamic.ts";
import type { SortAttributes } from "../../tensor/ops/sort.ts";
import { sizeOf } from "../../tensor/tensor.ts";
import * as cumulative from "./cumulative_sum.ts";
import * as dynamic from "./dynamic_slice.ts";
import * as gather from "./gather.ts";
import { contiguousInside, type KernelEncoder, leadingStride, whole } from "./kernelEncoder.ts";
import { opcode } from "./opcodes.ts";
import { type Layout, operandAt } from "./place.ts";
import * as scatter from "./scatter_add.ts";
import * as sort from "./sort.ts";

export const gatherEncoder: KernelEncoder = {
  accepts: (index, view) =>
    index === 0 ? contiguousInside(view, view.shape.length - 1) : leadingStride(view, 0) !== undefined,
  rows: ({ inputs }) => sizeOf(inputs[1]!.shape),
  encode: ({ inputs, outputs }, layout) => {
    const [x, indices] = inputs as [View, View];
    const width = sizeOf(x.shape.slice(1));
    const instruction: gather.GatherInstruction = {
      count: sizeOf(indices.shape),
      table: x.shape[0]!,
      width,
      xRow: x.strides[0]!,
      x: operandAt(layout, x, 0),
      indices: operandAt(layout, indices, leadingStride(indices, 0)!),
      result: operandAt(layout, outputs[0]!, width),
    };
    return {
      opcode: opcode.gather,
      rows: gather.gatherRows(instruction),
      scratchBytes: 0,
      words: (writer) => gather.gatherWords(instruction, writer),
    };
  },
};

export const scatterAddEncoder: KernelEncoder = {
  accepts: (index, view) => (index === 0 ? leadingStride(view, 0) !== undefined : isContiguous(view)),
  encode: ({ inputs, outputs }, layout) => {
    const [indices, updates] = inputs as [View, View];
    const [result] = outputs as [View];
    const width = sizeOf(result.shape.slice(1));
    const instruction: scatter.ScatterAddInstruction = {
      count: sizeOf(indices.shape),
      table: result.shape[0]!,
      width,
      updatesRow: width,
      resultRow: width,
      updates: operandAt(layout, updates, 0),
      indices: operandAt(layout, indices, leadingStride(indices, 0)!),
      result: operandAt(layout, result, 0),
    };
    return {
      opcode: opcode.scatterAdd,
      rows: scatter.scatterAddRows(instruction),
      scratchBytes: 0,
      words: (writer) => scatter.scatterAddWords(instruction, writer),
    };
  },
};

export const sortEncoder: KernelEncoder = {
  accepts: (_, view) => contiguousInside(view, 1) && leadingStride(view, 1) !== undefined,
  encode: ({ node, inputs, outputs }, layout) => {
    const [x] = inputs as [View];
    const { k, descending } = node.attributes as SortAttributes;
    const instruction: sort.SortInstruction = {
      rows: sizeOf(x.shape.slice(0, -1)),
      length: x.shape.at(-1)!,
      count: k,
      descending,
      x: operandAt(layout, x, leadingStride(x, 1)!),
      values: operandAt(layout, outputs[0]!, k),
      permutation: operandAt(layout, outputs[1]!, k),
    };
    return {
      opcode: opcode.sort,
      rows: sort.sortRows(instruction),
      scratchBytes: sort.sortScratchBytes(instruction),
      words: (writer) => sort.sortWords(instruction, writer),
    };
  },
};

export const cumulativeSumEncoder: KernelEncoder = {
  accepts: (_, view) => leadingStride(view, 1) !== undefined,
  encode: ({ node, inputs, outputs }, layout) => {
    const [x] = inputs as [View];
    const length = x.shape.at(-1)!;
    const instruction: cumulative.CumulativeSumInstruction = {
      ...(node.attributes as CumulativeSumAttributes),
      rows: sizeOf(x.shape.slice(0, -1)),
      length,
      xColumn: x.strides.at(-1)!,
      resultColumn: 1,
      x: operandAt(layout, x, leadingStride(x, 1)!),
      result: operandAt(layout, outputs[0]!, length),
    };
    return {
      opcode: opcode.cumulativeSum,
      rows: cumulative.cumulativeSumRows(instruction),
      scratchBytes: 0,
      words: (writer) => cumulative.cumulativeSumWords(instruction, writer),
    };
  },
};

/** One operand per axis of the window: the i32 scalar that says where it begins. */
function startsOf(layout: Layout, rank: number, axes: readonly number[], starts: readonly View[]) {
  return Array.from({ length: rank }, (_, axis) => whole(layout, starts[axes.indexOf(axis)]));
}

export const dynamicSliceEncoder: KernelEncoder = {
  accepts: () => true,
  encode: ({ node, inputs, outputs }, layout) => {
    const [x, ...starts] = inputs as [View, ...View[]];
    const { axes } = node.attributes as DynamicSliceAttributes;
    const instruction: dynamic.DynamicSliceInstruction = {
      full: x.shape,
      window: outputs[0]!.shape,
      start: startsOf(layout, x.shape.length, axes, starts),
      xStrides: x.strides,
      partStrides: outputs[0]!.strides,
      x: operandAt(layout, x, 0),
      part: operandAt(layout, outputs[0]!, 0),
    };
    return {
      opcode: opcode.dynamicSlice,
      rows: dynamic.dynamicSliceRows(instruction),
      scratchBytes: 0,
      words: (writer) => dynamic.dynamicSliceWords(instruction, writer),
    };
  },
};

export const dynamicUpdateEncoder: KernelEncoder = {
  inPlaceInput: 0,
  accepts: () => true,
  encode: ({ node, inputs, outputs }, layout) => {
    const [x, update, ...starts] = inputs as [View, View, ...View[]];
    const [result] = outputs as [View];
    const { axes } = node.attributes as DynamicSliceAttributes;
    const instruction: dynamic.DynamicUpdateInstruction = {
      full: x.shape,
      window: update.shape,
      start: startsOf(layout, x.shape.length, axes, starts),
      xStrides: x.strides,
      partStrides: update.strides,
      wholeStrides: result.strides,
      x: operandAt(layout, x, 0),
      part: operandAt(layout, update, 0),
      whole: operandAt(layout, result, 0),
    };
    return {
      opcode: opcode.dynamicUpdate,
      rows: dynamic.dynamicUpdateRows(instruction),
      scratchBytes: 0,
      words: (writer) => dynamic.dynamicUpdateWords(instruction, writer),
    };
  },
};
