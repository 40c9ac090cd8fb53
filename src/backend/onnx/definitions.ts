// Ops for which ONNX has no operator, defined by ops for which it has. Knows no file format.
import { matmul, swapLast } from "../../tensor/ops/contract.ts";
import type { DynamicUpdateAttributes } from "../../tensor/ops/dynamic.ts";
import {
  add,
  and,
  divide,
  equal,
  less,
  lessEqual,
  maximum,
  minimum,
  multiply,
  or,
  select,
  shiftLeft,
  shiftRight,
  subtract,
  xor,
} from "../../tensor/ops/elementwise.ts";
import { gather } from "../../tensor/ops/gather.ts";
import { fill, iota } from "../../tensor/ops/leaf.ts";
import { broadcastTo, reshape, slice, transpose } from "../../tensor/ops/movement.ts";
import type { RandomBitsAttributes } from "../../tensor/ops/random.ts";
import type { LinearRecurrenceAttributes } from "../../tensor/ops/recurrence.ts";
import { sum } from "../../tensor/ops/reduce.ts";
import {
  closeLoop,
  runLoop,
  type ScanInputs,
  type ScanResult,
  type ScanStep,
} from "../../tensor/ops/scan.ts";
import { lowerTriangle, type TriangularSolveAttributes } from "../../tensor/ops/triangular.ts";
import { type Node, sizeOf, type Tensor } from "../../tensor/tensor.ts";

/** The outputs of a node from its inputs, by simpler ops; undefined where there is no such definition. */
export function defineNode(node: Node, inputs: readonly Tensor[]): readonly Tensor[] | undefined {
  switch (node.op.name) {
    case "hold":
      return [inputs[0]!];
    case "randomBits":
      return [randomBits(inputs[0]!, node.attributes as RandomBitsAttributes)];
    case "dynamicUpdate":
      return [dynamicUpdate(inputs, node.attributes as DynamicUpdateAttributes)];
    case "linearRecurrence":
      return [linearRecurrence(inputs, node.attributes as LinearRecurrenceAttributes)];
    case "triangularSolve":
      return [triangularSolve(inputs, node.attributes as TriangularSolveAttributes)];
    case "groupedOuter":
      return [groupedOuter(inputs)];
    default:
      return undefined;
  }
}

/** A loop without anything kept for its gradient. */
function loop(of: ScanInputs, step: ScanStep): ScanResult {
  return runLoop(closeLoop(of, step), false);
}

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;

/** Threefry-2x32 with 20 rounds (Salmon et al. 2011, section 4.2) at the counters of all elements. */
function randomBits(key: Tensor, { shape }: RandomBitsAttributes): Tensor {
  const count = sizeOf(shape);
  const [first, second] = [slice(key, { 0: [0, 1] }), slice(key, { 0: [1, 2] })];
  const keys = [first, second, xor(xor(first, second), 0x1bd11bda)];
  let x = add(iota([count], 0, "u32"), first);
  let y = broadcastTo(second, [count]);
  for (let round = 0; round < 20; round++) {
    const rotation = ROTATIONS[round % 8]!;
    x = add(x, y);
    y = xor(or(shiftLeft(y, rotation), shiftRight(y, 32 - rotation)), x);
    if (round % 4 !== 3) continue;
    const injection = (round + 1) / 4;
    x = add(x, keys[injection % 3]!);
    y = add(y, add(keys[(injection + 1) % 3]!, injection));
  }
  return reshape(xor(x, y), shape);
}

/** Every place of the whole takes the element of the window that lies there, if one does. */
function dynamicUpdate([x, update, ...starts]: readonly Tensor[], { axes }: DynamicUpdateAttributes): Tensor {
  let inside = fill(1, x!.shape, "bool");
  let spread = update!;
  x!.shape.forEach((size, axis) => {
    const window = update!.shape[axis]!;
    if (window === size) return;
    const start = starts[axes.indexOf(axis)] ?? fill(0, [], "i32");
    const place = subtract(iota([size], 0), minimum(maximum(start, 0), size - window));
    const order = x!.shape.map((_, i) => i);
    // The axis in front, and back again.
    const front = [axis, ...order.filter((i) => i !== axis)];
    const back = order.map((i) => front.indexOf(i));
    spread = transpose(gather(transpose(spread, front), place), back);
    const alongAxis = order.map((i) => (i === axis ? size : 1));
    inside = and(inside, reshape(and(lessEqual(0, place), less(place, window)), alongAxis));
  });
  return select(inside, spread, x!);
}

/** a, b [B, T, D], initial [B, D]. */
function linearRecurrence(
  [a, b, initial]: readonly Tensor[],
  { reverse }: LinearRecurrenceAttributes,
): Tensor {
  const sequences = [a!, b!].map((x) => transpose(x, [1, 0, 2]));
  const { outputs } = loop(
    { length: a!.shape[1]!, carries: [initial!], sequences, reverse },
    ([h], [factor, term]) => {
      const next = add(multiply(factor!, h!), term!);
      return { carries: [next], outputs: [next] };
    },
  );
  return transpose(outputs[0]!, [1, 0, 2]);
}

/** Row after row: l [N…, n, n], b [N…, n, m]. */
function triangularSolve([l, b]: readonly Tensor[], attributes: TriangularSolveAttributes): Tensor {
  const { unit, transpose: transposed } = attributes;
  const [n, m] = b!.shape.slice(-2) as [number, number];
  const batch = sizeOf(b!.shape.slice(0, -2));
  if (sizeOf(b!.shape) === 0) return b!;
  const matrix = reshape(l!, [batch, n, n]);
  const strict = lowerTriangle(matrix, { strict: true });
  const onDiagonal = broadcastTo(equal(iota([n, n], 0), iota([n, n], 1)), matrix.shape);
  const diagonal = unit ? fill(1, [batch, n]) : sum(select(onDiagonal, matrix, 0), [-1]);
  const rows = transpose(transposed ? swapLast(strict) : strict, [1, 0, 2]);
  const { carries } = loop(
    {
      length: n,
      carries: [fill(0, [batch, n, m])],
      sequences: [rows, transpose(reshape(b!, [batch, n, m]), [1, 0, 2]), transpose(diagonal), iota([n], 0)],
      reverse: transposed,
    },
    ([solved], [row, right, divisor, i]) => {
      const known = reshape(matmul(reshape(row!, [batch, 1, n]), solved!), [batch, m]);
      const found = divide(subtract(right!, known), reshape(divisor!, [batch, 1]));
      const here = equal(iota([batch, n, m], 1), i!);
      return { carries: [select(here, reshape(found, [batch, 1, m]), solved!)], outputs: [] };
    },
  );
  return reshape(carries[0]!, b!.shape);
}

/** The first and the last row but one of every group: offsets [E+1] → [E] each. */
function bounds(offsets: Tensor): [Tensor, Tensor] {
  const groups = offsets.shape[0]! - 1;
  return [slice(offsets, { 0: [0, groups] }), slice(offsets, { 0: [1, groups + 1] })];
}

/** Which rows of x [N, K] lie between two places. */
function rowsBetween(x: Tensor, from: Tensor, to: Tensor): Tensor {
  const row = iota(x.shape, 0);
  return and(lessEqual(from, row), less(row, to));
}

/** x [N, K], y [N, M] → [E, K, M]. */
function groupedOuter([x, y, offsets]: readonly Tensor[]): Tensor {
  const groups = offsets!.shape[0]! - 1;
  const empty = fill(0, [groups, x!.shape[1]!, y!.shape[1]!]);
  if (sizeOf(empty.shape) === 0 || x!.shape[0] === 0) return empty;
  const own = (rows: Tensor, from: Tensor, to: Tensor) => select(rowsBetween(rows, from, to), rows, 0);
  const { outputs } = loop({ length: groups, sequences: bounds(offsets!) }, (_, [from, to]) => ({
    carries: [],
    outputs: [matmul(swapLast(own(x!, from!, to!)), own(y!, from!, to!))],
  }));
  return outputs[0]!;
}
