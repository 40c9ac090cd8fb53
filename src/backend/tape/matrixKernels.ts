// Triangular systems and products over row groups, from a plan's steps to instructions.

import type { View } from "../../compiler/plan.ts";
import { isContiguous } from "../../compiler/rows.ts";
import type { GroupedProductAttributes } from "../../tensor/ops/grouped.ts";
import type { TriangularSolveAttributes } from "../../tensor/ops/triangular.ts";
import { sizeOf } from "../../tensor/tensor.ts";
import * as grouped from "./grouped_product.ts";
import { hasUnitRows, type KernelEncoder, leadingStride } from "./kernelEncoder.ts";
import { opcode } from "./opcodes.ts";
import { operandAt } from "./place.ts";
import * as triangular from "./triangular_solve.ts";

export const triangularSolveEncoder: KernelEncoder = {
  accepts: (index, view) =>
    leadingStride(view, 2) !== undefined &&
    (index === 0 || view.shape.at(-1) === 1 || view.strides.at(-1) === 1),
  encode: ({ node, inputs, outputs }, layout) => {
    const [a, b] = inputs as [View, View];
    const [size, columns] = b.shape.slice(-2) as [number, number];
    const { unit, transpose } = node.attributes as TriangularSolveAttributes;
    const instruction: triangular.TriangularSolveInstruction = {
      ...{ unit, transpose, size, columns, lower: true },
      batch: sizeOf(b.shape.slice(0, -2)),
      aRow: a.strides.at(-2)!,
      aColumn: a.strides.at(-1)!,
      bRow: b.strides.at(-2)!,
      xRow: columns,
      a: operandAt(layout, a, leadingStride(a, 2)!),
      b: operandAt(layout, b, leadingStride(b, 2)!),
      x: operandAt(layout, outputs[0]!, size * columns),
    };
    return {
      opcode: opcode.triangularSolve,
      rows: triangular.triangularSolveRows(instruction),
      scratchBytes: 0,
      words: (writer) => triangular.triangularSolveWords(instruction, writer),
    };
  },
};

export const groupedProductEncoder: KernelEncoder = {
  accepts: (index, view) => index === 1 || (index === 2 ? isContiguous(view) : hasUnitRows(view)),
  encode: ({ node, inputs, outputs }, layout) => {
    const [x, w, offsets] = inputs as [View, View, View];
    const { transposed } = node.attributes as GroupedProductAttributes;
    const columns = outputs[0]!.shape[1]!;
    const instruction: grouped.GroupedProductInstruction = {
      rows: x.shape[0]!,
      depth: x.shape[1]!,
      columns,
      groups: w.shape[0]!,
      xRow: x.strides[0]!,
      yRow: columns,
      wGroup: w.strides[0]!,
      wDepth: w.strides[transposed ? 2 : 1]!,
      wColumn: w.strides[transposed ? 1 : 2]!,
      x: operandAt(layout, x, 0),
      w: operandAt(layout, w, 0),
      offsets: operandAt(layout, offsets, 0),
      y: operandAt(layout, outputs[0]!, 0),
    };
    return {
      opcode: opcode.groupedProduct,
      rows: grouped.groupedProductRows(instruction),
      scratchBytes: grouped.groupedProductScratchBytes(instruction),
      words: (writer) => grouped.groupedProductWords(instruction, writer),
    };
  },
};

export const groupedOuterEncoder: KernelEncoder = {
  accepts: (index, view) => (index === 2 ? isContiguous(view) : hasUnitRows(view)),
  encode: ({ inputs, outputs }, layout) => {
    const [x, y, offsets] = inputs as [View, View, View];
    const [z] = outputs as [View];
    const instruction: grouped.GroupedOuterInstruction = {
      rows: x.shape[0]!,
      depth: x.shape[1]!,
      columns: y.shape[1]!,
      groups: z.shape[0]!,
      xRow: x.strides[0]!,
      yRow: y.strides[0]!,
      x: operandAt(layout, x, 0),
      y: operandAt(layout, y, 0),
      offsets: operandAt(layout, offsets, 0),
      z: operandAt(layout, z, 0),
    };
    return {
      opcode: opcode.groupedOuter,
      rows: grouped.groupedOuterRows(instruction),
      scratchBytes: grouped.groupedOuterScratchBytes(instruction),
      words: (writer) => grouped.groupedOuterWords(instruction, writer),
    };
  },
};
