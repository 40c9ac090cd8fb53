// Reductions: sum, maximum and minimum over axes. The op reduces the last axis; the functions arrange the rest.
import { apply, isFloat, normalizeAxis, type Op, type Shape, sizeOf, type Tensor } from "../tensor.ts";
import { cast, divide, equal, multiply, negate } from "./elementwise.ts";
import { broadcastTo, reshape, transpose } from "./movement.ts";

/** The last axis goes from L to 1. */
function inferReduce([x]: readonly { shape: Shape; dtype: Tensor["dtype"] }[]) {
  return [{ shape: [...x!.shape.slice(0, -1), 1], dtype: x!.dtype }];
}

function evaluateReduce(
  start: number,
  combine: (a: number, b: number) => number,
): NonNullable<Op["evaluate"]> {
  return ([x]) => {
    const length = x!.shape.at(-1)!;
    const shape = [...x!.shape.slice(0, -1), 1];
    const data = new Float64Array(sizeOf(shape));
    for (let row = 0; row < data.length; row++) {
      let value = start;
      for (let i = 0; i < length; i++) value = combine(value, x!.data[row * length + i]!);
      data[row] = value;
    }
    return [{ shape, data }];
  };
}

export type ReduceName = "reduceSum" | "reduceMaximum";

const sumOp: Op<undefined> = {
  name: "reduceSum",
  lowering: "reduce",
  infer: inferReduce,
  evaluate: evaluateReduce(0, (a, b) => a + b),
  gradient: (node, [g]) => [g && broadcastTo(g, node.inputs[0]!.shape)],
  flops: (node) => sizeOf(node.inputs[0]!.shape),
};

const maximumOp: Op<undefined> = {
  name: "reduceMaximum",
  lowering: "reduce",
  infer: inferReduce,
  evaluate: evaluateReduce(Number.NEGATIVE_INFINITY, Math.max),
  // Ties share the gradient equally, so that the result is a subgradient whatever the order of evaluation.
  gradient: (node, [g]) => {
    const x = node.inputs[0]!;
    if (g === undefined || !isFloat(x.dtype)) return [undefined];
    const hit = cast(equal(x, broadcastTo(node.outputs[0]!, x.shape)), "f32");
    return [multiply(hit, broadcastTo(divide(g, sum(hit, [-1], true)), x.shape))];
  },
  flops: (node) => sizeOf(node.inputs[0]!.shape),
};

function reduce(op: Op<undefined>, x: Tensor, axes: readonly number[] | undefined, keep: boolean): Tensor {
  const rank = x.shape.length;
  const reduced = new Set(
    (axes ?? x.shape.map((_, i) => i)).map((axis) => normalizeAxis(axis, rank, op.name)),
  );
  if (reduced.size === 0) return x;
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !reduced.has(axis));
  const summed = [...reduced].sort((a, b) => a - b);
  const moved = transpose(x, [...kept, ...summed]);
  const outer = kept.map((axis) => x.shape[axis]!);
  const flat = reshape(moved, [...outer, sizeOf(summed.map((axis) => x.shape[axis]!))]);
  const result = apply(op, [flat], undefined);
  return reshape(result, keep ? x.shape.map((size, axis) => (reduced.has(axis) ? 1 : size)) : outer);
}

/** Sum over `axes` (default all); `keep` leaves them with length 1. */
export function sum(x: Tensor, axes?: readonly number[], keep = false): Tensor {
  return reduce(sumOp, x, axes, keep);
}

/** Largest element over `axes` (default all). */
export function max(x: Tensor, axes?: readonly number[], keep = false): Tensor {
  return reduce(maximumOp, x, axes, keep);
}

/** Smallest element over `axes` (default all). */
export function min(x: Tensor, axes?: readonly number[], keep = false): Tensor {
  return negate(max(negate(x), axes, keep));
}

/** Arithmetic mean over `axes` (default all). */
export function mean(x: Tensor, axes?: readonly number[], keep = false): Tensor {
  const total = sum(x, axes, keep);
  return multiply(total, sizeOf(total.shape) / sizeOf(x.shape));
}
