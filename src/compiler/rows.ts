// Strided windows cut into rows of a given length, the form in which groups read and write memory.
import { type Strided, sizeOf } from "../tensor/tensor.ts";
import type { RowView, View } from "./plan.ts";

interface Run {
  size: number;
  stride: number;
}

/** Axes of a window, outermost first, neighbours joined where one stride serves both. */
export function runsOf({ shape, strides }: Strided): Run[] {
  const runs: Run[] = [];
  shape.forEach((size, axis) => {
    if (size === 1) return;
    const stride = strides[axis]!;
    const last = runs.at(-1);
    if (last !== undefined && last.stride === stride * size) {
      last.size *= size;
      last.stride = stride;
    } else runs.push({ size, stride });
  });
  return runs;
}

/** Whether elements follow each other without gaps, in row-major order. */
export function isContiguous(view: Strided): boolean {
  const runs = runsOf(view);
  return runs.length === 0 || (runs.length === 1 && runs[0]!.stride === 1);
}

/** Whether the view is all of its buffer in order. */
export function isWhole(view: View): boolean {
  const { shape, offset, steps, buffer } = view;
  return (
    isContiguous(view) &&
    offset === 0 &&
    steps.every((step) => step === 0) &&
    sizeOf(shape) === buffer.elements
  );
}

/** The view as rows of `length` elements, or undefined where a row has no single stride. */
export function rowView(view: View, length: number): RowView | undefined {
  const elements = sizeOf(view.shape);
  if (elements === 0 || elements % length !== 0) return undefined;
  const runs = runsOf(view);
  let columnStride = 0;
  if (length > 1) {
    const inner = runs.pop();
    if (inner === undefined || inner.size % length !== 0) return undefined;
    columnStride = inner.stride;
    if (inner.size > length) runs.push({ size: inner.size / length, stride: inner.stride * length });
  }
  let divisor = 1;
  const axes = [];
  for (const { size, stride } of runs.reverse()) {
    axes.push({ divisor, size, stride });
    divisor *= size;
  }
  return { buffer: view.buffer, steps: view.steps, offset: view.offset, axes, columnStride };
}

/** The largest row length at which every view has rows of one stride, among the divisors that the views suggest. */
export function commonLength(views: readonly Strided[], elements: number): number {
  let length = elements;
  for (const view of views) {
    const inner = runsOf(view).at(-1);
    if (inner !== undefined) length = greatestCommonDivisor(length, inner.size);
  }
  return length;
}

export function greatestCommonDivisor(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}
