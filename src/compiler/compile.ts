// From a program to a plan: lower, fuse, emit steps, order them, cut stages, place buffers.
import { inputName } from "../tensor/ops/leaf.ts";
import { type Program, programResults } from "../tensor/program.ts";
import { rowMajorStrides, sizeOf, type Tensor, topologicalOrder } from "../tensor/tensor.ts";
import { isIdentity } from "./alias.ts";
import {
  type Buffers,
  emitCopy,
  externalBuffer,
  newBuffer,
  newView,
  type StepContext,
  tensorView,
} from "./context.ts";
import { fuse } from "./fuse.ts";
import { lower } from "./lower.ts";
import { placeBuffers } from "./memory.ts";
import { type Delivery, orderSteps } from "./order.ts";
import type { Buffer, Kernels, Plan, PrepareStep, RowView, Stage, View } from "./plan.ts";
import { remake } from "./remake.ts";
import { emitScan } from "./scan.ts";
import { cutStages } from "./stages.ts";
import { emitSteps } from "./steps.ts";

/** Plans a program for a backend with the given kernels. */
export function compile(program: Program, kernels: Kernels): Plan {
  const buffers: Buffers = { all: [], external: new Map() };
  const names = [...Object.keys(program.outputs), ...Object.keys(program.updates)];
  const results = programResults(program);
  const stages = planGraph(results, { buffers, kernels, leaves: new Map(), depth: 0 }, (i) => {
    const { shape, dtype } = results[i]!;
    const buffer = externalBuffer(buffers, names[i]!, sizeOf(shape), dtype);
    return { buffer, steps: [], shape, offset: 0, strides: [] };
  });
  return {
    stages,
    ...placeBuffers(stages),
    buffers: buffers.all,
    bindings: buffers.all.filter((buffer) => buffer.home === "external"),
  };
}

/** Where a graph stands among others. */
export interface Surroundings {
  readonly buffers: Buffers;
  readonly kernels: Kernels;
  /** Values that already have memory, by the name of their input. */
  readonly leaves: ReadonlyMap<string, View>;
  /** The number of enclosing loops. */
  readonly depth: number;
  /** Takes a step out of the enclosing loop, to before it. */
  readonly hoist?: ((step: PrepareStep) => void) | undefined;
}

/** Stages that compute `results` and deliver each to its target (row-major windows; `strides` are ignored). */
export function planGraph(
  results: readonly Tensor[],
  { buffers, kernels, leaves, depth, hoist }: Surroundings,
  target: (index: number) => View,
): Stage[] {
  const lowered = lower(results, kernels);
  const order = topologicalOrder(lowered);
  const fusion = fuse(order, lowered, (leaf) => leaves.get(inputName(leaf) ?? "")?.strides);
  const context: StepContext = {
    fusion,
    buffers,
    kernels,
    leaves,
    views: new Map(),
    remade: remake(fusion, order),
    remadeViews: new Map(),
    steps: [],
    depth,
    read: new Set([...order.flatMap((node) => node.inputs), ...lowered]),
    carries: new Map(),
    emitScan,
  };
  const targets = lowered.map((_, i) => target(i));
  const firstOwn = buffers.all.length;
  const direct = lowered.map((tensor, i) => writesDirectly(context, tensor, targets[i]!));
  emitSteps(context, order);
  const deliveries = lowered.map((tensor, i) => (direct[i] ? [] : deliver(context, tensor, targets[i]!)));
  const steps = orderSteps(context.steps, deliveries.flat(), kernels, (view) => isBefore(leaves, view));
  const isOwn = (buffer: Buffer) => buffer.id >= firstOwn;
  const written = new Set(targets.map((view) => view.buffer));
  return cutStages(steps, {
    kernels,
    newBuffer: (elements) => newBuffer(buffers, elements, "f32"),
    isOwn,
    isFixed: ({ buffer, steps: moves }) =>
      hoist !== undefined && !isOwn(buffer) && !written.has(buffer) && (moves[depth - 1] ?? 0) === 0,
    hoist: (step) => hoist!({ ...step, b: { ...step.b, steps: step.b.steps.slice(0, depth - 1) } }),
  });
}

/** Whether a target is a loop's place in a stack, which nothing in the loop reads. */
function isStacked({ steps }: View): boolean {
  return steps.at(-1) !== undefined && steps.at(-1) !== 0;
}

/** Whether a view reads what another repetition of the loop has left in a stack: nothing in this one writes there. */
function isBefore(leaves: ReadonlyMap<string, View>, view: View | RowView): boolean {
  for (const leaf of leaves.values()) {
    const place = view.offset - leaf.offset;
    if (leaf.buffer === view.buffer && isStacked(leaf) && place >= 0 && place < sizeOf(leaf.shape))
      return true;
  }
  return false;
}

/** Lets the step that computes a loop's output write it in its place of the stack at once. */
function writesDirectly(context: StepContext, tensor: Tensor, target: View): boolean {
  const { base, view } = context.fusion.aliasOf(tensor);
  const made = base.node.op.lowering !== "leaf" && !context.views.has(base) && base.node.op.name !== "scan";
  if (!isStacked(target) || !made || !isIdentity(view, sizeOf(base.shape))) return false;
  context.views.set(base, { ...target, shape: base.shape, strides: rowMajorStrides(base.shape) });
  return true;
}

const LAST = Number.MAX_SAFE_INTEGER;

/** Copies a result to its target; a value that is itself memory of the caller's is set aside first, unless nobody reads there. */
function deliver(context: StepContext, tensor: Tensor, target: View): Delivery[] {
  const { base, view } = context.fusion.aliasOf(tensor);
  let source = tensorView(context, tensor);
  let whole = isIdentity(view, sizeOf(base.shape)) && source.steps.length === 0 && target.steps.length === 0;
  if (base.node.op.lowering === "leaf" && !isStacked(target)) {
    const aside = newView(context.buffers, tensor.shape, tensor.dtype);
    emitCopy(context, source, aside, tensor.dtype, LAST);
    source = aside;
    whole = target.steps.length === 0;
  }
  whole &&= target.offset === 0 && target.buffer.elements === sizeOf(tensor.shape);
  if (sizeOf(tensor.shape) === 0) return [];
  emitCopy(
    context,
    source,
    { ...target, shape: tensor.shape, strides: rowMajorStrides(tensor.shape) },
    tensor.dtype,
    LAST,
  );
  return [{ step: context.steps.at(-1)!.step, source, target: target.buffer, whole }];
}
