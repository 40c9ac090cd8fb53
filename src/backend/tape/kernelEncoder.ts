// What an op with a kernel tells the encoder, and the strides that kernels ask about.
import type { KernelStep, View } from "../../compiler/plan.ts";
import { isContiguous, runsOf } from "../../compiler/rows.ts";
import type { Strided } from "../../tensor/tensor.ts";
import { type Layout, operandAt } from "./place.ts";
import type { Operand, TapeWriter } from "./writer.ts";

/** An instruction without its header. */
export interface Encoded {
  readonly opcode: number;
  readonly rows: number;
  readonly scratchBytes: number;
  readonly words: (writer: TapeWriter) => void;
}

export interface KernelEncoder {
  /** Whether input `index` may have these strides; contiguous always may. */
  accepts(index: number, view: Strided): boolean;
  /** Parts into which the step can be cut when it runs with its neighbours, group by group. */
  rows?(step: KernelStep): number;
  /** The input whose memory the only output may take. */
  readonly inPlaceInput?: number;
  /** `chained`: as one of several steps of a stage, its rows being those that `rows` counts. */
  encode(step: KernelStep, layout: Layout, chained: boolean): Encoded;
}

/** Whether the last `axes` axes follow each other without gaps. */
export function contiguousInside(view: Strided, axes: number): boolean {
  const from = view.shape.length - axes;
  return isContiguous({ shape: view.shape.slice(from), strides: view.strides.slice(from), offset: 0 });
}

/** The single stride of the leading axes, all but the last `inner`; undefined where there is none. */
export function leadingStride(view: Strided, inner: number): number | undefined {
  const last = view.shape.length - inner;
  const runs = runsOf({ shape: view.shape.slice(0, last), strides: view.strides.slice(0, last), offset: 0 });
  return runs.length === 0 ? 0 : runs.length === 1 ? runs[0]!.stride : undefined;
}

export const whole = (layout: Layout, view: View | undefined): Operand | undefined =>
  view && operandAt(layout, view, 0);

/** Whether rows are contiguous. */
export const hasUnitRows = (view: Strided) => view.shape.at(-1) === 1 || view.strides.at(-1) === 1;

export const outer2 = (view: View): readonly [number, number] => [view.strides[0]!, view.strides[1]!];
