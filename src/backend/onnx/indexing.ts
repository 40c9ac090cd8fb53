// Gather, scatter, running sums, order and windows as ONNX operators. What an index outside its range gives is written
// out, since ONNX refuses such indices or counts them from the end.
import type { CumulativeSumAttributes } from "../../tensor/ops/cumulative.ts";
import type { DynamicSliceAttributes } from "../../tensor/ops/dynamic.ts";
import type { ScatterAddAttributes } from "../../tensor/ops/gather.ts";
import type { SortAttributes } from "../../tensor/ops/sort.ts";
import { type Node, sizeOf } from "../../tensor/tensor.ts";
import {
  type Builder,
  carrier,
  convert,
  list,
  operator,
  operators,
  reshaped,
  scalar,
  type Value,
  whole,
} from "./builder.ts";
import { broadcasting, choose } from "./elementwise.ts";
import { outputOf, wordOf } from "./structure.ts";

export function printGather(builder: Builder, node: Node, [x, indices]: readonly Value[]): Value {
  const [table, places] = node.inputs as [Node["inputs"][number], Node["inputs"][number]];
  const rows = table.shape[0]!;
  const output = outputOf(node);
  if (rows === 0) return whole(builder, scalar(output.type, 0), output.shape);
  const full = whole(builder, x!, table.shape);
  const at = whole(builder, indices!, places.shape);
  const take = (from: Value) => operator(builder, "Gather", [full, from], output, { axis: 0 });
  if (at.data?.every((row) => row >= 0 && row < rows)) return take(at);
  const inside = within(builder, at, rows);
  const taken = take(choose(builder, inside, at, scalar("i32", 0)));
  const width = table.shape.slice(1).map(() => 1);
  return choose(
    builder,
    reshaped(builder, inside, [...places.shape, ...width]),
    taken,
    scalar(output.type, 0),
  );
}

/** 0 ≤ index < rows. */
function within(builder: Builder, indices: Value, rows: number): Value {
  return broadcasting(builder, "And", [
    broadcasting(builder, "LessOrEqual", [scalar("i32", 0), indices], "bool"),
    broadcasting(builder, "Less", [indices, scalar("i32", rows)], "bool"),
  ]);
}

export function printScatterAdd(builder: Builder, node: Node, [indices, updates]: readonly Value[]): Value {
  const [places, added] = node.inputs as [Node["inputs"][number], Node["inputs"][number]];
  const { rows } = node.attributes as ScatterAddAttributes;
  const output = outputOf(node);
  const { type } = output;
  const count = sizeOf(places.shape);
  const width = sizeOf(output.shape.slice(1));
  if (count === 0) return whole(builder, scalar(type, 0), output.shape);
  // One more row takes what is outside.
  const at = reshaped(builder, whole(builder, indices!, places.shape), [count, 1]);
  const row = choose(builder, within(builder, at, rows), at, scalar("i32", rows));
  const flat = reshaped(builder, whole(builder, updates!, added.shape), [count, width]);
  const sums = operator(
    builder,
    "ScatterElements",
    [whole(builder, scalar(type, 0), [rows + 1, width]), whole(builder, row, [count, width]), flat],
    { type, shape: [rows + 1, width] },
    { axis: 0, reduction: "add" },
  );
  const kept = operator(builder, "Slice", [sums, list(0), list(rows), list(0)], {
    type,
    shape: [rows, width],
  });
  return reshaped(builder, wordOf(builder, kept, node), output.shape);
}

export function printCumulativeSum(builder: Builder, node: Node, [x]: readonly Value[]): Value {
  const { exclusive, reverse } = node.attributes as CumulativeSumAttributes;
  const full = whole(builder, x!, node.inputs[0]!.shape);
  const attributes = { exclusive: Number(exclusive), reverse: Number(reverse) };
  const sums = operator(builder, "CumSum", [full, scalar("i32", -1)], outputOf(node), attributes);
  return wordOf(builder, sums, node);
}

export function printSort(builder: Builder, node: Node, [x]: readonly Value[]): readonly Value[] {
  const { descending, k } = node.attributes as SortAttributes;
  const full = whole(builder, x!, node.inputs[0]!.shape);
  if (full.type !== "f32") {
    const numbers = full.type === "bool" ? convert(builder, full, "i32") : full;
    const [values, places] = firstOf(builder, numbers, k, descending);
    return [convert(builder, values, full.type), convert(builder, places, "i32")];
  }
  // The operator does not say where NaN stands: those go to the end first, and then count as the last number.
  const missing = broadcasting(builder, "IsNaN", [full], "bool");
  const [, order] = firstOf(builder, convert(builder, missing, "i32"), full.shape.at(-1)!, false);
  const ordered = takeAlong(builder, full, order);
  const last = scalar("f32", descending ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY);
  const numbers = choose(builder, broadcasting(builder, "IsNaN", [ordered], "bool"), last, ordered);
  const [, places] = firstOf(builder, numbers, k, descending);
  return [takeAlong(builder, ordered, places), convert(builder, takeAlong(builder, order, places), "i32")];
}

/** The first k of each row in order and their places (i64); of equal ones the earlier first. */
function firstOf(builder: Builder, x: Value, k: number, descending: boolean): readonly [Value, Value] {
  const shape = [...x.shape.slice(0, -1), k];
  const outputs = [
    { type: x.type, shape },
    { type: "i64" as const, shape },
  ];
  const attributes = { axis: -1, largest: Number(descending), sorted: 1 };
  return operators(builder, "TopK", [x, list(k)], outputs, attributes) as [Value, Value];
}

/** The elements of each row at places (i64) in it. */
function takeAlong(builder: Builder, x: Value, places: Value): Value {
  return operator(
    builder,
    "GatherElements",
    [x, places],
    { type: x.type, shape: places.shape },
    { axis: -1 },
  );
}

export function printDynamicSlice(builder: Builder, node: Node, [x, ...starts]: readonly Value[]): Value {
  const { axes, size } = node.attributes as DynamicSliceAttributes;
  const { shape } = node.inputs[0]!;
  const _output = outputOf(node);
  const full = whole(builder, x!, shape);
  const cut = size.map((_, axis) => axis).filter((axis) => size[axis] !== shape[axis]);
  if (cut.length === 0) return full;
  const first = cut.map((axis) => {
    const start = starts[axes.indexOf(axis)];
    if (start === undefined) return list(0);
    const low = broadcasting(builder, "Max", [start, scalar("i32", 0)]);
    const inside = broadcasting(builder, "Min", [low, scalar("i32", shape[axis]! - size[axis]!)]);
    return reshaped(builder, convert(builder, inside, "i64"), [1]);
  });
  const from =
    first.length === 1
      ? first[0]!
      : operator(builder, "Concat", first, { type: "i64", shape: [first.length] }, { axis: 0 });
  const to = broadcasting(builder, "Add", [from, list(...cut.map((axis) => size[axis]!))]);
  return operator(builder, "Slice", [full, from, to, list(...cut)], {
    type: carrier(node.outputs[0]!.dtype),
    shape: size,
  });
}
