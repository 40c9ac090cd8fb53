// Turns a fused graph into steps on buffers. Knows what each step reads and writes, not when it runs.
import type { ElementwiseName } from "../tensor/ops/elementwise.ts";
import { type FillAttributes, type InputAttributes, inputName, type IotaAttributes, type LiteralAttributes } from "../tensor/ops/leaf.ts";
import type { ConcatenateAttributes, PadAttributes } from "../tensor/ops/movement.ts";
import { type DType, type Node, rowMajorStrides, type Strided, sizeOf, type Tensor } from "../tensor/tensor.ts";
import { reshapeStrides } from "../tensor/ops/movement.ts";
import { currentGroup, type Fused, type Fusion, type Group, type Source } from "./fuse.ts";
import type { Buffer, GroupInstruction, GroupMemory, GroupOperand, GroupStep, Kernels, Partial, RowView, Step, View } from "./plan.ts";
import type { Remade } from "./remake.ts";
import { commonLength, rowView, runsOf } from "./rows.ts";

/** A step with its place in the program's natural order, and the value it belongs to. */
export interface Ordered {
  readonly step: Step;
  readonly order: number;
}

/** Where buffers come from; one per plan. */
export interface Buffers {
  readonly all: Buffer[];
  readonly external: Map<string, Buffer>;
}

export function newBuffer(buffers: Buffers, elements: number, dtype: DType): Buffer {
  const buffer: Buffer = { id: buffers.all.length, elements, dtype, home: "arena", offset: -1 };
  buffers.all.push(buffer);
  return buffer;
}

export function externalBuffer(buffers: Buffers, name: string, elements: number, dtype: DType, literal?: Float64Array): Buffer {
  const before = buffers.external.get(name);
  if (before !== undefined) return before;
  const buffer: Buffer = {
    id: buffers.all.length,
    elements,
    dtype,
    home: "external",
    name,
    offset: 0,
    ...(literal ? { literal } : {}),
  };
  buffers.all.push(buffer);
  buffers.external.set(name, buffer);
  return buffer;
}

export interface StepContext {
  readonly fusion: Fusion;
  readonly buffers: Buffers;
  readonly kernels: Kernels;
  /** Memory of unfused and root tensors. */
  readonly views: Map<Tensor, View>;
  readonly remade: Remade;
  /** Memory of values made anew, by the group that makes them. */
  readonly remadeViews: Map<Group, Map<Tensor, View>>;
  /** Steps so far. */
  readonly steps: Ordered[];
  /** Values of the inputs of a loop's body, by name. */
  readonly leaves: ReadonlyMap<string, View>;
  /** How many loops enclose the graph. */
  readonly depth: number;
  /** Emits a scan's loop. */
  readonly emitScan: (context: StepContext, node: Node) => void;
}

/** A fresh row-major buffer seen whole. */
export function newView(buffers: Buffers, shape: readonly number[], dtype: DType): View {
  return { buffer: newBuffer(buffers, sizeOf(shape), dtype), steps: [], shape, offset: 0, strides: rowMajorStrides(shape) };
}

/** The memory behind a materialised tensor; made on first use. */
export function viewOf(context: StepContext, base: Tensor): View {
  const before = context.views.get(base);
  if (before !== undefined) return before;
  const view = leafView(context, base) ?? newView(context.buffers, base.shape, base.dtype);
  context.views.set(base, view);
  return view;
}

function leafView({ buffers, leaves }: StepContext, base: Tensor): View | undefined {
  const name = inputName(base);
  const leaf = name === undefined ? undefined : leaves.get(name);
  if (leaf !== undefined) return leaf;
  const whole = { steps: [], shape: base.shape, offset: 0, strides: rowMajorStrides(base.shape) };
  if (name !== undefined) {
    const { shape, dtype } = base.node.attributes as InputAttributes;
    return { buffer: externalBuffer(buffers, name, sizeOf(shape), dtype), ...whole };
  }
  if (base.node.op.name !== "literal") return undefined;
  const { values, dtype } = base.node.attributes as LiteralAttributes;
  return { buffer: externalBuffer(buffers, `literal ${base.node.id}`, values.length, dtype, values), ...whole };
}

/** A strided window on a materialised tensor, as a window on its buffer. */
export function windowOn(context: StepContext, base: Tensor, view: Strided): View {
  const memory = viewOf(context, base);
  return { buffer: memory.buffer, steps: memory.steps, shape: view.shape, strides: view.strides, offset: memory.offset + view.offset };
}

/** The memory behind any tensor whose base is materialised. */
export function tensorView(context: StepContext, tensor: Tensor): View {
  const { base, view } = context.fusion.aliasOf(tensor);
  return windowOn(context, base, view);
}

/** Emits every step of the graph; `order` are its nodes in topological order. */
export function emitSteps(context: StepContext, order: readonly Node[]): void {
  const { fusion } = context;
  const anew = new Map<Group, Set<Tensor>>();
  for (const values of context.remade.values()) {
    for (const [base, group] of values) anew.set(group, (anew.get(group) ?? new Set()).add(base));
  }
  for (const group of fusion.groups) emitGroup(context, group, [...(anew.get(group) ?? [])]);
  for (const node of order) {
    if (fusion.fused.has(node) || fusion.absorbed.has(node)) continue;
    const accumulated = fusion.accumulated.get(node);
    if (accumulated !== undefined) {
      emitContract(context, node, accumulated.contract, accumulated.sum, accumulated.addend);
    } else if (node.op.lowering === "contract") emitContract(context, node, node, node.outputs[0]!, undefined);
    else if (node.op.lowering === "reduce") emitReduce(context, node);
    else if (node.op.lowering === "kernel") emitKernel(context, node);
  }
}

function push(context: StepContext, step: Step, order: number): void {
  context.steps.push({ step, order });
}

function emitContract(context: StepContext, at: Node, contract: Node, output: Tensor, addend: Tensor | undefined): void {
  const [a, b] = contract.inputs as [Tensor, Tensor];
  const product = contract.outputs[0]!;
  const target = viewOf(context, output);
  push(
    context,
    {
      kind: "contract",
      a: factorView(context, contract, a),
      b: factorView(context, contract, b),
      addend: addend && reshaped(context, tensorView(context, addend), product.shape, addend.dtype, at.id),
      output: { ...target, shape: product.shape, strides: rowMajorStrides(product.shape) },
    },
    at.id,
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
function reshaped(context: StepContext, view: View, shape: readonly number[], dtype: DType, order: number): View {
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
    return { middle: run.stride === 1 ? make(1, 0, run.size, 1) : make(run.size, run.stride, 1, 0), direct: true };
  }
  if (runs.length === 2) {
    const [a, c] = runs as [{ size: number; stride: number }, { size: number; stride: number }];
    return { middle: make(a.size, a.stride, c.size, c.stride), direct: true };
  }
  return { middle: make(elements, summed, 1, 0), direct: false };
}

/** A contiguous copy of a view. */
function copied(context: StepContext, view: View, dtype: DType, order: number): View {
  const copy = newView(context.buffers, view.shape, dtype);
  emitCopy(context, view, copy, dtype, order);
  return copy;
}

/** Copies elements from one view to another of the same shape. */
export function emitCopy(context: StepContext, from: View, to: View, dtype: DType, order: number): void {
  if (sizeOf(from.shape) === 0) return;
  emitSimpleGroup(context, [from], to, order, (operands) => ({
    name: "copy",
    extent: "tile",
    dtype,
    result: dtype,
    operands,
  }));
}

function emitFill(context: StepContext, value: number, to: View, dtype: DType, order: number): void {
  emitSimpleGroup(context, [], to, order, () => ({
    name: "copy",
    extent: "tile",
    dtype,
    result: dtype,
    operands: [{ kind: "immediate", value }],
  }));
}

function emitSimpleGroup(
  context: StepContext,
  from: readonly View[],
  to: View,
  order: number,
  instruction: (operands: GroupOperand[]) => GroupInstruction,
): void {
  const elements = sizeOf(to.shape);
  const length = balancedLength([...from, to], elements);
  const memory = (view: View): GroupMemory => ({ view: rowsOf(view, length), extent: "tile" });
  const step: GroupStep = {
    kind: "group",
    rows: elements / length,
    length,
    memory: from.map(memory),
    instructions: [instruction(from.map((_, i) => ({ kind: "memory", memory: i })))],
    stores: [{ instruction: 0, memory: memory(to) }],
    partials: [],
  };
  push(context, step, order);
}

/** Rows of a view that is known to have them. */
function rowsOf(view: View, length: number): RowView {
  const rows = rowView(view, length);
  if (rows === undefined) throw new Error(`[${view.shape}] with strides [${view.strides}] has no rows of ${length}`);
  return rows;
}

function emitKernel(context: StepContext, node: Node): void {
  switch (node.op.name) {
    case "concatenate":
      return emitConcatenate(context, node);
    case "pad":
      return emitPad(context, node);
    case "scan":
      return context.emitScan(context, node);
    default: {
      const inputs = node.inputs.map((tensor, i) => {
        const view = tensorView(context, tensor);
        return context.kernels.accepts(node, i, view) ? view : copied(context, view, tensor.dtype, node.id);
      });
      push(context, { kind: "kernel", node, inputs, outputs: node.outputs.map((output) => viewOf(context, output)) }, node.id);
    }
  }
}

function part(view: View, start: readonly number[], shape: readonly number[]): View {
  return { ...view, shape, offset: start.reduce((offset, from, axis) => offset + from * view.strides[axis]!, view.offset) };
}

function emitConcatenate(context: StepContext, node: Node): void {
  const { axis } = node.attributes as ConcatenateAttributes;
  const target = viewOf(context, node.outputs[0]!);
  let start = 0;
  for (const input of node.inputs) {
    const at = target.shape.map((_, i) => (i === axis ? start : 0));
    emitCopy(context, tensorView(context, input), part(target, at, input.shape), input.dtype, node.id);
    start += input.shape[axis]!;
  }
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

// ---- fused groups

interface Emission {
  readonly context: StepContext;
  readonly group: Group;
  readonly length: number;
  readonly rows: number;
  readonly memory: GroupMemory[];
  readonly instructions: GroupInstruction[];
  readonly done: Map<Node, GroupOperand>;
  readonly order: number;
}

function emitGroup(context: StepContext, group: Group, anew: readonly Tensor[]): void {
  const { fusion } = context;
  const wanted = group.members.filter((node) => {
    return fusion.roots.has(node.outputs[0]!);
  });
  if ((wanted.length === 0 && anew.length === 0) || group.elements === 0) return;
  const order = Math.max(...wanted.map((node) => node.id), 0);
  const length = group.length ?? freeLength(context, group, [...wanted, ...anew.map((base) => base.node)]);
  const emission: Emission = {
    context,
    group,
    length,
    rows: group.elements / length,
    memory: [],
    instructions: [],
    done: new Map(),
    order,
  };
  const stores: { instruction: number; memory: GroupMemory }[] = [];
  const partials: { instruction: number; partial: Partial }[] = [];
  for (const node of wanted) {
    const { role } = fusion.fused.get(node)!;
    const operand = emitNode(emission, node);
    if (operand.kind !== "result") throw new Error("a group's node is computed by an instruction");
    if (role === "columnSum" || role === "fullSum") {
      const width = role === "columnSum" ? length : 1;
      const partial: Partial = { buffer: newBuffer(context.buffers, width, node.outputs[0]!.dtype), width, groups: 1 };
      partials.push({ instruction: operand.instruction, partial });
      emitPartialSum(context, partial, node, order);
    } else {
      const extent = extentOf(emission, node.outputs[0]!);
      const view = rowsOf(viewOf(context, node.outputs[0]!), extent === "tile" ? length : 1);
      stores.push({ instruction: operand.instruction, memory: { view, extent } });
    }
  }
  for (const base of anew) {
    const operand = emitNode(emission, base.node);
    if (operand.kind !== "result") throw new Error("a group's node is computed by an instruction");
    const view = newView(context.buffers, base.shape, base.dtype);
    const views = context.remadeViews.get(group) ?? new Map<Tensor, View>();
    context.remadeViews.set(group, views.set(base, view));
    stores.push({ instruction: operand.instruction, memory: { view: rowsOf(view, length), extent: "tile" } });
  }
  const { memory, instructions, rows } = emission;
  push(context, { kind: "group", rows, length, memory, instructions, stores, partials }, order);
}

function emitPartialSum(context: StepContext, partial: Partial, node: Node, order: number): void {
  const output = viewOf(context, node.outputs[0]!);
  const input: View = { buffer: partial.buffer, steps: [], shape: [1, 1, partial.width], offset: 0, strides: [partial.width, partial.width, 1] };
  push(context, { kind: "reduce", name: "sum", input, partial, output }, order);
}

function extentOf({ group, rows, length }: { group: Group; rows: number; length: number }, tensor: Tensor): "tile" | "column" {
  const elements = sizeOf(tensor.shape);
  return elements === group.elements || !(elements === rows && length > 1) ? "tile" : "column";
}

/** The row length of a group that no reduction fixes: as long as all its memory allows, yet with rows to share. */
function freeLength(context: StepContext, group: Group, wanted: readonly Node[]): number {
  const views: Strided[] = [];
  const seen = new Set<Node>();
  const collect = (node: Node) => {
    if (seen.has(node)) return;
    seen.add(node);
    for (const source of context.fusion.fused.get(node)!.sources) {
      if (source.kind === "memory" && node.op.lowering !== "random") views.push(source.view);
      else if (source.kind === "fused") collect(source.base.node);
    }
  };
  wanted.forEach(collect);
  for (const node of wanted) views.push({ shape: node.outputs[0]!.shape, offset: 0, strides: rowMajorStrides(node.outputs[0]!.shape) });
  return balancedLength(views, group.elements, wanted[0]!.outputs[0]!.shape);
}

/** Prefers the last axis as row; contiguous data may be cut anywhere. */
function balancedLength(views: readonly Strided[], elements: number, shape: readonly number[] = views.at(-1)!.shape): number {
  const longest = commonLength(views, elements);
  const last = shape.at(-1) ?? 1;
  if (last > 1 && longest % last === 0 && elements / last >= 32) return last;
  if (longest < 4096) return longest;
  // Long contiguous runs: rows of about a thousand, so that threads can share them.
  for (let rows = Math.floor(longest / 512); rows > 1; rows--) {
    if (longest % rows === 0 && longest / rows >= 512) return longest / rows;
    if (longest / rows > 8192) break;
  }
  return longest;
}

function emitTensor(emission: Emission, source: Extract<Source, { kind: "fused" }>, extent: "tile" | "column"): GroupOperand {
  const { context, group } = emission;
  const fused = context.fusion.fused.get(source.base.node)!;
  const home = currentGroup(fused.group);
  if (home !== group && context.fusion.roots.has(source.base) && home.level < group.level) {
    return memoryOperand(emission, source.base, source.view, extent);
  }
  return emitNode(emission, source.base.node);
}

function memoryOperand(emission: Emission, base: Tensor, view: Strided, extent: "tile" | "column"): GroupOperand {
  const { context, memory, length, order } = emission;
  let window = windowOn(context, base, view);
  const rowLength = extent === "tile" ? length : 1;
  let rows = rowView(window, rowLength);
  if (rows === undefined) {
    window = copied(context, window, base.dtype, order - 0.5);
    rows = rowsOf(window, rowLength);
  }
  memory.push({ view: rows, extent });
  return { kind: "memory", memory: memory.length - 1 };
}

/** The two words of a key, read as they are by every row. */
function keyOperand({ context, memory, order }: Emission, base: Tensor, view: Strided): GroupOperand {
  let window = windowOn(context, base, view);
  if (window.strides[0] !== 1) window = copied(context, window, base.dtype, order - 0.5);
  const { buffer, steps, offset } = window;
  memory.push({ view: { buffer, steps, offset, axes: [], columnStride: 0 }, extent: "tile" });
  return { kind: "memory", memory: memory.length - 1 };
}

function emitNode(emission: Emission, node: Node): GroupOperand {
  const before = emission.done.get(node);
  if (before !== undefined) return before;
  const operand = computeNode(emission, node, emission.context.fusion.fused.get(node)!);
  emission.done.set(node, operand);
  return operand;
}

function computeNode(emission: Emission, node: Node, fused: Fused): GroupOperand {
  const output = node.outputs[0]!;
  const sum = fused.role === "columnSum" || fused.role === "fullSum";
  const reduces = node.op.lowering === "reduce";
  const extent = reduces && !sum ? "tile" : sum ? sumExtent(emission, node) : extentOf(emission, output);
  const operands = fused.sources.map((source): GroupOperand => {
    switch (source.kind) {
      case "immediate":
        return source;
      case "memory":
        if (node.op.lowering === "random") return keyOperand(emission, source.base, source.view);
        return memoryOperand(emission, source.base, source.view, extent);
      case "fused":
        return emitTensor(emission, source, extent);
    }
  });
  const operandType = node.inputs.at(-1)?.dtype ?? output.dtype;
  const types = { dtype: operandType, result: output.dtype };
  if (sum) {
    let operand = operands[0]!;
    if (fused.role === "fullSum" && extent === "tile") {
      operand = instruct(emission, { name: "rowSum", extent: "tile", operands: [operand], ...types });
      return instruct(emission, { name: "columnSum", extent: "column", operands: [operand], ...types });
    }
    return instruct(emission, { name: "columnSum", extent, operands: [operand], ...types });
  }
  if (reduces) {
    const name = node.op.name === "reduceSum" ? "rowSum" : "rowMaximum";
    return instruct(emission, { name, extent: "tile", operands, ...types });
  }
  switch (node.op.lowering) {
    case "fill": {
      const { value } = node.attributes as FillAttributes;
      return instruct(emission, { name: "copy", extent, operands: [{ kind: "immediate", value }], ...types });
    }
    case "iota": {
      const { axis, shape } = node.attributes as IotaAttributes;
      const counted = { inner: sizeOf(shape.slice(axis + 1)), size: shape[axis]! };
      return instruct(emission, { name: "iota", extent, operands: [], dtype: "i32", result: output.dtype, ...counted });
    }
    case "random":
      return instruct(emission, { name: "random", extent, operands, ...types });
    case "view":
      return instruct(emission, { name: "copy", extent, operands, ...types });
    default:
      return instruct(emission, { name: node.op.name as ElementwiseName, extent, operands, ...types });
  }
}

/** A full sum's operand is a value per element or per row. */
function sumExtent(emission: Emission, node: Node): "tile" | "column" {
  return sizeOf(node.inputs[0]!.shape) === emission.group.elements ? "tile" : "column";
}

function instruct(emission: Emission, instruction: GroupInstruction): GroupOperand {
  emission.instructions.push(instruction);
  return { kind: "result", instruction: emission.instructions.length - 1 };
}
