import type { ConcatenateAttributes, PadAttributes } from "../tensor/ops/movement.ts";
import { reshapeStrides } from "../tensor/ops/movement.ts";
import { type DType, type Node, rowMajorStrides, sizeOf, type Tensor } from "../tensor/tensor.ts";
import { placeCarries } from "./carries.ts";
import {
  copied,
  emitCopy,
  emitFill,
  push,
  type StepContext,
  tensorView,
  viewOf,
  windowOn,
} from "./context.ts";
import { emitGroup } from "./groupSteps.ts";
import { currentGroup, type Group } from "./groups.ts";
import type { View } from "./plan.ts";
import { runsOf } from "./rows.ts";

/** Emits every step of the graph; `order` are its nodes in topological order. */
export function emitSteps(context: StepContext, order: readonly Node[]): void {
  const { fusion } = context;
  const anew = new Map<Group, Set<Tensor>>();
  for (const values of context.remade.values()) {
    for (const [base, group] of values) anew.set(group, (anew.get(group) ?? new Set()).add(base));
  }
  for (const node of order) if (node.op.name === "scan") placeCarries(context, node);
  for (const node of order) if (node.op.name === "concatenate") placeParts(context, node);
  for (const group of fusion.groups) emitGroup(context, group, [...(anew.get(group) ?? [])]);
  for (const node of order) {
    if (fusion.fused.has(node) || fusion.absorbed.has(node)) continue;
    if (node.outputs.every(({ shape }) => sizeOf(shape) === 0)) continue;
    const accumulated = fusion.accumulated.get(node);
    if (accumulated !== undefined) {
      emitContract(context, accumulated.contract, accumulated.sum, accumulated.addend);
    } else if (node.op.lowering === "contract") emitContract(context, node, node.outputs[0]!, undefined);
    else if (node.op.lowering === "reduce") emitReduce(context, node);
    else if (node.op.lowering === "kernel") emitKernel(context, node);
  }
}

function emitContract(
  context: StepContext,
  contract: Node,
  output: Tensor,
  addend: Tensor | undefined,
): void {
  const [a, b] = contract.inputs as [Tensor, Tensor];
  const product = contract.outputs[0]!;
  const target = viewOf(context, output);
  // Not where the sum stands: one that is written down last, such as a gradient's added to those before, need not wait.
  const order = Math.max(contract.id, addend?.node.id ?? 0);
  push(
    context,
    {
      kind: "contract",
      a: factorView(context, contract, a),
      b: factorView(context, contract, b),
      addend: addend && reshaped(context, tensorView(context, addend), product.shape, addend.dtype, order),
      output: { ...target, shape: product.shape, strides: rowMajorStrides(product.shape) },
    },
    order,
  );
}

/** A product's factor, from where it was made anew for this product if it was. */
function factorView(context: StepContext, contract: Node, factor: Tensor): View {
  const { base, view } = context.fusion.aliasOf(factor);
  const group = context.remade.get(contract)?.get(base);
  if (group === undefined) return windowOn(context, base, view);
  const memory = context.remadeViews.get(group)!.get(base)!;
  return { ...memory, shape: view.shape, strides: view.strides, offset: memory.offset + view.offset };
}

/** A view under another shape, through a copy where strides cannot say it. */
function reshaped(
  context: StepContext,
  view: View,
  shape: readonly number[],
  dtype: DType,
  order: number,
): View {
  const direct = reshapeStridesOf(view, shape);
  if (direct !== undefined) return direct;
  const copy = copied(context, view, dtype, order);
  return { ...copy, shape, strides: rowMajorStrides(shape) };
}

function reshapeStridesOf(view: View, shape: readonly number[]): View | undefined {
  const strided = reshapeStrides(view, shape);
  return strided && { ...strided, buffer: view.buffer, steps: view.steps };
}

function emitReduce(context: StepContext, node: Node): void {
  const input = tensorView(context, node.inputs[0]!);
  const target = viewOf(context, node.outputs[0]!);
  const name = node.op.name === "reduceSum" ? "sum" : "maximum";
  const { middle, direct } = middleForm(input);
  const source = direct ? middle : middleForm(copied(context, input, node.inputs[0]!.dtype, node.id)).middle;
  push(context, { kind: "reduce", name, input: source, partial: undefined, output: target }, node.id);
}

/** [..., K] as [A, K, C]: C the trailing run of the outer axes that lies inside K's stride. */
function middleForm(view: View): { middle: View; direct: boolean } {
  const summed = view.shape.at(-1)!;
  const step = view.strides.at(-1)!;
  const outer = { shape: view.shape.slice(0, -1), strides: view.strides.slice(0, -1), offset: 0 };
  const elements = sizeOf(outer.shape);
  const runs = runsOf(outer);
  const make = (a: number, aStride: number, c: number, cStride: number): View => ({
    ...view,
    shape: [a, summed, c],
    strides: [aStride, step, cStride],
  });
  if (runs.length === 0) return { middle: make(1, 0, 1, 0), direct: true };
  if (runs.length === 1) {
    const [run] = runs as [{ size: number; stride: number }];
    return {
      middle: run.stride === 1 ? make(1, 0, run.size, 1) : make(run.size, run.stride, 1, 0),
      direct: true,
    };
  }
  if (runs.length === 2) {
    const [a, c] = runs as [{ size: number; stride: number }, { size: number; stride: number }];
    return { middle: make(a.size, a.stride, c.size, c.stride), direct: true };
  }
  return { middle: make(elements, summed, 1, 0), direct: false };
}

function emitKernel(context: StepContext, node: Node): void {
  switch (node.op.name) {
    case "concatenate":
      emitConcatenate(context, node);
      break;
    case "pad":
      emitPad(context, node);
      break;
    case "scan":
      context.emitScan(context, node);
      break;
    case "hold":
      emitHold(context, node);
      break;
    default: {
      const inputs = node.inputs.map((tensor, i) => {
        const view = tensorView(context, tensor);
        return context.kernels.accepts(node, i, view) ? view : copied(context, view, tensor.dtype, node.id);
      });
      push(
        context,
        { kind: "kernel", node, inputs, outputs: node.outputs.map((output) => viewOf(context, output)) },
        node.id,
      );
    }
  }
}

/** A copy that waits: what reads it cannot run before. */
function emitHold(context: StepContext, node: Node): void {
  const [x, after] = node.inputs as [Tensor, Tensor];
  const target = viewOf(context, node.outputs[0]!);
  emitCopy(context, tensorView(context, x), target, x.dtype, node.id, tensorView(context, after));
}

function part(view: View, start: readonly number[], shape: readonly number[]): View {
  return {
    ...view,
    shape,
    offset: start.reduce((offset, from, axis) => offset + from * view.strides[axis]!, view.offset),
  };
}

/** Groups write rows of at least so many elements where they are wanted, rather than wherever else and a copy after. */
const SHORTEST_PART = 64;

/** Lets the group that computes a part of a concatenation, which nobody else reads, write it in its place. */
function placeParts(context: StepContext, node: Node): void {
  const { fusion, views } = context;
  for (const [i, input] of node.inputs.entries()) {
    const fused = fusion.fused.get(input.node);
    const { base } = fusion.aliasOf(input);
    if (fused?.role !== "tile" || base !== input || fusion.uses.get(input) !== 1 || views.has(input))
      continue;
    const place = partOf(context, node, i);
    const run = runsOf(place).at(-1);
    const { length = 1 } = currentGroup(fused.group);
    if (run?.stride === 1 && run.size >= SHORTEST_PART && run.size % length === 0) views.set(input, place);
  }
}

/** The place of a concatenation's i-th part. */
function partOf(context: StepContext, node: Node, i: number): View {
  const { axis } = node.attributes as ConcatenateAttributes;
  const target = viewOf(context, node.outputs[0]!);
  const before = node.inputs.slice(0, i).reduce((total, { shape }) => total + shape[axis]!, 0);
  const start = target.shape.map((_, a) => (a === axis ? before : 0));
  return part(target, start, node.inputs[i]!.shape);
}

function emitConcatenate(context: StepContext, node: Node): void {
  node.inputs.forEach((input, i) => {
    const place = partOf(context, node, i);
    const isThere = context.views.get(input);
    if (isThere?.buffer === place.buffer && isThere.offset === place.offset) return;
    emitCopy(context, tensorView(context, input), place, input.dtype, node.id);
  });
}

/** Fills the margins only, so that every element is written once and steps keep no order among themselves. */
function emitPad(context: StepContext, node: Node): void {
  const { before, after, value } = node.attributes as PadAttributes;
  const target = viewOf(context, node.outputs[0]!);
  const input = node.inputs[0]!;
  const start = target.shape.map(() => 0);
  const size = [...target.shape];
  before.forEach((front, axis) => {
    const back = after[axis]!;
    const margin = (from: number, count: number) => {
      if (count === 0) return;
      const at = start.map((s, i) => (i === axis ? from : s));
      const shape = size.map((s, i) => (i === axis ? count : s));
      if (sizeOf(shape) > 0) emitFill(context, value, part(target, at, shape), input.dtype, node.id);
    };
    margin(0, front);
    margin(front + input.shape[axis]!, back);
    start[axis] = front;
    size[axis] = input.shape[axis]!;
  });
  emitCopy(context, tensorView(context, input), part(target, start, size), input.dtype, node.id);
}
