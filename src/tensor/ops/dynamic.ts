// Windows whose place is known only at run time: read one, overwrite one (caches, positions).
import {
  apply,
  isFloat,
  type NdArray,
  normalizeAxis,
  type Op,
  rowMajorStrides,
  type Shape,
  type Strided,
  type Tensor,
  type TensorType,
} from "../tensor.ts";
import { fill } from "./leaf.ts";
import { gatherStrided } from "./movement.ts";

/** Start of a window by axis, i32 scalars. Axes that are not named start at 0. */
export type Starts = Readonly<Record<number, Tensor>>;

export interface DynamicSliceAttributes {
  /** The axis that each start (inputs 1…) belongs to. */
  readonly axes: readonly number[];
  /** Shape of the window. */
  readonly size: Shape;
}

export interface DynamicUpdateAttributes {
  /** The axis that each start (inputs 2…) belongs to. */
  readonly axes: readonly number[];
}

function checkStarts(what: string, starts: readonly TensorType[]): void {
  for (const { shape, dtype } of starts) {
    if (shape.length !== 0 || dtype !== "i32")
      throw new RangeError(`${what}: start ${dtype} [${shape}]; expected i32 []`);
  }
}

function checkWindow(what: string, whole: Shape, window: Shape): void {
  if (whole.length !== window.length || window.some((size, axis) => size > whole[axis]!)) {
    throw new RangeError(`${what}: a window [${window}] of [${whole}]`);
  }
}

/** The window as strides over the whole; like XLA, a start is moved so that the window lies inside. */
function windowAt(whole: Shape, window: Shape, axes: readonly number[], starts: readonly NdArray[]): Strided {
  const strides = rowMajorStrides(whole);
  let offset = 0;
  axes.forEach((axis, i) => {
    offset += Math.max(0, Math.min(starts[i]!.data[0]!, whole[axis]! - window[axis]!)) * strides[axis]!;
  });
  return { shape: window, offset, strides };
}

/** Leading axes along which the window is the whole. */
function wholeAxes(whole: Shape, window: Shape, axes: readonly number[]): number {
  const first = whole.findIndex((size, axis) => axes.includes(axis) || size !== window[axis]);
  return first < 0 ? whole.length : first;
}

const dynamicSliceOp: Op<DynamicSliceAttributes> = {
  name: "dynamicSlice",
  lowering: "kernel",
  infer: ([x, ...starts], { size }) => {
    checkStarts("dynamicSlice", starts);
    checkWindow("dynamicSlice", x!.shape, size);
    return [{ shape: size, dtype: x!.dtype }];
  },
  evaluate: ([x, ...starts], { axes, size }) => [
    { shape: size, data: gatherStrided(x!.data, windowAt(x!.shape, size, axes, starts)) },
  ],
  gradient: (node, [g]) => {
    const [x, ...starts] = node.inputs as [Tensor, ...Tensor[]];
    if (g === undefined || !isFloat(x.dtype)) return node.inputs.map(() => undefined);
    const dx = dynamicUpdate(fill(0, x.shape, x.dtype), g, named(node.attributes.axes, starts));
    return [dx, ...starts.map(() => undefined)];
  },
  flops: () => 0,
  independent: (node) => ({
    axes: wholeAxes(node.inputs[0]!.shape, node.attributes.size, node.attributes.axes),
    shared: node.inputs.slice(1).map((_, i) => i + 1),
  }),
};

const dynamicUpdateOp: Op<DynamicUpdateAttributes> = {
  name: "dynamicUpdate",
  lowering: "kernel",
  infer: ([x, update, ...starts]) => {
    checkStarts("dynamicUpdate", starts);
    checkWindow("dynamicUpdate", x!.shape, update!.shape);
    if (x!.dtype !== update!.dtype) throw new RangeError(`dynamicUpdate: ${update!.dtype} into ${x!.dtype}`);
    return [x!];
  },
  evaluate: ([x, update, ...starts], { axes }) => {
    const data = Float64Array.from(x!.data);
    const window = windowAt(x!.shape, update!.shape, axes, starts);
    const places = gatherStrided(Float64Array.from(data.keys()), window);
    places.forEach((place, i) => {
      data[place] = update!.data[i]!;
    });
    return [{ shape: x!.shape, data }];
  },
  gradient: (node, [g]) => {
    const [x, update, ...starts] = node.inputs as [Tensor, Tensor, ...Tensor[]];
    if (g === undefined || !isFloat(x.dtype)) return node.inputs.map(() => undefined);
    const places = named(node.attributes.axes, starts);
    return [
      dynamicUpdate(g, fill(0, update.shape, update.dtype), places),
      dynamicSlice(g, places, { ...update.shape }),
      ...starts.map(() => undefined),
    ];
  },
  flops: () => 0,
  independent: (node) => ({
    axes: wholeAxes(node.inputs[0]!.shape, node.inputs[1]!.shape, node.attributes.axes),
    shared: node.inputs.slice(2).map((_, i) => i + 2),
  }),
};

function named(axes: readonly number[], starts: readonly Tensor[]): Starts {
  return Object.fromEntries(axes.map((axis, i) => [axis, starts[i]!]));
}

/** Axes in order with their starts, whatever order and sign they were named in. */
function orderedStarts(what: string, starts: Starts, rank: number): [number[], Tensor[]] {
  const entries = Object.entries(starts).map(
    ([key, start]) => [normalizeAxis(Number(key), rank, what), start] as const,
  );
  entries.sort(([a], [b]) => a - b);
  return [entries.map(([axis]) => axis), entries.map(([, start]) => start)];
}

/**
 * The window of x that begins at `starts` (i32 scalars by axis) and has the given sizes by axis (default: the whole
 * axis). A start beyond the last possible one is moved back, a negative one to 0.
 */
export function dynamicSlice(x: Tensor, starts: Starts, sizes: Readonly<Record<number, number>>): Tensor {
  const [axes, tensors] = orderedStarts("dynamicSlice", starts, x.shape.length);
  const size = [...x.shape];
  for (const [key, value] of Object.entries(sizes)) {
    size[normalizeAxis(Number(key), x.shape.length, "dynamicSlice")] = value;
  }
  return apply(dynamicSliceOp, [x, ...tensors], { axes, size });
}

/** x with the window at `starts` (as in `dynamicSlice`) replaced by `update`, which has as many axes as x. */
export function dynamicUpdate(x: Tensor, update: Tensor, starts: Starts): Tensor {
  const [axes, tensors] = orderedStarts("dynamicUpdate", starts, x.shape.length);
  return apply(dynamicUpdateOp, [x, update, ...tensors], { axes });
}
