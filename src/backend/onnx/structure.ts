// Reductions, rearrangements and products as ONNX operators.
import type { IotaAttributes } from "../../tensor/ops/leaf.ts";
import type {
  ConcatenateAttributes,
  PadAttributes,
  SliceAttributes,
  TransposeAttributes,
} from "../../tensor/ops/movement.ts";
import { type Node, type Shape, sizeOf } from "../../tensor/tensor.ts";
import {
  type Builder,
  carrier,
  convert,
  list,
  operator,
  reshaped,
  scalar,
  type Value,
  whole,
  withRank,
} from "./builder.ts";

export function printReduction(
  builder: Builder,
  name: "ReduceSum" | "ReduceMax",
  node: Node,
  [x]: readonly Value[],
): Value {
  const length = node.inputs[0]!.shape.at(-1)!;
  const aligned = withRank(builder, x!, node.inputs[0]!.shape.length);
  const full = whole(builder, aligned, [...aligned.shape.slice(0, -1), length]);
  const numbers = full.type === "bool" ? convert(builder, full, "i32") : full;
  const shape = [...full.shape.slice(0, -1), 1];
  const reduced = operator(
    builder,
    name,
    [numbers, list(-1)],
    { type: numbers.type, shape },
    { keepdims: 1 },
  );
  return convert(builder, wordOf(builder, reduced, node), full.type);
}

/** Sums of u32, which the graph holds as i64, modulo 2³². */
export function wordOf(builder: Builder, sum: Value, node: Node): Value {
  if (node.outputs[0]!.dtype !== "u32") return sum;
  return operator(builder, "BitwiseAnd", [sum, scalar("i64", 2 ** 32 - 1)], sum);
}

export function printReshape(builder: Builder, node: Node, [x]: readonly Value[]): Value {
  const { shape } = node.outputs[0]!;
  // One value everywhere has no order.
  if (sizeOf(x!.shape) === 1 && sizeOf(shape) !== 1) return reshaped(builder, x!, []);
  return reshaped(builder, whole(builder, x!, node.inputs[0]!.shape), shape);
}

export function printTranspose(builder: Builder, node: Node, [x]: readonly Value[]): Value {
  const { order } = node.attributes as TransposeAttributes;
  const aligned = withRank(builder, x!, order.length);
  const shape = order.map((axis) => aligned.shape[axis]!);
  return operator(builder, "Transpose", [aligned], { type: aligned.type, shape }, { perm: order });
}

export function printSlice(builder: Builder, node: Node, [x]: readonly Value[]): Value {
  const { start, size, step } = node.attributes as SliceAttributes;
  const full = node.inputs[0]!.shape;
  const { type } = x!;
  const aligned = withRank(builder, x!, full.length);
  // Along an axis that is repeated there is nothing to cut.
  const axes = size
    .map((_, axis) => axis)
    .filter((axis) => aligned.shape[axis] === full[axis] && (size[axis] !== full[axis] || step[axis] !== 1));
  if (axes.length === 0) return aligned;
  const shape = aligned.shape.map((own, axis) => (axes.includes(axis) ? size[axis]! : own));
  // Backwards to the very first element there is no end to name but one far before it.
  const ends = axes.map((axis) => {
    const end = start[axis]! + size[axis]! * step[axis]!;
    return end < 0 ? -(2 ** 31) : end;
  });
  const steps = axes.map((axis) => step[axis]!);
  const starts = axes.map((axis) => start[axis]!);
  const operands = [aligned, list(...starts), list(...ends), list(...axes), list(...steps)];
  return operator(builder, "Slice", operands, { type, shape });
}

export function printConcatenate(builder: Builder, node: Node, inputs: readonly Value[]): Value {
  const { axis } = node.attributes as ConcatenateAttributes;
  const parts = inputs.map((input, i) => whole(builder, input, node.inputs[i]!.shape));
  return operator(builder, "Concat", parts, outputOf(node), { axis });
}

export function printPad(builder: Builder, node: Node, [x]: readonly Value[]): Value {
  const { before, after, value } = node.attributes as PadAttributes;
  const full = whole(builder, x!, node.inputs[0]!.shape);
  const operands = [full, list(...before, ...after), scalar(full.type, value)];
  return operator(builder, "Pad", operands, outputOf(node), { mode: "constant" });
}

export function printContract(builder: Builder, node: Node, inputs: readonly Value[]): Value {
  const [a, b] = inputs.map((input, i) => {
    const { shape } = node.inputs[i]!;
    // Leading axes broadcast in the operator as well.
    const aligned = withRank(builder, input, shape.length);
    return whole(builder, aligned, [...aligned.shape.slice(0, -2), ...shape.slice(-2)]);
  }) as [Value, Value];
  const leading: Shape = a.shape.slice(0, -2).map((size, axis) => Math.max(size, b.shape[axis]!));
  const shape = [...leading, ...node.outputs[0]!.shape.slice(-2)];
  return operator(builder, "MatMul", [a, b], { type: "f32", shape });
}

/** A counter too long to be stored. */
export function printCounter(builder: Builder, node: Node): Value {
  const { shape, axis } = node.attributes as IotaAttributes;
  const length = shape[axis]!;
  const range = [scalar("i64", 0), scalar("i64", length), scalar("i64", 1)];
  const counts = operator(builder, "Range", range, { type: "i64", shape: [length] });
  const along = shape.map((size, i) => (i === axis ? size : 1));
  return reshaped(builder, convert(builder, counts, carrier(node.outputs[0]!.dtype)), along);
}

/** The type and full shape of a node's first output. */
export function outputOf(node: Node): Pick<Value, "type" | "shape"> {
  const { dtype, shape } = node.outputs[0]!;
  return { type: carrier(dtype), shape };
}
