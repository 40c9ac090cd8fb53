// Random scalar functions, products, movements, reductions and normalisations.
import {
  abs,
  add,
  broadcastTo,
  cast,
  concatenate,
  cosine,
  divide,
  erf,
  exp,
  flip,
  gelu,
  layerNorm,
  less,
  linear,
  log,
  logSumExp,
  matmul,
  max,
  maximum,
  mean,
  min,
  minimum,
  multiply,
  negate,
  pad,
  reciprocal,
  reshape,
  rmsNorm,
  select,
  sigmoid,
  silu,
  sine,
  sizeOf,
  slice,
  softmax,
  sqrt,
  square,
  stopGradient,
  subtract,
  sum,
  swapLast,
  swiglu,
  type Tensor,
  tanh,
  transpose,
} from "../../../src/tensor/index.ts";
import {
  type Apply,
  axesOf,
  bounded,
  type Choice,
  newLeaf,
  ofShape,
  otherShape,
  type Pool,
  permutation,
  positive,
  quantized,
} from "./pool.ts";

export const unary: readonly ((x: Tensor) => Tensor)[] = [
  negate,
  abs,
  tanh,
  sigmoid,
  sine,
  cosine,
  erf,
  silu,
  gelu,
  (x) => square(bounded(x)),
  (x) => exp(tanh(x)),
  (x) => log(positive(x)),
  (x) => sqrt(positive(x)),
  (x) => reciprocal(positive(x)),
  (x) => maximum(x, 0.1),
  (x) => add(multiply(x, 0.7), 0.2),
  (x) => subtract(1, x),
  (x) => stopGradient(x),
  (x) => cast(cast(bounded(x), "f16"), "f32"),
  (x) => cast(cast(bounded(x), "bf16"), "f32"),
  (x) => cast(cast(quantized(bounded(x)), "i32"), "f32"),
];

export const binary: readonly ((x: Tensor, y: Tensor) => Tensor)[] = [
  add,
  subtract,
  (x, y) => multiply(x, tanh(y)),
  multiply,
  (x, y) => divide(x, positive(y)),
  maximum,
  minimum,
  (x, y) => select(less(x, add(y, 0.0123)), x, multiply(y, 0.5)),
  (x, y) => select(less(multiply(x, x), 0.5123), y, 0),
  swiglu,
  (x, y) => add(multiply(x, 0.9), multiply(square(bounded(y)), 0.1)),
];

function gridShape(x: Tensor): boolean {
  return x.shape.length >= 2 && sizeOf(x.shape) > 0;
}

export function product(pool: Pool, x: Tensor, choice: Choice): Tensor {
  const width = x.shape.at(-1) ?? 1;
  const scale = 1 / Math.sqrt(width);
  const kind = choice.below(6);
  const columns = choice.of([1, 2, 5, 8, 16, 17, 33, 64]);
  if (!gridShape(x) || kind <= 2) {
    const rows = x.shape.length === 0 ? reshape(x, [1, 1]) : x;
    const weight =
      kind === 0
        ? newLeaf(pool, [rows.shape.at(-1)!, columns])
        : ofShape(pool, choice, [rows.shape.at(-1)!, columns]);
    return multiply(linear(rows, weight), scale);
  }
  if (kind === 3) return multiply(matmul(x, swapLast(ofShape(pool, choice, x.shape))), scale);
  if (kind === 4)
    return multiply(matmul(swapLast(ofShape(pool, choice, x.shape)), x), 1 / Math.sqrt(x.shape.at(-2)!));
  const y = ofShape(pool, choice, [...x.shape.slice(0, -2), width, columns]);
  return multiply(matmul(x, y), scale);
}

export function movement(pool: Pool, x: Tensor, choice: Choice): Tensor {
  const { shape } = x;
  const kind = choice.below(7);
  if (kind === 0 || shape.length === 0) return reshape(x, otherShape(shape, choice));
  const axis = choice.below(shape.length);
  const size = shape[axis]!;
  switch (kind) {
    case 1:
      return transpose(x, permutation(shape.length, choice));
    case 2: {
      const step = choice.of([1, 1, 2, 3, -1, -2]);
      const from = choice.below(size);
      const count = 1 + choice.below(Math.floor((step > 0 ? size - 1 - from : from) / Math.abs(step)) + 1);
      return slice(x, { [axis]: [from, from + count * step, step] });
    }
    case 3:
      return flip(x, axesOf(shape, choice));
    case 4: {
      const before = shape.map((_, i) => (i === axis ? choice.below(4) : 0));
      const after = shape.map(() => (choice.below(3) === 0 ? choice.below(3) : 0));
      return pad(x, before, after, choice.of([0, 0, 0.5]));
    }
    case 5:
      return concatenate(
        [x, choice.below(2) === 0 ? x : ofShape(pool, choice, shape), tanh(x)].slice(choice.below(2)),
        axis,
      );
    default: {
      const kept = mean(x, [axis], true);
      return broadcastTo(kept, choice.below(2) === 0 ? shape : [2, ...shape]);
    }
  }
}

export function reduction(_: Pool, x: Tensor, choice: Choice): Tensor {
  const axes = axesOf(x.shape, choice);
  const keep = choice.below(2) === 0;
  return choice.of([sum, mean, mean, max, min])(x, axes, keep);
}

export const normal: Apply = (pool, x, choice) => {
  if (x.shape.length === 0) return tanh(x);
  const width = x.shape.at(-1)!;
  const vector = () => ofShape(pool, choice, [width]);
  switch (choice.below(6)) {
    case 0:
      return layerNorm(x, vector(), vector(), 0.01);
    case 1:
      return rmsNorm(x, vector(), 0.01);
    case 2:
      return layerNorm(x, undefined, undefined, 0.01);
    case 3:
      return softmax(x);
    case 4:
      return logSumExp(x);
    default:
      return add(x, rmsNorm(x, undefined, 0.01));
  }
};
