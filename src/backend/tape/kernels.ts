// The ops that have a kernel: which strides each kernel reads, how its work is cut, and its words. Knows each op by the
// name and attributes that the op declares.
import type { KernelStep, View } from "../../compiler/plan.ts";
import { runsOf } from "../../compiler/rows.ts";
import type { AttentionAttributes } from "../../tensor/composites/attention.ts";
import type { CumulativeSumAttributes } from "../../tensor/ops/cumulative.ts";
import type { DynamicSliceAttributes } from "../../tensor/ops/dynamic.ts";
import type { GroupedProductAttributes } from "../../tensor/ops/grouped.ts";
import type { LinearRecurrenceAttributes } from "../../tensor/ops/recurrence.ts";
import type { SortAttributes } from "../../tensor/ops/sort.ts";
import type { TriangularSolveAttributes } from "../../tensor/ops/triangular.ts";
import { type Node, type Strided, sizeOf } from "../../tensor/tensor.ts";
import * as attention from "./attention.ts";
import * as cumulative from "./cumulative_sum.ts";
import * as dynamic from "./dynamic_slice.ts";
import * as gather from "./gather.ts";
import * as grouped from "./grouped_product.ts";
import * as recurrence from "./linear_recurrence.ts";
import * as longConvolution from "./long_convolution.ts";
import { opcode } from "./opcodes.ts";
import { type Layout, operandAt } from "./place.ts";
import * as rotary from "./rotary.ts";
import * as scatter from "./scatter_add.ts";
import * as shortConvolution from "./short_convolution.ts";
import * as sort from "./sort.ts";
import * as triangular from "./triangular_solve.ts";
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

/** The encoder of a node's kernel, if it has one. */
export function kernelEncoder(node: Node): KernelEncoder | undefined {
  return encoders[node.op.name];
}

export function isContiguous(view: Strided): boolean {
  const runs = runsOf(view);
  return runs.length === 0 || (runs.length === 1 && runs[0]!.stride === 1);
}

/** Whether the last `axes` axes follow each other without gaps. */
function contiguousInside(view: Strided, axes: number): boolean {
  const from = view.shape.length - axes;
  return isContiguous({ shape: view.shape.slice(from), strides: view.strides.slice(from), offset: 0 });
}

/** The single stride of the leading axes, all but the last `inner`; undefined where there is none. */
function leadingStride(view: Strided, inner: number): number | undefined {
  const last = view.shape.length - inner;
  const runs = runsOf({ shape: view.shape.slice(0, last), strides: view.strides.slice(0, last), offset: 0 });
  return runs.length === 0 ? 0 : runs.length === 1 ? runs[0]!.stride : undefined;
}

const whole = (layout: Layout, view: View | undefined): Operand | undefined => view && operandAt(layout, view, 0);
const heads = (layout: Layout, view: View, axes: { batch: number; token: number; head: number }): attention.HeadsView => ({
  operand: operandAt(layout, view, view.strides[axes.batch]!),
  token: view.strides[axes.token]!,
  head: view.strides[axes.head]!,
});
const tokens = { batch: 0, token: 1, head: 2 };

function attentionParts({ node, inputs, outputs }: KernelStep, layout: Layout, chained: boolean) {
  const [q, k, v] = inputs as [View, View, View];
  const isGradient = node.op.name === "attentionGradient";
  const { causal, window, scale } = node.attributes as AttentionAttributes;
  const sizes: attention.AttentionSizes = {
    batch: q.shape[0]!,
    queryLength: q.shape[1]!,
    queryHeads: q.shape[2]!,
    keyLength: k.shape[1]!,
    keyHeads: k.shape[2]!,
    width: q.shape[3]!,
    valueWidth: v.shape[3]!,
    fine: !chained,
  };
  const offset = inputs[isGradient ? 6 : 3];
  const instruction: attention.AttentionInstruction = {
    ...sizes,
    causal,
    window: window ?? 0,
    scale,
    query: heads(layout, q, tokens),
    key: heads(layout, k, tokens),
    value: heads(layout, v, tokens),
    out: heads(layout, isGradient ? inputs[3]! : outputs[0]!, tokens),
    logSumExp: heads(layout, isGradient ? inputs[4]! : outputs[1]!, { batch: 0, token: 2, head: 1 }),
    offset: whole(layout, offset),
  };
  return { sizes, instruction };
}

const attentionEncoder: KernelEncoder = {
  accepts: (_, view) => view.shape.length !== 4 || attention.attentionAccepts(view.shape, view.strides),
  rows: ({ inputs }) => inputs[0]!.shape[0]!,
  encode: (step, layout, chained) => {
    const { sizes, instruction } = attentionParts(step, layout, chained);
    return {
      opcode: opcode.attention,
      rows: attention.attentionRows(sizes),
      scratchBytes: attention.attentionScratchBytes(sizes, layout.realBytes),
      words: (writer) => attention.attentionWords(instruction, writer),
    };
  },
};

const attentionGradientEncoder: KernelEncoder = {
  ...attentionEncoder,
  encode: (step, layout, chained) => {
    const { sizes, instruction } = attentionParts(step, layout, chained);
    const [dq, dk, dv] = step.outputs as [View, View, View];
    const gradient: attention.AttentionGradientInstruction = {
      ...instruction,
      outGradient: heads(layout, step.inputs[5]!, tokens),
      queryGradient: heads(layout, dq, tokens),
      keyGradient: heads(layout, dk, tokens),
      valueGradient: heads(layout, dv, tokens),
    };
    return {
      opcode: opcode.attentionGradient,
      rows: attention.attentionRows(sizes),
      scratchBytes: attention.attentionGradientScratchBytes(sizes, layout.realBytes),
      words: (writer) => attention.attentionGradientWords(gradient, writer),
    };
  },
};

const rotaryEncoder: KernelEncoder = {
  accepts: (_, view) => view.shape.at(-1) === 1 || view.strides.at(-1) === 1,
  rows: ({ inputs }) => inputs[0]!.shape[0]!,
  encode: ({ inputs, outputs }, layout, chained) => {
    const [x, cosines, sines] = inputs as [View, View, View];
    const [batch, length, headCount, width] = x.shape as [number, number, number, number];
    const table = (view: View) => ({ operand: operandAt(layout, view, 0), token: view.strides[0]! });
    const instruction: rotary.RotaryInstruction = {
      ...{ batch, length, heads: headCount, width, fine: !chained },
      x: heads(layout, x, tokens),
      result: heads(layout, outputs[0]!, tokens),
      cosines: table(cosines),
      sines: table(sines),
    };
    return {
      opcode: opcode.rotary,
      rows: rotary.rotaryRows(instruction),
      scratchBytes: 0,
      words: (writer) => rotary.rotaryWords(instruction, writer),
    };
  },
};

const gatherEncoder: KernelEncoder = {
  accepts: (index, view) =>
    index === 0 ? contiguousInside(view, view.shape.length - 1) : leadingStride(view, 0) !== undefined,
  rows: ({ inputs }) => sizeOf(inputs[1]!.shape),
  encode: ({ inputs, outputs }, layout) => {
    const [x, indices] = inputs as [View, View];
    const width = sizeOf(x.shape.slice(1));
    const instruction: gather.GatherInstruction = {
      count: sizeOf(indices.shape),
      table: x.shape[0]!,
      width,
      xRow: x.strides[0]!,
      x: operandAt(layout, x, 0),
      indices: operandAt(layout, indices, leadingStride(indices, 0)!),
      result: operandAt(layout, outputs[0]!, width),
    };
    return {
      opcode: opcode.gather,
      rows: gather.gatherRows(instruction),
      scratchBytes: 0,
      words: (writer) => gather.gatherWords(instruction, writer),
    };
  },
};

const scatterAddEncoder: KernelEncoder = {
  accepts: (index, view) => index === 0 ? leadingStride(view, 0) !== undefined : isContiguous(view),
  encode: ({ inputs, outputs }, layout) => {
    const [indices, updates] = inputs as [View, View];
    const [result] = outputs as [View];
    const width = sizeOf(result.shape.slice(1));
    const instruction: scatter.ScatterAddInstruction = {
      count: sizeOf(indices.shape),
      table: result.shape[0]!,
      width,
      updatesRow: width,
      resultRow: width,
      updates: operandAt(layout, updates, 0),
      indices: operandAt(layout, indices, leadingStride(indices, 0)!),
      result: operandAt(layout, result, 0),
    };
    return {
      opcode: opcode.scatterAdd,
      rows: scatter.scatterAddRows(instruction),
      scratchBytes: 0,
      words: (writer) => scatter.scatterAddWords(instruction, writer),
    };
  },
};

const sortEncoder: KernelEncoder = {
  accepts: (_, view) => contiguousInside(view, 1) && leadingStride(view, 1) !== undefined,
  encode: ({ node, inputs, outputs }, layout) => {
    const [x] = inputs as [View];
    const { k, descending } = node.attributes as SortAttributes;
    const instruction: sort.SortInstruction = {
      rows: sizeOf(x.shape.slice(0, -1)),
      length: x.shape.at(-1)!,
      count: k,
      descending,
      x: operandAt(layout, x, leadingStride(x, 1)!),
      values: operandAt(layout, outputs[0]!, k),
      permutation: operandAt(layout, outputs[1]!, k),
    };
    return {
      opcode: opcode.sort,
      rows: sort.sortRows(instruction),
      scratchBytes: sort.sortScratchBytes(instruction),
      words: (writer) => sort.sortWords(instruction, writer),
    };
  },
};

const cumulativeSumEncoder: KernelEncoder = {
  accepts: (_, view) => leadingStride(view, 1) !== undefined,
  encode: ({ node, inputs, outputs }, layout) => {
    const [x] = inputs as [View];
    const length = x.shape.at(-1)!;
    const instruction: cumulative.CumulativeSumInstruction = {
      ...(node.attributes as CumulativeSumAttributes),
      rows: sizeOf(x.shape.slice(0, -1)),
      length,
      xColumn: x.strides.at(-1)!,
      resultColumn: 1,
      x: operandAt(layout, x, leadingStride(x, 1)!),
      result: operandAt(layout, outputs[0]!, length),
    };
    return {
      opcode: opcode.cumulativeSum,
      rows: cumulative.cumulativeSumRows(instruction),
      scratchBytes: 0,
      words: (writer) => cumulative.cumulativeSumWords(instruction, writer),
    };
  },
};

const triangularSolveEncoder: KernelEncoder = {
  accepts: (index, view) =>
    leadingStride(view, 2) !== undefined && (index === 0 || view.shape.at(-1) === 1 || view.strides.at(-1) === 1),
  encode: ({ node, inputs, outputs }, layout) => {
    const [a, b] = inputs as [View, View];
    const [size, columns] = b.shape.slice(-2) as [number, number];
    const { unit, transpose } = node.attributes as TriangularSolveAttributes;
    const instruction: triangular.TriangularSolveInstruction = {
      ...{ unit, transpose, size, columns, lower: true },
      batch: sizeOf(b.shape.slice(0, -2)),
      aRow: a.strides.at(-2)!,
      aColumn: a.strides.at(-1)!,
      bRow: b.strides.at(-2)!,
      xRow: columns,
      a: operandAt(layout, a, leadingStride(a, 2)!),
      b: operandAt(layout, b, leadingStride(b, 2)!),
      x: operandAt(layout, outputs[0]!, size * columns),
    };
    return {
      opcode: opcode.triangularSolve,
      rows: triangular.triangularSolveRows(instruction),
      scratchBytes: 0,
      words: (writer) => triangular.triangularSolveWords(instruction, writer),
    };
  },
};

const hasUnitRows = (view: Strided) => view.shape.at(-1) === 1 || view.strides.at(-1) === 1;

const groupedProductEncoder: KernelEncoder = {
  accepts: (index, view) => index === 1 || (index === 2 ? isContiguous(view) : hasUnitRows(view)),
  encode: ({ node, inputs, outputs }, layout) => {
    const [x, w, offsets] = inputs as [View, View, View];
    const { transposed } = node.attributes as GroupedProductAttributes;
    const columns = outputs[0]!.shape[1]!;
    const instruction: grouped.GroupedProductInstruction = {
      rows: x.shape[0]!,
      depth: x.shape[1]!,
      columns,
      groups: w.shape[0]!,
      xRow: x.strides[0]!,
      yRow: columns,
      wGroup: w.strides[0]!,
      wDepth: w.strides[transposed ? 2 : 1]!,
      wColumn: w.strides[transposed ? 1 : 2]!,
      x: operandAt(layout, x, 0),
      w: operandAt(layout, w, 0),
      offsets: operandAt(layout, offsets, 0),
      y: operandAt(layout, outputs[0]!, 0),
    };
    return {
      opcode: opcode.groupedProduct,
      rows: grouped.groupedProductRows(instruction),
      scratchBytes: grouped.groupedProductScratchBytes(instruction),
      words: (writer) => grouped.groupedProductWords(instruction, writer),
    };
  },
};

const groupedOuterEncoder: KernelEncoder = {
  accepts: (index, view) => (index === 2 ? isContiguous(view) : hasUnitRows(view)),
  encode: ({ inputs, outputs }, layout) => {
    const [x, y, offsets] = inputs as [View, View, View];
    const [z] = outputs as [View];
    const instruction: grouped.GroupedOuterInstruction = {
      rows: x.shape[0]!,
      depth: x.shape[1]!,
      columns: y.shape[1]!,
      groups: z.shape[0]!,
      xRow: x.strides[0]!,
      yRow: y.strides[0]!,
      x: operandAt(layout, x, 0),
      y: operandAt(layout, y, 0),
      offsets: operandAt(layout, offsets, 0),
      z: operandAt(layout, z, 0),
    };
    return {
      opcode: opcode.groupedOuter,
      rows: grouped.groupedOuterRows(instruction),
      scratchBytes: grouped.groupedOuterScratchBytes(instruction),
      words: (writer) => grouped.groupedOuterWords(instruction, writer),
    };
  },
};

const longConvolutionEncoder: KernelEncoder = {
  accepts: () => true,
  encode: ({ inputs, outputs }, layout) => {
    const [x, kernel] = inputs as [View, View];
    const [batch, channels, times] = x.shape as [number, number, number];
    const strides = (view: View) => view.strides as readonly number[] as readonly [number, number, number];
    const [kernelBatch, kernelChannel, kernelTime] = strides(kernel);
    const instruction: longConvolution.LongConvolutionInstruction = {
      ...{ batch, channels, times },
      xStrides: strides(x),
      kernelStrides: [kernel.shape[0] === 1 ? 0 : kernelBatch, kernelChannel, kernelTime],
      resultStrides: strides(outputs[0]!),
      x: operandAt(layout, x, 0),
      kernel: operandAt(layout, kernel, 0),
      result: operandAt(layout, outputs[0]!, 0),
    };
    return {
      opcode: opcode.longConvolution,
      rows: longConvolution.longConvolutionRows(instruction),
      scratchBytes: longConvolution.longConvolutionScratchBytes(instruction),
      words: (writer) => longConvolution.longConvolutionWords(instruction, writer),
    };
  },
};

const outer2 = (view: View): readonly [number, number] => [view.strides[0]!, view.strides[1]!];

const shortConvolutionEncoder: KernelEncoder = {
  accepts: (_, view) => hasUnitRows(view),
  encode: ({ inputs, outputs }, layout) => {
    const [x, kernel] = inputs as [View, View];
    const [batch, times, channels] = x.shape as [number, number, number];
    const instruction: shortConvolution.ShortConvolutionInstruction = {
      ...{ batch, times, channels, taps: kernel.shape[0]! },
      xStrides: outer2(x),
      resultStrides: outer2(outputs[0]!),
      kernelRow: kernel.strides[0]!,
      x: operandAt(layout, x, 0),
      kernel: operandAt(layout, kernel, 0),
      result: operandAt(layout, outputs[0]!, 0),
    };
    return {
      opcode: opcode.shortConvolution,
      rows: shortConvolution.shortConvolutionRows(instruction),
      scratchBytes: 0,
      words: (writer) => shortConvolution.shortConvolutionWords(instruction, writer),
    };
  },
};

const shortConvolutionGradientEncoder: KernelEncoder = {
  accepts: (_, view) => hasUnitRows(view),
  encode: ({ inputs, outputs }, layout) => {
    const [x, kernel, g] = inputs as [View, View, View];
    const [dx, dkernel] = outputs as [View, View];
    const [batch, times, channels] = x.shape as [number, number, number];
    const instruction: shortConvolution.ShortConvolutionGradientInstruction = {
      ...{ batch, times, channels, taps: kernel.shape[0]! },
      xStrides: outer2(x),
      gStrides: outer2(g),
      dxStrides: outer2(dx),
      kernelRow: kernel.strides[0]!,
      x: operandAt(layout, x, 0),
      kernel: operandAt(layout, kernel, 0),
      g: operandAt(layout, g, 0),
      dx: operandAt(layout, dx, 0),
      dkernel: operandAt(layout, dkernel, 0),
    };
    return {
      opcode: opcode.shortConvolutionGradient,
      rows: shortConvolution.shortConvolutionGradientRows(instruction),
      scratchBytes: 0,
      words: (writer) => shortConvolution.shortConvolutionGradientWords(instruction, writer),
    };
  },
};

const linearRecurrenceEncoder: KernelEncoder = {
  accepts: () => true,
  encode: ({ node, inputs, outputs }, layout) => {
    const [a, b, initial] = inputs as [View, View, View];
    const [batch, times, channels] = a.shape as [number, number, number];
    const strides = (view: View) => view.strides as readonly number[] as readonly [number, number, number];
    const instruction: recurrence.LinearRecurrenceInstruction = {
      ...{ batch, times, channels },
      reverse: (node.attributes as LinearRecurrenceAttributes).reverse,
      aStrides: strides(a),
      bStrides: strides(b),
      initialStrides: outer2(initial),
      resultStrides: strides(outputs[0]!),
      a: operandAt(layout, a, 0),
      b: operandAt(layout, b, 0),
      initial: operandAt(layout, initial, 0),
      result: operandAt(layout, outputs[0]!, 0),
    };
    return {
      opcode: opcode.linearRecurrence,
      rows: recurrence.linearRecurrenceRows(instruction),
      scratchBytes: 0,
      words: (writer) => recurrence.linearRecurrenceWords(instruction, writer),
    };
  },
};

/** One operand per axis of the window: the i32 scalar that says where it begins. */
function startsOf(layout: Layout, rank: number, axes: readonly number[], starts: readonly View[]) {
  return Array.from({ length: rank }, (_, axis) => whole(layout, starts[axes.indexOf(axis)]));
}

const dynamicSliceEncoder: KernelEncoder = {
  accepts: () => true,
  encode: ({ node, inputs, outputs }, layout) => {
    const [x, ...starts] = inputs as [View, ...View[]];
    const { axes } = node.attributes as DynamicSliceAttributes;
    const instruction: dynamic.DynamicSliceInstruction = {
      full: x.shape,
      window: outputs[0]!.shape,
      start: startsOf(layout, x.shape.length, axes, starts),
      xStrides: x.strides,
      partStrides: outputs[0]!.strides,
      x: operandAt(layout, x, 0),
      part: operandAt(layout, outputs[0]!, 0),
    };
    return {
      opcode: opcode.dynamicSlice,
      rows: dynamic.dynamicSliceRows(instruction),
      scratchBytes: 0,
      words: (writer) => dynamic.dynamicSliceWords(instruction, writer),
    };
  },
};

const dynamicUpdateEncoder: KernelEncoder = {
  inPlaceInput: 0,
  accepts: () => true,
  encode: ({ node, inputs, outputs }, layout) => {
    const [x, update, ...starts] = inputs as [View, View, ...View[]];
    const [result] = outputs as [View];
    const { axes } = node.attributes as DynamicSliceAttributes;
    const instruction: dynamic.DynamicUpdateInstruction = {
      full: x.shape,
      window: update.shape,
      start: startsOf(layout, x.shape.length, axes, starts),
      xStrides: x.strides,
      partStrides: update.strides,
      wholeStrides: result.strides,
      x: operandAt(layout, x, 0),
      part: operandAt(layout, update, 0),
      whole: operandAt(layout, result, 0),
    };
    return {
      opcode: opcode.dynamicUpdate,
      rows: dynamic.dynamicUpdateRows(instruction),
      scratchBytes: 0,
      words: (writer) => dynamic.dynamicUpdateWords(instruction, writer),
    };
  },
};

const encoders: Readonly<Record<string, KernelEncoder>> = {
  attention: attentionEncoder,
  attentionGradient: attentionGradientEncoder,
  rotary: rotaryEncoder,
  gather: gatherEncoder,
  scatterAdd: scatterAddEncoder,
  sort: sortEncoder,
  cumulativeSum: cumulativeSumEncoder,
  triangularSolve: triangularSolveEncoder,
  groupedProduct: groupedProductEncoder,
  groupedOuter: groupedOuterEncoder,
  longConvolution: longConvolutionEncoder,
  shortConvolution: shortConvolutionEncoder,
  shortConvolutionGradient: shortConvolutionGradientEncoder,
  linearRecurrence: linearRecurrenceEncoder,
  dynamicSlice: dynamicSliceEncoder,
  dynamicUpdate: dynamicUpdateEncoder,
};
