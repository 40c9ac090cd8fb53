// What a random program is made from: a number that chooses, the tensors so far, and operands that fit.
import {
  abs,
  add,
  floor,
  input,
  max,
  mean,
  multiply,
  reshape,
  type Shape,
  sizeOf,
  type Tensor,
  tanh,
} from "../../../src/tensor/index.ts";

export const SIZES = [1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 24, 31, 32, 33, 48, 65, 80, 96];
export const MOST_ELEMENTS = 12_000;
export const MOST_RANK = 4;
/** Scores of an attention, or entries of the matrix that a convolution stands for. */
export const MOST_PAIRS = 40_000;

export interface Pool {
  readonly tensors: Tensor[];
  readonly leaves: Tensor[];
}

/** A number that chooses: how it is used up decides everything about one op. */
export class Choice {
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

export function newLeaf(pool: Pool, shape: Shape): Tensor {
  const leaf = input(`x${pool.leaves.length}`, shape);
  pool.leaves.push(leaf);
  return leaf;
}

/** An existing tensor of this shape if `choice` says so and there is one, or another made to have it. */
export function ofShape(pool: Pool, choice: Choice, shape: Shape): Tensor {
  const same = pool.tensors.filter((t) => t.shape.join() === shape.join());
  if (same.length > 0 && choice.below(4) > 0) return choice.of(same);
  const sized = pool.tensors.filter((t) => sizeOf(t.shape) === sizeOf(shape));
  if (sized.length > 0 && choice.below(2) === 0) return reshape(choice.of(sized), shape);
  return newLeaf(pool, shape);
}

/** An operand that broadcasts to the shape: some axes of length 1, some leading ones missing. */
export function broadcastable(pool: Pool, choice: Choice, shape: Shape): Tensor {
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

export const axesOf = (shape: Shape, choice: Choice): number[] => {
  const bits = choice.below(2 ** shape.length);
  return shape.map((_, axis) => axis).filter((axis) => bits & (1 << axis));
};

export function permutation(rank: number, choice: Choice): number[] {
  const rest = Array.from({ length: rank }, (_, i) => i);
  return Array.from({ length: rank }, () => rest.splice(choice.below(rest.length), 1)[0]!);
}

/** Another shape of as many elements. */
export function otherShape(shape: Shape, choice: Choice): number[] {
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
export function threeAxes(x: Tensor, choice: Choice): Tensor {
  if (x.shape.length === 3) return x;
  const [last = 1] = x.shape.slice(-1);
  const rest = sizeOf(x.shape) / last;
  const first = choice.of([1, 2, 3, 4].filter((d) => rest % d === 0));
  return reshape(x, [first, rest / first, last]);
}

export type Apply = (pool: Pool, x: Tensor, choice: Choice) => Tensor | readonly Tensor[];

export const bounded = (x: Tensor): Tensor => multiply(tanh(multiply(x, 0.5)), 2);
/** Steps of a quarter: where order decides, equal numbers must be equal to the last bit, and others far apart. */
export const quantized = (x: Tensor): Tensor => floor(add(multiply(x, 4), 0.123));
export const positive = (x: Tensor): Tensor => add(abs(x), 0.3);
