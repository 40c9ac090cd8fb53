// Rearrangements that compute nothing: reshape, transpose, broadcast, slice, flip, pad, concatenate.
import {
  apply,
  normalizeAxis,
  type Op,
  rowMajorStrides,
  type Shape,
  type Strided,
  sameShape,
  sizeOf,
  type Tensor,
} from "../tensor.ts";
import { fill } from "./leaf.ts";
import { sum } from "./reduce.ts";

/** Reads a strided window of row-major data into row-major order. */
export function gatherStrided(data: Float64Array, view: Strided): Float64Array {
  const { shape, strides, offset } = view;
  const result = new Float64Array(sizeOf(shape));
  if (result.length === 0) return result;
  const index = new Array<number>(shape.length).fill(0);
  let position = offset;
  for (let i = 0; i < result.length; i++) {
    result[i] = data[position]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      position += strides[axis]!;
      if (index[axis]! < shape[axis]!) break;
      position -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

function evaluateView<A>(view: (input: Strided, attributes: A) => Strided | undefined) {
  return (inputs: readonly { shape: Shape; data: Float64Array }[], attributes: A) => {
    const { shape, data } = inputs[0]!;
    const result = view({ shape, offset: 0, strides: rowMajorStrides(shape) }, attributes)!;
    return [{ shape: result.shape, data: gatherStrided(data, result) }];
  };
}

interface ShapeAttributes {
  readonly shape: Shape;
}

/**
 * The strides of a reshaped view, or undefined where no strides express it. Axes are matched in runs of equal size; a
 * run can be regrouped when it is contiguous within itself.
 */
export function reshapeStrides(input: Strided, shape: Shape): Strided | undefined {
  if (sizeOf(shape) === 0) return { shape, offset: input.offset, strides: rowMajorStrides(shape) };
  const from: { size: number; stride: number }[] = [];
  input.shape.forEach((size, axis) => {
    if (size === 1) return;
    const stride = input.strides[axis]!;
    const last = from.at(-1);
    if (last !== undefined && last.stride === stride * size) {
      last.size *= size;
      last.stride = stride;
    } else from.push({ size, stride });
  });
  const strides = new Array<number>(shape.length).fill(0);
  let run = from.length - 1;
  let used = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis]!;
    if (size === 1) continue;
    const current = from[run];
    if (current === undefined || (current.size / used) % size !== 0) return undefined;
    strides[axis] = current.stride * used;
    used *= size;
    if (used === current.size) {
      run--;
      used = 1;
    }
  }
  return { shape, offset: input.offset, strides };
}

const reshapeOp: Op<ShapeAttributes> = {
  name: "reshape",
  lowering: "view",
  infer: ([x], { shape }) => {
    if (sizeOf(x!.shape) !== sizeOf(shape)) {
      throw new RangeError(
        `reshape: [${x!.shape}] has ${sizeOf(x!.shape)} elements, [${shape}] ${sizeOf(shape)}`,
      );
    }
    return [{ shape, dtype: x!.dtype }];
  },
  evaluate: ([x], { shape }) => [{ shape, data: x!.data }],
  gradient: (node, [g]) => [g && reshape(g, node.inputs[0]!.shape)],
  flops: () => 0,
  view: (input, { shape }) => reshapeStrides(input, shape),
};

/** The same elements in row-major order under another shape; one size may be -1. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const unknown = shape.indexOf(-1);
  const full =
    unknown < 0
      ? shape
      : shape.map((size, axis) => (axis === unknown ? -sizeOf(x.shape) / sizeOf(shape) : size));
  return sameShape(x.shape, full) ? x : apply(reshapeOp, [x], { shape: full });
}

export interface TransposeAttributes {
  readonly order: readonly number[];
}

function transposeView(input: Strided, { order }: TransposeAttributes): Strided {
  return {
    shape: order.map((axis) => input.shape[axis]!),
    offset: input.offset,
    strides: order.map((axis) => input.strides[axis]!),
  };
}

const transposeOp: Op<TransposeAttributes> = {
  name: "transpose",
  lowering: "view",
  infer: ([x], { order }) => {
    if (order.length !== x!.shape.length || new Set(order).size !== order.length) {
      throw new RangeError(`transpose: order [${order}] of a tensor with ${x!.shape.length} axes`);
    }
    return [{ shape: order.map((axis) => x!.shape[axis]!), dtype: x!.dtype }];
  },
  evaluate: evaluateView(transposeView),
  gradient: (node, [g]) => [
    g &&
      transpose(
        g,
        node.attributes.order.map((_, axis) => node.attributes.order.indexOf(axis)),
      ),
  ],
  flops: () => 0,
  view: transposeView,
};

/** Axes in another order: axis i of the result is axis `order[i]` of `x`. Default: reversed. */
export function transpose(
  x: Tensor,
  order: readonly number[] = x.shape.map((_, i) => x.shape.length - 1 - i),
): Tensor {
  const normal = order.map((axis) => normalizeAxis(axis, x.shape.length, "transpose"));
  return normal.every((axis, i) => axis === i) ? x : apply(transposeOp, [x], { order: normal });
}

function broadcastView(input: Strided, { shape }: ShapeAttributes): Strided {
  const added = shape.length - input.shape.length;
  return {
    shape,
    offset: input.offset,
    strides: shape.map((size, axis) =>
      axis < added || input.shape[axis - added] !== size ? 0 : input.strides[axis - added]!,
    ),
  };
}

const broadcastOp: Op<ShapeAttributes> = {
  name: "broadcast",
  lowering: "view",
  infer: ([x], { shape }) => {
    const added = shape.length - x!.shape.length;
    if (added < 0 || x!.shape.some((size, axis) => size !== 1 && size !== shape[axis + added])) {
      throw new RangeError(`broadcast: [${x!.shape}] does not broadcast to [${shape}]`);
    }
    return [{ shape, dtype: x!.dtype }];
  },
  evaluate: evaluateView(broadcastView),
  gradient: (node, [g]) => {
    if (g === undefined) return [undefined];
    const from = node.inputs[0]!.shape;
    const added = g.shape.length - from.length;
    const axes = g.shape
      .map((_, axis) => axis)
      .filter((axis) => axis < added || from[axis - added] !== g.shape[axis]);
    return [reshape(sum(g, axes), from)];
  },
  flops: () => 0,
  view: broadcastView,
};

/** The same values repeated along new or length-1 axes (NumPy's rule). */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : apply(broadcastOp, [x], { shape });
}

export interface SliceAttributes {
  readonly start: readonly number[];
  readonly size: readonly number[];
  readonly step: readonly number[];
}

function sliceView(input: Strided, { start, size, step }: SliceAttributes): Strided {
  return {
    shape: size,
    offset: start.reduce((offset, s, axis) => offset + s * input.strides[axis]!, input.offset),
    strides: input.strides.map((stride, axis) => stride * step[axis]!),
  };
}

const sliceOp: Op<SliceAttributes> = {
  name: "slice",
  lowering: "view",
  infer: ([x], { start, size, step }) => {
    x!.shape.forEach((limit, axis) => {
      const first = start[axis]!;
      const last = first + (size[axis]! - 1) * step[axis]!;
      const inside = (i: number) => i >= 0 && i < limit;
      if (size[axis]! > 0 && !(inside(first) && inside(last))) {
        throw new RangeError(`slice: ${first}..${last} on axis ${axis} of [${x!.shape}]`);
      }
    });
    return [{ shape: size, dtype: x!.dtype }];
  },
  evaluate: evaluateView(sliceView),
  gradient: (node, [g]) => {
    if (g === undefined) return [undefined];
    const { start, size, step } = node.attributes;
    const full = node.inputs[0]!.shape;
    let spread = g;
    const before: number[] = [];
    const after: number[] = [];
    full.forEach((limit, axis) => {
      const stride = Math.abs(step[axis]!);
      if (step[axis]! < 0) spread = flip(spread, [axis]);
      if (stride > 1) spread = interleaveZeros(spread, axis, stride);
      const low = step[axis]! > 0 ? start[axis]! : start[axis]! + (size[axis]! - 1) * step[axis]!;
      before.push(low);
      after.push(limit - low - spread.shape[axis]!);
    });
    return [pad(spread, before, after)];
  },
  flops: () => 0,
  view: sliceView,
};

/** Puts `stride - 1` zeros between neighbours along an axis. */
function interleaveZeros(x: Tensor, axis: number, stride: number): Tensor {
  const size = x.shape[axis]!;
  const split = [...x.shape.slice(0, axis + 1), 1, ...x.shape.slice(axis + 1)];
  const widened = pad(
    reshape(x, split),
    split.map(() => 0),
    split.map((_, i) => (i === axis + 1 ? stride - 1 : 0)),
  );
  const joined = reshape(widened, [...x.shape.slice(0, axis), size * stride, ...x.shape.slice(axis + 1)]);
  return slice(joined, { [axis]: [0, size * stride - stride + 1] });
}

/** Half-open ranges by axis, `{ 1: [start, end] }` or `{ 1: [start, end, step] }`; other axes are whole. */
export function slice(
  x: Tensor,
  ranges: Readonly<Record<number, readonly [number, number, number?]>>,
): Tensor {
  const start = x.shape.map(() => 0);
  const size = [...x.shape];
  const step = x.shape.map(() => 1);
  for (const [key, [from, to, by = 1]] of Object.entries(ranges)) {
    const axis = normalizeAxis(Number(key), x.shape.length, "slice");
    start[axis] = from;
    step[axis] = by;
    size[axis] = Math.max(0, Math.ceil((to - from) / by));
  }
  if (sameShape(size, x.shape) && step.every((by) => by === 1)) return x;
  return apply(sliceOp, [x], { start, size, step });
}

/** Elements in the opposite order along `axes`. */
export function flip(x: Tensor, axes: readonly number[]): Tensor {
  const flipped = axes.map((axis) => normalizeAxis(axis, x.shape.length, "flip"));
  if (x.shape.length === 0 || sizeOf(x.shape) === 0) return x;
  return apply(sliceOp, [x], {
    start: x.shape.map((size, axis) => (flipped.includes(axis) ? size - 1 : 0)),
    size: x.shape,
    step: x.shape.map((_, axis) => (flipped.includes(axis) ? -1 : 1)),
  });
}

/** Cuts an axis into consecutive parts of the given sizes. */
export function split(x: Tensor, sizes: readonly number[], axis: number): Tensor[] {
  const at = normalizeAxis(axis, x.shape.length, "split");
  let start = 0;
  return sizes.map((size) => {
    const part = slice(x, { [at]: [start, start + size] });
    start += size;
    return part;
  });
}

export interface ConcatenateAttributes {
  readonly axis: number;
}

const concatenateOp: Op<ConcatenateAttributes> = {
  name: "concatenate",
  lowering: "kernel",
  infer: (inputs, { axis }) => {
    const first = inputs[0]!;
    let total = 0;
    for (const { shape, dtype } of inputs) {
      const fits =
        shape.length === first.shape.length &&
        shape.every((size, i) => i === axis || size === first.shape[i]);
      if (!fits || dtype !== first.dtype) {
        throw new RangeError(
          `concatenate: ${inputs.map((i) => `[${i.shape}]`).join(", ")} along axis ${axis}`,
        );
      }
      total += shape[axis]!;
    }
    return [{ shape: first.shape.map((size, i) => (i === axis ? total : size)), dtype: first.dtype }];
  },
  evaluate: (inputs, { axis }, [output]) => {
    const data = new Float64Array(sizeOf(output!.shape));
    const inner = sizeOf(output!.shape.slice(axis + 1));
    const outer = sizeOf(output!.shape.slice(0, axis));
    let column = 0;
    for (const { shape, data: part } of inputs) {
      const run = shape[axis]! * inner;
      for (let o = 0; o < outer; o++) {
        data.set(part.subarray(o * run, (o + 1) * run), o * output!.shape[axis]! * inner + column);
      }
      column += run;
    }
    return [{ shape: output!.shape, data }];
  },
  gradient: (node, [g]) =>
    g === undefined
      ? node.inputs.map(() => undefined)
      : split(
          g,
          node.inputs.map((x) => x.shape[node.attributes.axis]!),
          node.attributes.axis,
        ),
  flops: () => 0,
  independent: (node) => ({ axes: node.attributes.axis, shared: [] }),
};

/** Joins tensors along an existing axis. */
export function concatenate(parts: readonly Tensor[], axis: number): Tensor {
  const at = normalizeAxis(axis, parts[0]!.shape.length, "concatenate");
  const some = parts.filter((part) => part.shape[at] !== 0);
  if (some.length <= 1) return some[0] ?? parts[0]!;
  return apply(concatenateOp, some, { axis: at });
}

export interface PadAttributes {
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly value: number;
}

const padOp: Op<PadAttributes> = {
  name: "pad",
  lowering: "kernel",
  infer: ([x], { before, after }) => [
    { shape: x!.shape.map((size, axis) => size + before[axis]! + after[axis]!), dtype: x!.dtype },
  ],
  evaluate: ([x], { before, value }, [output]) => {
    const data = new Float64Array(sizeOf(output!.shape)).fill(value);
    const strides = rowMajorStrides(output!.shape);
    const inner = rowMajorStrides(x!.shape);
    for (let i = 0; i < x!.data.length; i++) {
      let target = 0;
      x!.shape.forEach((size, axis) => {
        target += ((Math.floor(i / inner[axis]!) % size) + before[axis]!) * strides[axis]!;
      });
      data[target] = x!.data[i]!;
    }
    return [{ shape: output!.shape, data }];
  },
  gradient: (node, [g]) => {
    if (g === undefined) return [undefined];
    const ranges: Record<number, readonly [number, number]> = {};
    node.inputs[0]!.shape.forEach((size, axis) => {
      const start = node.attributes.before[axis]!;
      ranges[axis] = [start, start + size];
    });
    return [slice(g, ranges)];
  },
  flops: () => 0,
  independent: (node) => {
    const { before, after } = node.attributes;
    const first = before.findIndex((count, axis) => count > 0 || after[axis]! > 0);
    return { axes: first < 0 ? before.length : first, shared: [] };
  },
};

/** Surrounds a tensor with `value`: `before[axis]` elements in front, `after[axis]` behind. */
export function pad(x: Tensor, before: readonly number[], after: readonly number[], value = 0): Tensor {
  if ([...before, ...after].some((count) => count < 0))
    throw new RangeError(`pad: negative amount [${before}] [${after}]`);
  if ([...before, ...after].every((count) => count === 0)) return x;
  if (sizeOf(x.shape) === 0) {
    return fill(
      value,
      x.shape.map((size, axis) => size + before[axis]! + after[axis]!),
      x.dtype,
    );
  }
  return apply(padOp, [x], { before, after, value });
}

/**
 * p + q of two tensors that are zero but for parts which lie side by side along one axis: the parts joined, without a sum.
 * Gradients of the parts of a `split` are such tensors. Undefined where p and q are not.
 */
export function joinPadded(p: Tensor, q: Tensor): Tensor | undefined {
  const [a, b] = [padded(p), padded(q)];
  if (a === undefined || b === undefined) return undefined;
  const axes = p.shape.map((_, axis) => axis);
  const differing = axes.filter(
    (axis) => a.before[axis] !== b.before[axis] || a.after[axis] !== b.after[axis],
  );
  const axis = differing[0];
  if (axis === undefined || differing.length > 1) return undefined;
  const [first, second] = a.before[axis]! < b.before[axis]! ? [a, b] : [b, a];
  if (first.before[axis]! + first.part.shape[axis]! !== second.before[axis]) return undefined;
  const parts = [first.part, second.part].flatMap((part) => joinedAlong(part, axis));
  return pad(concatenate(parts, axis), first.before, second.after);
}

/** What a tensor surrounds with zeros. */
function padded({ node }: Tensor) {
  if (node.op !== padOp) return undefined;
  const { before, after, value } = node.attributes as PadAttributes;
  return value === 0 ? { part: node.inputs[0]!, before, after } : undefined;
}

/** The tensors that `x` joins along the axis, or `x` itself. */
function joinedAlong(x: Tensor, axis: number): readonly Tensor[] {
  const isJoin = x.node.op === concatenateOp && (x.node.attributes as ConcatenateAttributes).axis === axis;
  return isJoin ? x.node.inputs : [x];
}
