import { type InputAttributes, inputName, type LiteralAttributes } from "../tensor/ops/leaf.ts";
import {
  type DType,
  type Node,
  rowMajorStrides,
  type Strided,
  sizeOf,
  type Tensor,
} from "../tensor/tensor.ts";
import type { Fusion } from "./fuse.ts";
import type { Group } from "./groups.ts";
import type {
  Buffer,
  GroupInstruction,
  GroupMemory,
  GroupOperand,
  GroupStep,
  Kernels,
  RowView,
  Step,
  View,
} from "./plan.ts";
import type { Remade } from "./remake.ts";
import { commonLength, rowView } from "./rows.ts";

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

export function externalBuffer(
  buffers: Buffers,
  name: string,
  elements: number,
  dtype: DType,
  literal?: Float64Array,
): Buffer {
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

/** A carry's memory: of its first value, and of the values before and after a step. */
export interface Carry {
  readonly first: View;
  readonly before: View;
  readonly after: View;
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
  /** Tensors that some node reads, and results. */
  readonly read: ReadonlySet<Tensor>;
  /** Memory of the carries of each scan. */
  readonly carries: Map<Node, readonly Carry[]>;
  /** Emits a scan's loop. */
  readonly emitScan: (context: StepContext, node: Node) => void;
}

/** A fresh row-major buffer seen whole. */
export function newView(buffers: Buffers, shape: readonly number[], dtype: DType): View {
  return {
    buffer: newBuffer(buffers, sizeOf(shape), dtype),
    steps: [],
    shape,
    offset: 0,
    strides: rowMajorStrides(shape),
  };
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
  return {
    buffer: externalBuffer(buffers, `literal ${base.node.id}`, values.length, dtype, values),
    ...whole,
  };
}

/** A strided window on a materialised tensor, as a window on its buffer. */
export function windowOn(context: StepContext, base: Tensor, view: Strided): View {
  const memory = viewOf(context, base);
  return {
    buffer: memory.buffer,
    steps: memory.steps,
    shape: view.shape,
    strides: view.strides,
    offset: memory.offset + view.offset,
  };
}

/** The memory behind any tensor whose base is materialised. */
export function tensorView(context: StepContext, tensor: Tensor): View {
  const { base, view } = context.fusion.aliasOf(tensor);
  return windowOn(context, base, view);
}

export function push(context: StepContext, step: Step, order: number): void {
  context.steps.push({ step, order });
}

/** A contiguous copy of a view. */
export function copied(context: StepContext, view: View, dtype: DType, order: number): View {
  const copy = newView(context.buffers, view.shape, dtype);
  emitCopy(context, view, copy, dtype, order);
  return copy;
}

/** Copies elements from one view to another of the same shape, once the scalar `after` is known. */
export function emitCopy(
  context: StepContext,
  from: View,
  to: View,
  dtype: DType,
  order: number,
  after?: View,
): void {
  if (sizeOf(from.shape) === 0) return;
  const waited = after && { ...after, shape: to.shape, strides: to.shape.map(() => 0) };
  emitSimpleGroup(context, waited === undefined ? [from] : [from, waited], to, order, ([operand]) => ({
    name: "copy",
    extent: "tile",
    dtype,
    result: dtype,
    operands: [operand!],
  }));
}

export function emitFill(context: StepContext, value: number, to: View, dtype: DType, order: number): void {
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
export function rowsOf(view: View, length: number): RowView {
  const rows = rowView(view, length);
  if (rows === undefined)
    throw new Error(`[${view.shape}] with strides [${view.strides}] has no rows of ${length}`);
  return rows;
}

/** Prefers the last axis as row; contiguous data may be cut anywhere. */
export function balancedLength(
  views: readonly Strided[],
  elements: number,
  shape: readonly number[] = views.at(-1)!.shape,
): number {
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
