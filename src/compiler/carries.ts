// Where the carries of a scan live. A carry whose values before or after each step are wanted, for a gradient or as an
// output, is written where they are kept: it is never copied there.
import type { ScanAttributes } from "../tensor/ops/scan.ts";
import type { Node, Tensor } from "../tensor/tensor.ts";
import { type Carry, newView, type StepContext } from "./context.ts";
import type { View } from "./plan.ts";

/** Chooses the memory of a scan's carries, before anything asks where its outputs are. */
export function placeCarries(context: StepContext, node: Node): void {
  const { carries } = node.attributes as ScanAttributes;
  context.carries.set(
    node,
    Array.from({ length: carries }, (_, i) => placeCarry(context, node, i)),
  );
}

/**
 * Memory of the i-th carry, and of the outputs that are its values before or after each step: one stack of length + 1
 * values, in which every step reads a value and writes the next beside it. Where there are none, a step overwrites the
 * value it reads.
 */
function placeCarry({ buffers, views, read, depth }: StepContext, node: Node, i: number): Carry {
  const { body, carries, length, reverse } = node.attributes as ScanAttributes;
  const { shape, dtype } = node.outputs[i]!;
  const stacksOf = (value: Tensor) =>
    node.outputs.filter((output, j) => j >= carries && body.outputs[j] === value && read.has(output));
  const [before, after] = [stacksOf(body.inputs[i]!), stacksOf(body.outputs[i]!)];
  if (before.length + after.length === 0) {
    const view = newView(buffers, shape, dtype);
    views.set(node.outputs[i]!, view);
    return { first: view, before: view, after: view };
  }
  const stack = newView(buffers, [length + 1, ...shape], dtype);
  const [size, ...strides] = stack.strides as [number, ...number[]];
  const from = (place: number, moves: readonly number[]): View => ({
    buffer: stack.buffer,
    shape,
    strides,
    offset: place * size,
    steps: moves,
  });
  const [start, step] = reverse ? [length, -1] : [0, 1];
  const stackFrom = (place: number): View => ({ ...stack, shape: [length, ...shape], offset: place * size });
  views.set(node.outputs[i]!, from(start + step * length, []));
  for (const output of before) views.set(output, stackFrom(reverse ? 1 : 0));
  for (const output of after) views.set(output, stackFrom(reverse ? 0 : 1));
  const moves = [...deepen([], depth), step * size];
  return { first: from(start, []), before: from(start, moves), after: from(start + step, moves) };
}

/** What a view adds per repetition of each of `depth` enclosing loops. */
export function deepen(steps: readonly number[], depth: number): number[] {
  return Array.from({ length: depth }, (_, d) => steps[d] ?? 0);
}
