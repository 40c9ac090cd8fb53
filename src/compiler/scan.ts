// Turns a scan into a loop: carries get memory of their own, sequences and stacked outputs are read and written one
// element further each repetition, and the body is planned like any graph.
import { inputName } from "../tensor/ops/leaf.ts";
import type { ScanAttributes } from "../tensor/ops/scan.ts";
import { type Node, rowMajorStrides } from "../tensor/tensor.ts";
import { deepen } from "./carries.ts";
import { planGraph } from "./compile.ts";
import { emitCopy, type StepContext, tensorView, viewOf } from "./context.ts";
import type { PrepareStep, View } from "./plan.ts";

/** So many steps make up for the memory of what is prepared once for all of them. */
const MANY_STEPS = 16;

export function emitScan(context: StepContext, node: Node): void {
  const { body, carries, sequences, length, reverse } = node.attributes as ScanAttributes;
  const { buffers, kernels, depth, steps, read } = context;
  const placed = context.carries.get(node)!;
  const leaves = new Map<string, View>();
  node.inputs.forEach((input, i) => {
    const name = inputName(body.inputs[i]!)!;
    const outside = tensorView(context, input);
    if (i < carries) {
      emitCopy(context, outside, placed[i]!.first, input.dtype, node.id);
      leaves.set(name, placed[i]!.before);
    } else if (i < carries + sequences) leaves.set(name, element(outside, length, reverse, depth));
    else leaves.set(name, { ...outside, steps: deepen(outside.steps, depth + 1) });
  });
  const inCarries = new Set([...body.inputs.slice(0, carries), ...body.outputs.slice(0, carries)]);
  const wanted = body.outputs
    .map((_, i) => i)
    .filter((i) => i < carries || (read.has(node.outputs[i]!) && !inCarries.has(body.outputs[i]!)));
  const targets = wanted.map((i): View => {
    if (i < carries) return placed[i]!.after;
    const stacked = viewOf(context, node.outputs[i]!);
    const strides = rowMajorStrides(body.outputs[i]!.shape);
    return { ...element(stacked, length, reverse, depth), strides };
  });
  const hoist =
    length < MANY_STEPS ? undefined : (step: PrepareStep) => steps.push({ step, order: node.id - 0.5 });
  const stages = planGraph(
    wanted.map((i) => body.outputs[i]!),
    { buffers, kernels, leaves, depth: depth + 1, hoist },
    (i) => targets[i]!,
  );
  const carried = placed.filter(({ before }) => before.steps.length === 0).map(({ first }) => first.buffer);
  steps.push({ step: { kind: "loop", count: length, stages, carried }, order: node.id });
}

/** The view's element along its leading axis in the loop at `depth`. */
function element(view: View, length: number, reverse: boolean, depth: number): View {
  const [stride, ...strides] = view.strides as [number, ...number[]];
  return {
    buffer: view.buffer,
    shape: view.shape.slice(1),
    strides,
    offset: view.offset + (reverse ? (length - 1) * stride : 0),
    steps: [...deepen(view.steps, depth), reverse ? -stride : stride],
  };
}
