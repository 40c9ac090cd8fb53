// Products of row groups as a loop over the groups, each with its own rows only: how many those are is known at run time.
import type { GroupedProductAttributes } from "../../tensor/ops/grouped.ts";
import type { Node } from "../../tensor/tensor.ts";
import { type Builder, convert, list, operator, reshaped, scalar, type Value, whole } from "./builder.ts";
import { broadcasting } from "./elementwise.ts";
import { UNKNOWN } from "./format.ts";
import { printLoop } from "./loop.ts";

/** x [N, K], w [E, K, M] (or [E, M, K] transposed), offsets i32 [E+1] → [N, M]. */
export function printGroupedProduct(builder: Builder, node: Node, inputs: readonly Value[]): Value {
  const { transposed } = node.attributes as GroupedProductAttributes;
  const [rows, columns] = node.outputs[0]!.shape as [number, number];
  const [x, w, offsets] = inputs.map((input, i) => whole(builder, input, node.inputs[i]!.shape)) as [
    Value,
    Value,
    Value,
  ];
  const [groups, depth] = [w.shape[0]!, x.shape[1]!];
  const start = whole(builder, scalar("f32", 0), [rows, columns]);
  if (groups === 0) return start;
  const inside = broadcasting(builder, "Min", [
    broadcasting(builder, "Max", [offsets, scalar("i32", 0)]),
    scalar("i32", rows),
  ]);
  const places = convert(builder, inside, "i64");
  const bound = (from: number) =>
    operator(builder, "Slice", [places, list(from), list(from + groups), list(0)], {
      type: "i64",
      shape: [groups],
    });
  const loop = { length: groups, states: [start], sequences: [w, bound(0), bound(1)] };
  return printLoop(builder, loop, (inner, [done], [matrix, from, to]) => {
    const [first, last] = [reshaped(inner, from!, [1]), reshaped(inner, to!, [1])];
    const own = operator(inner, "Slice", [x, first, last, list(0)], { type: "f32", shape: [UNKNOWN, depth] });
    const factor = transposed
      ? operator(inner, "Transpose", [matrix!], { type: "f32", shape: [depth, columns] }, { perm: [1, 0] })
      : matrix!;
    const product = operator(inner, "MatMul", [own, factor], { type: "f32", shape: [UNKNOWN, columns] });
    const below = broadcasting(inner, "Sub", [list(rows), last]);
    const margins = [first, list(0), below, list(0)];
    const pads = operator(inner, "Concat", margins, { type: "i64", shape: [4] }, { axis: 0 });
    const placed = operator(inner, "Pad", [product, pads], { type: "f32", shape: [rows, columns] });
    return { states: [broadcasting(inner, "Add", [done!, placed])], outputs: [] };
  })[0]!;
}
