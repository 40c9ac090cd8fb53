// What the tensor tests share: arrays from a seed, evaluation of built graphs, and gradients held to central differences.
import fc from "fast-check";
import { expect } from "vitest";
import {
  add,
  type DType,
  evaluate,
  gradients,
  input,
  isFloat,
  literal,
  multiply,
  type NdArray,
  type Shape,
  sizeOf,
  sum,
  type Tensor,
} from "../../src/tensor/index.ts";

export interface Value extends NdArray {
  readonly dtype: DType;
}

/** Uniform numbers in [0, 1) from a seed (Steele and Vigna's mulberry32). */
export function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Uniform numbers in [low, high), f32. */
export function uniformValue(random: () => number, shape: Shape, low = -1, high = 1): Value {
  return {
    shape,
    dtype: "f32",
    data: Float64Array.from({ length: sizeOf(shape) }, () => low + (high - low) * random()),
  };
}

/** Whole numbers low … high-1, i32. */
export function wholeValue(random: () => number, shape: Shape, low: number, high: number): Value {
  const data = Float64Array.from({ length: sizeOf(shape) }, () => Math.floor(low + (high - low) * random()));
  return { shape, dtype: "i32", data };
}

export function value(data: ArrayLike<number>, shape: Shape = [data.length], dtype: DType = "f32"): Value {
  return { shape, dtype, data: Float64Array.from(data) };
}

export type Build = (...inputs: Tensor[]) => Tensor | readonly Tensor[];

function bind(values: readonly Value[]): { leaves: Tensor[]; bound: Record<string, NdArray> } {
  const leaves = values.map(({ shape, dtype }, i) => input(`x${i}`, shape, dtype));
  return { leaves, bound: Object.fromEntries(values.map((v, i) => [`x${i}`, v])) };
}

function list(built: Tensor | readonly Tensor[]): readonly Tensor[] {
  return "node" in built ? [built] : built;
}

/** Builds a graph on inputs of these types and evaluates it; shapes of the values are held to the inferred ones. */
export function run(build: Build, ...values: Value[]): NdArray[] {
  const { leaves, bound } = bind(values);
  const outputs = list(build(...leaves));
  const results = evaluate(outputs, bound);
  results.forEach((result, i) => {
    expect(result.shape).toEqual(outputs[i]!.shape);
    expect(result.data.length).toBe(sizeOf(result.shape));
  });
  return results;
}

/** The first result, as plain numbers. */
export function numbers(build: Build, ...values: Value[]): number[] {
  return [...run(build, ...values)[0]!.data];
}

/** Largest difference relative to the larger of 1 and the expected magnitude; infinities must agree, NaN with NaN. */
export function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < actual.length; i++) {
    const [a, e] = [actual[i]!, expected[i]!];
    if (Object.is(a, e) || a === e) continue;
    const error = Math.abs(a - e) / Math.max(1, Math.abs(e));
    worst = Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error);
  }
  return worst;
}

export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-12): void {
  expect(
    distance(actual, expected),
    `[${Array.from(actual)}] is not [${Array.from(expected)}]`,
  ).toBeLessThanOrEqual(tolerance);
}

/** One number from all float outputs: their sum with fixed random weights. */
function project(outputs: readonly Tensor[], random: () => number): Tensor {
  const terms = outputs
    .filter(({ dtype }) => isFloat(dtype))
    .map((output) => sum(multiply(output, literal(uniformValue(random, output.shape).data, output.shape))));
  return terms.reduce(add);
}

/** Elements of each input that are moved; all of small inputs. */
const PROBES = 8;

/**
 * Largest relative difference between the gradient of a projection of the graph and central differences, over the float
 * inputs. `order` 2 first takes the gradient and compares the gradient of a projection of that.
 */
export function gradientError(build: Build, values: readonly Value[], order: 1 | 2 = 1): number {
  const random = generator(99);
  const { leaves, bound } = bind(values);
  const floats = leaves.filter(({ dtype }) => isFloat(dtype));
  let scalar = project(list(build(...leaves)), random);
  if (order === 2) scalar = project(gradients(scalar, floats), random);
  const analytic = evaluate(gradients(scalar, floats), bound);
  let worst = 0;
  floats.forEach((leaf, i) => {
    const name = `x${leaves.indexOf(leaf)}`;
    const original = bound[name]!;
    const count = original.data.length;
    const places =
      count <= PROBES
        ? [...Array(count).keys()]
        : Array.from({ length: PROBES }, () => Math.floor(random() * count));
    for (const place of places) {
      const step = 2e-5;
      const at = (move: number) => {
        const data = Float64Array.from(original.data);
        data[place]! += move;
        return evaluate([scalar], { ...bound, [name]: { shape: original.shape, data } })[0]!.data[0]!;
      };
      // Richardson's extrapolation of two central differences, exact to the fourth order.
      const near = (at(step) - at(-step)) / (2 * step);
      const far = (at(2 * step) - at(-2 * step)) / (4 * step);
      const numeric = (4 * near - far) / 3;
      worst = Math.max(worst, distance([analytic[i]!.data[place]!], [numeric]));
    }
  });
  return worst;
}

/** Holds gradient (1e-7) and second derivative (1e-6) of a graph to central differences. */
export function checkGradient(build: Build, values: readonly Value[], { second = true } = {}): void {
  expect(gradientError(build, values)).toBeLessThan(1e-7);
  if (second) expect(gradientError(build, values, 2)).toBeLessThan(1e-6);
}

/** Sizes a kernel can get wrong: one, odd, past a vector. */
export const size = (most = 5): fc.Arbitrary<number> => fc.integer({ min: 1, max: most });

/** Runs a check on generated cases; every case gets random numbers of its own. */
export function forAll<T>(
  cases: fc.Arbitrary<T>,
  check: (of: T, random: () => number) => void,
  numRuns = 15,
): void {
  fc.assert(
    fc.property(cases, fc.integer(), (of, seed) => check(of, generator(seed))),
    { seed: 7, numRuns },
  );
}

/** A number for each index of a shape, row-major. */
export function tabulate(shape: Shape, f: (...index: number[]) => number): number[] {
  return Array.from({ length: sizeOf(shape) }, (_, flat) => {
    const index: number[] = [];
    let rest = flat;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index.unshift(rest % shape[axis]!);
      rest = Math.floor(rest / shape[axis]!);
    }
    return f(...index);
  });
}

/** Reads an array by index. */
export function reader({ shape, data }: NdArray): (...index: number[]) => number {
  return (...index) => data[index.reduce((place, i, axis) => place * shape[axis]! + i, 0)]!;
}

export function total(count: number, f: (i: number) => number): number {
  let result = 0;
  for (let i = 0; i < count; i++) result += f(i);
  return result;
}
