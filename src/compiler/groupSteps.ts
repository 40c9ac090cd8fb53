// Writes a fused group down as instructions: what it computes, what it computes again for others' sake, what it stores.
import type { ElementwiseName } from "../tensor/ops/elementwise.ts";
import type { FillAttributes, IotaAttributes } from "../tensor/ops/leaf.ts";
import { type Node, rowMajorStrides, type Strided, sizeOf, type Tensor } from "../tensor/tensor.ts";
import {
  balancedLength,
  copied,
  newBuffer,
  newView,
  push,
  rowsOf,
  type StepContext,
  viewOf,
  windowOn,
} from "./context.ts";
import { currentGroup, type Fused, type Group, type Source } from "./groups.ts";
import type { GroupInstruction, GroupMemory, GroupOperand, Partial, View } from "./plan.ts";
import { rowView } from "./rows.ts";

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

export function emitGroup(context: StepContext, group: Group, anew: readonly Tensor[]): void {
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
      const partial: Partial = {
        buffer: newBuffer(context.buffers, width, node.outputs[0]!.dtype),
        width,
        groups: 1,
      };
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
  const input: View = {
    buffer: partial.buffer,
    steps: [],
    shape: [1, 1, partial.width],
    offset: 0,
    strides: [partial.width, partial.width, 1],
  };
  push(context, { kind: "reduce", name: "sum", input, partial, output }, order);
}

function extentOf(
  { group, rows, length }: { group: Group; rows: number; length: number },
  tensor: Tensor,
): "tile" | "column" {
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
  for (const node of wanted) {
    const output = node.outputs[0]!;
    const strides = context.views.get(output)?.strides ?? rowMajorStrides(output.shape);
    views.push({ shape: output.shape, offset: 0, strides });
  }
  return balancedLength(views, group.elements, wanted[0]!.outputs[0]!.shape);
}

function emitTensor(
  emission: Emission,
  source: Extract<Source, { kind: "fused" }>,
  extent: "tile" | "column",
): GroupOperand {
  const { context, group } = emission;
  const fused = context.fusion.fused.get(source.base.node)!;
  const home = currentGroup(fused.group);
  if (home !== group && context.fusion.roots.has(source.base) && home.level < group.level) {
    return memoryOperand(emission, source.base, source.view, extent);
  }
  return emitNode(emission, source.base.node);
}

function memoryOperand(
  emission: Emission,
  base: Tensor,
  view: Strided,
  extent: "tile" | "column",
): GroupOperand {
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
        return node.op.lowering === "random"
          ? keyOperand(emission, source.base, source.view)
          : memoryOperand(emission, source.base, source.view, extent);
      default:
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
      return instruct(emission, {
        name: "iota",
        extent,
        operands: [],
        dtype: "i32",
        result: output.dtype,
        ...counted,
      });
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
