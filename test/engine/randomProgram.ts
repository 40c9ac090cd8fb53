// Random programs: a recipe is a list of rows of numbers, each of which applies one op to earlier tensors. Any recipe is
// a valid program, so that a failing one can be made shorter.
import fc from "fast-check";
import {
  abs,
  add,
  and,
  argMaximum,
  attention,
  broadcastTo,
  cast,
  concatenate,
  cosine,
  cumulativeSum,
  divide,
  dynamicSlice,
  dynamicUpdate,
  einsum,
  erf,
  exp,
  fill,
  flip,
  floor,
  gather,
  gelu,
  gradients,
  input,
  iota,
  layerNorm,
  less,
  linear,
  linearRecurrence,
  log,
  logSumExp,
  longConvolution,
  matmul,
  max,
  maximum,
  mean,
  min,
  minimum,
  multiply,
  negate,
  not,
  or,
  type Program,
  pad,
  program,
  randomBits,
  reciprocal,
  reshape,
  rmsNorm,
  rotary,
  type Shape,
  scan,
  scatterAdd,
  select,
  shortConvolution,
  sigmoid,
  silu,
  sine,
  sizeOf,
  slice,
  softmax,
  sort,
  sqrt,
  square,
  stopGradient,
  subtract,
  sum,
  swapLast,
  swiglu,
  type Tensor,
  takeAlong,
  tanh,
  topK,
  transpose,
  triangularSolve,
  uniform,
  xor,
} from "../../src/tensor/index.ts";

export type Row = readonly [number, number, number, number, number];
export interface Recipe {
  readonly rows: readonly Row[];
  /** Numbers that choose what is delivered. */
  readonly results: readonly number[];
}

const row: fc.Arbitrary<Row> = fc.tuple(fc.nat(1008), fc.nat(1008), fc.nat(1008), fc.nat(1008), fc.nat(1008));
export const recipes: fc.Arbitrary<Recipe> = fc.record({
  rows: fc.array(row, { minLength: 2, maxLength: 16 }),
  results: fc.array(fc.nat(100_000), { maxLength: 4 }),
});

const SIZES = [1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 24, 31, 32, 33, 48, 65, 80, 96];
const MOST_ELEMENTS = 12_000;
const MOST_RANK = 4;
/** Scores of an attention, or entries of the matrix that a convolution stands for. */
const MOST_PAIRS = 40_000;

interface Pool {
  readonly tensors: Tensor[];
  readonly leaves: Tensor[];
  readonly states: Tensor[];
}

/** A number that chooses: how it is used up decides everything about one op. */
class Choice {
  #left: number;
  constructor(number: number) {
    this.#left = number;
  }
  below(count: number): number {
    const result = this.#left % count;
    this.#left = Math.floor(this.#left / count);
    return result;
  }
  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}

function newLeaf(pool: Pool, shape: Shape): Tensor {
  const leaf = input(`x${pool.leaves.length}`, shape);
  pool.leaves.push(leaf);
  return leaf;
}

/** An existing tensor of this shape if `choice` says so and there is one, or another made to have it. */
function ofShape(pool: Pool, choice: Choice, shape: Shape): Tensor {
  const same = pool.tensors.filter((t) => t.shape.join() === shape.join());
  if (same.length > 0 && choice.below(4) > 0) return choice.of(same);
  const sized = pool.tensors.filter((t) => sizeOf(t.shape) === sizeOf(shape));
  if (sized.length > 0 && choice.below(2) === 0) return reshape(choice.of(sized), shape);
  return newLeaf(pool, shape);
}

/** An operand that broadcasts to the shape: some axes of length 1, some leading ones missing. */
function broadcastable(pool: Pool, choice: Choice, shape: Shape): Tensor {
  const kind = choice.below(5);
  if (kind <= 1 || shape.length === 0) return ofShape(pool, choice, shape);
  const missing = kind === 2 ? choice.below(shape.length + 1) : 0;
  const bits = choice.below(2 ** shape.length);
  const smaller = shape.slice(missing).map((size, axis) => (bits & (1 << axis) ? 1 : size));
  if (kind === 3) {
    // What a reduction of a tensor of this shape leaves.
    const axes = shape.map((_, axis) => axis).filter((axis) => bits & (1 << axis));
    const from = ofShape(pool, choice, shape);
    return choice.below(2) === 0 ? mean(from, axes, true) : max(from, axes, true);
  }
  return ofShape(pool, choice, smaller);
}

const axesOf = (shape: Shape, choice: Choice): number[] => {
  const bits = choice.below(2 ** shape.length);
  return shape.map((_, axis) => axis).filter((axis) => bits & (1 << axis));
};

function permutation(rank: number, choice: Choice): number[] {
  const rest = Array.from({ length: rank }, (_, i) => i);
  return Array.from({ length: rank }, () => rest.splice(choice.below(rest.length), 1)[0]!);
}

/** Another shape of as many elements. */
function otherShape(shape: Shape, choice: Choice): number[] {
  let rest = sizeOf(shape);
  const result: number[] = [];
  while (result.length < MOST_RANK - 1 && choice.below(3) > 0) {
    const divisors = [1, 2, 3, 4, 5, 6, 7, 8, 12, 16].filter((d) => rest % d === 0);
    const size = choice.of(divisors);
    result.push(size);
    rest /= size;
  }
  return choice.below(2) === 0 ? [...result, rest] : [rest, ...result];
}

/** x as [a, b, c]. */
function threeAxes(x: Tensor, choice: Choice): Tensor {
  if (x.shape.length === 3) return x;
  const [last = 1] = x.shape.slice(-1);
  const rest = sizeOf(x.shape) / last;
  const first = choice.of([1, 2, 3, 4].filter((d) => rest % d === 0));
  return reshape(x, [first, rest / first, last]);
}

type Apply = (pool: Pool, x: Tensor, choice: Choice) => Tensor | readonly Tensor[];

const bounded = (x: Tensor): Tensor => multiply(tanh(multiply(x, 0.5)), 2);
/** Steps of a quarter: where order decides, equal numbers must be equal to the last bit, and others far apart. */
const quantized = (x: Tensor): Tensor => floor(add(multiply(x, 4), 0.123));
const positive = (x: Tensor): Tensor => add(abs(x), 0.3);

const unary: readonly ((x: Tensor) => Tensor)[] = [
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

const binary: readonly ((x: Tensor, y: Tensor) => Tensor)[] = [
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

function product(pool: Pool, x: Tensor, choice: Choice): Tensor {
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

function movement(pool: Pool, x: Tensor, choice: Choice): Tensor {
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

function reduction(_: Pool, x: Tensor, choice: Choice): Tensor {
  const axes = axesOf(x.shape, choice);
  const keep = choice.below(2) === 0;
  return choice.of([sum, mean, mean, max, min])(x, axes, keep);
}

const normal: Apply = (pool, x, choice) => {
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

const kernel: Apply = (pool, x, choice) => {
  const kind = choice.below(14);
  if (x.shape.length === 0) return x;
  const width = x.shape.at(-1)!;
  switch (kind) {
    case 0: {
      const options = { descending: choice.below(2) === 0 };
      return choice.below(2) === 0
        ? sort(x, options).values
        : multiply(cast(sort(quantized(x), options).indices, "f32"), 0.1);
    }
    case 1: {
      const { values, indices } = topK(quantized(x), 1 + choice.below(Math.min(width, 5)));
      return [values, takeAlong(x, indices)];
    }
    case 2:
      return multiply(
        cumulativeSum(x, { exclusive: choice.below(2) === 0, reverse: choice.below(2) === 0 }),
        1 / Math.sqrt(width),
      );
    case 3: {
      const count = choice.of([1, 3, 8, 20]);
      const indices = cast(multiply(abs(bounded(newLeaf(pool, [count]))), x.shape[0]!), "i32");
      return gather(x, indices);
    }
    case 4: {
      const rows = choice.of([1, 2, 5, 9]);
      const indices = cast(multiply(bounded(newLeaf(pool, [x.shape[0]!])), rows), "i32");
      return multiply(scatterAdd(indices, x, rows), 0.5);
    }
    case 5: {
      const n = Math.min(width, 20);
      const lower = newLeaf(pool, [n, n]);
      const diagonal = select(
        less(abs(subtract(iota([n, n], 0, "f32"), iota([n, n], 1, "f32"))), 0.5),
        2,
        multiply(lower, 0.3),
      );
      const right = swapLast(slice(reshape(x, [-1, width]), { 1: [0, n] }));
      return triangularSolve(diagonal, right, {
        unit: choice.below(2) === 0,
        transpose: choice.below(2) === 0,
      });
    }
    case 6: {
      const three = swapLast(threeAxes(x, choice));
      const [batch, d, t] = three.shape as [number, number, number];
      if (t * t * d > MOST_PAIRS) return x;
      const filter = ofShape(pool, choice, [choice.below(2) === 0 ? 1 : batch, d, t]);
      return multiply(longConvolution(three, filter), 1 / Math.sqrt(t));
    }
    case 7: {
      const three = threeAxes(x, choice);
      return shortConvolution(three, ofShape(pool, choice, [choice.of([1, 2, 3, 4, 7]), width]));
    }
    case 8: {
      const three = threeAxes(x, choice);
      const a = sigmoid(ofShape(pool, choice, three.shape));
      const initial = ofShape(pool, choice, [three.shape[0]!, width]);
      return linearRecurrence(a, three, initial, { reverse: choice.below(2) === 0 });
    }
    case 9: {
      const three = threeAxes(x, choice);
      const heads = choice.of([1, 2, 4].filter((h) => width % h === 0));
      const [batch, t] = three.shape as [number, number, number];
      if (batch * heads * t * t > MOST_PAIRS) return x;
      const q = reshape(three, [batch, t, heads, width / heads]);
      const other = () => ofShape(pool, choice, q.shape);
      const window = choice.below(3) === 0 ? { window: 3 } : {};
      const { out } = attention(q, other(), other(), { causal: choice.below(2) === 0, ...window });
      return reshape(out, three.shape);
    }
    case 10: {
      if (width % 2 !== 0) return x;
      const three = threeAxes(x, choice);
      const [batch, t] = three.shape as [number, number, number];
      const heads = choice.of([1, 2, 4].filter((h) => width % (2 * h) === 0));
      const q = reshape(three, [batch, t, heads, width / heads]);
      const table = ofShape(pool, choice, [t, width / heads / 2]);
      return rotary(q, cosine(table), sine(table));
    }
    case 11: {
      const start = cast(add(multiply(max(bounded(x)), 3), 0.0123), "i32");
      const size = 1 + choice.below(x.shape[0]!);
      return dynamicSlice(x, { 0: start }, { 0: size });
    }
    case 12: {
      const start = cast(add(multiply(max(bounded(x)), 3), 0.0123), "i32");
      const axis = choice.below(x.shape.length);
      const size = 1 + choice.below(x.shape[axis]!);
      const window = x.shape.map((s, i) => (i === axis ? size : s));
      return dynamicUpdate(x, ofShape(pool, choice, window), { [axis]: start });
    }
    default: {
      const key = cast(
        quantized(
          multiply(
            abs(
              slice(
                reshape(
                  pad(
                    x,
                    x.shape.map(() => 1),
                    x.shape.map(() => 1),
                  ),
                  [-1],
                ),
                { 0: [0, 2] },
              ),
            ),
            250,
          ),
        ),
        "u32",
      );
      return choice.below(2) === 0
        ? multiply(x, uniform(key, x.shape))
        : add(x, multiply(cast(randomBits(key, x.shape), "f32"), 2 ** -32));
    }
  }
};

const loop: Apply = (pool, x, choice) => {
  if (x.shape.length === 0) return x;
  const [length, ...rest] = x.shape as [number, ...number[]];
  const reverse = choice.below(2) === 0;
  const kind = choice.below(5);
  const width = rest.at(-1) ?? 1;
  const carry = ofShape(pool, choice, rest);
  const other = ofShape(pool, choice, rest);
  switch (kind) {
    case 0: {
      const { carries, outputs } = scan({ length, carries: [carry], sequences: [x], reverse }, ([h], [e]) => {
        const next = tanh(add(multiply(h!, 0.8), multiply(e!, other)));
        return { carries: [next], outputs: [next] };
      });
      return [...carries, ...outputs];
    }
    case 1: {
      if (rest.length === 0) return x;
      const weight = newLeaf(pool, [width, width]);
      const { carries, outputs } = scan({ length, carries: [carry], sequences: [x], reverse }, ([h], [e]) => {
        const next = tanh(add(multiply(linear(h!, weight), 1 / Math.sqrt(width)), e!));
        return { carries: [next], outputs: [mean(next, [-1], true), multiply(next, e!)] };
      });
      return [...carries, ...outputs];
    }
    case 2: {
      // Two carries that change places, and an output that is a carry as it came.
      const { carries, outputs } = scan(
        { length, carries: [carry, other], sequences: [x], reverse },
        ([a, b], [e]) => ({
          carries: [b!, add(multiply(a!, 0.5), e!)],
          outputs: [a!, multiply(b!, e!)],
        }),
      );
      return [...carries, ...outputs];
    }
    case 3: {
      // A step that mixes over its axes.
      const { carries, outputs } = scan({ length, carries: [carry], sequences: [x], reverse }, ([h], [e]) => {
        const mixed = rest.length === 0 ? sigmoid(h!) : softmax(add(h!, e!));
        return {
          carries: [
            add(
              multiply(
                flip(
                  h!,
                  rest.map((_, i) => i),
                ),
                0.5,
              ),
              mixed,
            ),
          ],
          outputs: [sum(mixed)],
        };
      });
      return [...carries, ...outputs];
    }
    default: {
      // A loop within a loop.
      const { carries, outputs } = scan({ length, carries: [carry], sequences: [x], reverse }, ([h], [e]) => {
        const inner = scan({ length: 3, carries: [h!] }, ([g]) => {
          const next = tanh(add(multiply(g!, 0.7), e!));
          return { carries: [next], outputs: [sum(square(next))] };
        });
        return { carries: [inner.carries[0]!], outputs: [inner.outputs[0]!] };
      });
      return [...carries, ...outputs];
    }
  }
};

/** A walk through another dtype and back: movements, arithmetic, sums, order and indices of whole numbers and bits. */
const typed: Apply = (pool, x, choice) => {
  const to = choice.of(["i32", "u32", "bool", "f16", "bf16"] as const);
  const whole = quantized(to === "u32" || to === "bool" ? abs(bounded(x)) : bounded(x));
  let y = cast(whole, to);
  for (let i = choice.below(3); i >= 0; i--) y = typedStep(y, ofShape(pool, choice, y.shape), choice);
  return multiply(cast(y, "f32"), 0.25);
};

function typedStep(y: Tensor, other: Tensor, choice: Choice): Tensor {
  const { shape, dtype } = y;
  const axis = choice.below(Math.max(shape.length, 1));
  const kind = choice.below(9);
  if (kind === 0) return transpose(y, permutation(shape.length, choice));
  if (kind === 1) return reshape(y, otherShape(shape, choice));
  if (kind === 2) return flip(y, axesOf(shape, choice));
  const mask = less(other, 0.0123);
  if (kind === 3) return select(mask, y, fill(1, shape, dtype));
  if (kind === 4 && shape.length > 0) {
    const from = choice.below(shape[axis]!);
    return concatenate(
      [slice(y, { [axis]: [from, shape[axis]!] }), slice(y, { [axis]: [0, from] }), y],
      axis,
    );
  }
  if (kind === 5)
    return pad(
      y,
      shape.map((_, i) => (i === axis ? 2 : 0)),
      shape.map(() => 1),
      1,
    );
  if (dtype === "bool") return kind === 6 ? xor(y, mask) : and(y, or(mask, not(y)));
  if (dtype === "f16" || dtype === "bf16") return y;
  const others = cast(quantized(abs(bounded(other))), dtype);
  if (kind === 6) return choice.of([add, multiply, maximum, minimum, and, or])(y, others);
  if (kind === 7) return choice.of([sum, max])(y, axesOf(shape, choice), choice.below(2) === 0);
  if (shape.length === 0) return y;
  return choice.of([
    (t: Tensor) => cumulativeSum(t),
    (t: Tensor) => sort(t).values,
    (t: Tensor) => select(less(t, 3), t, 0),
  ])(y);
}

const kinds: readonly Apply[] = [
  (_, x, choice) => choice.of(unary)(x),
  (_, x, choice) => choice.of(unary)(x),
  (pool, x, choice) => choice.of(binary)(x, broadcastable(pool, choice, x.shape)),
  (pool, x, choice) => choice.of(binary)(x, broadcastable(pool, choice, x.shape)),
  (pool, x, choice) => choice.of(binary)(broadcastable(pool, choice, x.shape), x),
  movement,
  movement,
  reduction,
  reduction,
  product,
  product,
  normal,
  normal,
  kernel,
  loop,
  typed,
  (pool, x, choice) => {
    if (x.shape.length !== 2) return x;
    const y = ofShape(pool, choice, [x.shape[1]!, 4, 3]);
    return multiply(einsum("ab,bcd->dac", x, y), 1 / Math.sqrt(x.shape[1]!));
  },
  (_, x) => (x.shape.length === 0 ? x : multiply(cast(argMaximum(quantized(x)), "f32"), 0.1)),
  (pool, _, choice) => newLeaf(pool, shapeFrom(choice)),
];

function shapeFrom(choice: Choice): number[] {
  const shape = Array.from({ length: choice.below(MOST_RANK + 1) }, () => choice.of(SIZES));
  while (sizeOf(shape) > MOST_ELEMENTS) shape.pop();
  return shape;
}

/** The program of a recipe. */
export function programOf({ rows, results }: Recipe): Program {
  const pool: Pool = { tensors: [], leaves: [], states: [] };
  rows.forEach((row, i) => {
    const choice = new Choice(row.reduce((n, value) => n * 1009 + value, 0));
    if (i === 0) {
      const shape = shapeFrom(choice);
      pool.tensors.push(newLeaf(pool, shape));
      return;
    }
    // Recent tensors rather than old ones: deep graphs.
    const back = Math.min(choice.below(3) === 0 ? choice.below(8) : choice.below(2), pool.tensors.length - 1);
    const x = pool.tensors[pool.tensors.length - 1 - back]!;
    const leaves = pool.leaves.length;
    const made = choice.of(kinds)(pool, x, choice);
    pool.tensors.push(...pool.leaves.slice(leaves));
    for (const tensor of "node" in made ? [made] : made) {
      if (sizeOf(tensor.shape) <= MOST_ELEMENTS && tensor.shape.length <= MOST_RANK)
        pool.tensors.push(tensor);
    }
  });
  return deliver(pool, results);
}

/** Outputs, updates of leaves by tensors of their shape, and gradients of a sum of some of them. */
function deliver(pool: Pool, results: readonly number[]): Program {
  const outputs: Record<string, Tensor> = {};
  const updates: Record<string, Tensor> = {};
  const recent = pool.tensors.slice(-6);
  outputs.last = pool.tensors.at(-1)!;
  results.forEach((number, i) => {
    const choice = new Choice(number);
    const x = choice.of(choice.below(2) === 0 ? recent : pool.tensors);
    switch (choice.below(4)) {
      case 0:
        outputs[`y${i}`] = x;
        break;
      case 1: {
        const leaf = choice.of(pool.leaves);
        const fitting = pool.tensors.filter((t) => t.shape.join() === leaf.shape.join() && t !== leaf);
        const name = `x${pool.leaves.indexOf(leaf)}`;
        updates[name] =
          fitting.length > 0 && choice.below(3) > 0
            ? choice.of(fitting)
            : add(multiply(leaf, 0.5), broadcastTo(mean(x), leaf.shape));
        break;
      }
      case 2: {
        const loss = add(mean(square(bounded(x))), mean(outputs.last!));
        const leaves = pool.leaves.slice(choice.below(pool.leaves.length)).slice(0, 4);
        gradients(loss, leaves).forEach((g, j) => {
          const name = `x${pool.leaves.indexOf(leaves[j]!)}`;
          if (choice.below(2) === 0) outputs[`g${i}.${j}`] = g;
          else updates[name] = subtract(leaves[j]!, multiply(g, 0.1));
        });
        break;
      }
      default:
        outputs[`t${i}`] =
          x.shape.length > 1
            ? swapLast(x)
            : flip(
                x,
                x.shape.map((_, a) => a),
              );
    }
  });
  return program(outputs, updates);
}
