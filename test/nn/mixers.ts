// What the tests of sequence and channel mixers share: a primitive against a second implementation in plain loops, its
// gradients against central differences, and whether it looks ahead.
import { expect } from "vitest";
import { initialValues } from "../../src/nn/initialize.ts";
import { inputSource, type ParameterSource } from "../../src/nn/parameters.ts";
import type { Primitive } from "../../src/nn/primitive.ts";
import { rootScope } from "../../src/nn/scope.ts";
import { input, type Tensor } from "../../src/tensor/index.ts";
import {
  type Build,
  expectClose,
  generator,
  gradientError,
  reader,
  run,
  uniformValue,
  type Value,
} from "../tensor/harness.ts";

/** Parameters by name, read by index. */
export type Parameter = (name: string) => (...index: number[]) => number;

/** One sequence [T][D] through the mixer: the paper's equations as loops. */
export type Plain = (x: number[][], parameter: Parameter) => number[][];

export interface MixerCase {
  readonly primitive: Primitive;
  readonly settings?: Record<string, unknown>;
  readonly width: number;
  readonly length: number;
  readonly plain: Plain;
  /** Replaces values of a parameter (index: row-major place). */
  readonly change?: (name: string, value: number, place: number) => number;
}

interface Bound {
  readonly build: Build;
  /** x, then the parameters. */
  readonly values: Value[];
  readonly names: readonly string[];
}

const BATCH = 2;

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
export const silu = (x: number): number => x * sigmoid(x);
export const softplus = (x: number): number => Math.log1p(Math.exp(x));

/** Σ f(i) for i < count. */
export function total(count: number, f: (i: number) => number): number {
  let result = 0;
  for (let i = 0; i < count; i++) result += f(i);
  return result;
}

export const list = <T>(count: number, f: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => f(i));

/** x · weight (+ bias) of the parameters under `name`, `outputs` numbers. */
export function linear(
  p: Parameter,
  name: string,
  x: readonly number[],
  outputs: number,
  bias = false,
): number[] {
  const weight = p(`${name}.weight`);
  return list(
    outputs,
    (j) => total(x.length, (i) => x[i]! * weight(i, j)) + (bias ? p(`${name}.bias`)(j) : 0),
  );
}

/** A causal convolution of each feature of x [T][D]; tap s meets the token s before. */
export function shortConvolution(
  p: Parameter,
  name: string,
  x: readonly number[][],
  taps: number,
): number[][] {
  return x.map((row, t) =>
    row.map(
      (_, d) =>
        p(`${name}.bias`)(d) + total(Math.min(taps, t + 1), (s) => p(`${name}.weight`)(s, d) * x[t - s]![d]!),
    ),
  );
}

/** The primitive on random inputs, its parameters near where they begin. */
export function bind({ primitive, settings = {}, width, length, change }: MixerCase): Bound {
  const random = generator(5);
  const module = primitive.configure(primitive.name, settings, { width, standardDeviation: 0.5 });
  const source = inputSource();
  module.apply(rootScope({ source }), input("x", [BATCH, length, width]));
  const names = [...source.declared.keys()];
  const parameters = names.map((name): Value => {
    const declaration = source.declared.get(name)!;
    const data = Float64Array.from(initialValues(name, declaration, 3), (value, i) => {
      const moved = value + (random() - 0.5) / 4;
      return change?.(name, moved, i) ?? moved;
    });
    return { shape: declaration.shape, dtype: "f32", data };
  });
  const build: Build = (x, ...tensors) => {
    const given: ParameterSource = { parameter: (name) => tensors[names.indexOf(name)]! };
    return module.apply(rootScope({ source: given }), x!) as Tensor;
  };
  return { build, values: [uniformValue(random, [BATCH, length, width], -2, 2), ...parameters], names };
}

/** Values to 1e-10, gradients to central differences. */
export function checkMixer(of: MixerCase, { gradients = true } = {}): void {
  const { build, values, names } = bind(of);
  const { width, length, plain } = of;
  const [actual] = run(build, ...values);
  const x = reader(values[0]!);
  const parameter: Parameter = (name) => {
    const place = names.indexOf(name);
    if (place < 0) throw new Error(`no parameter ${name}; there are ${names.join(", ")}`);
    return reader(values[place + 1]!);
  };
  const expected = list(BATCH, (b) =>
    plain(
      list(length, (t) => list(width, (d) => x(b, t, d))),
      parameter,
    ),
  ).flat(2);
  expect(expected.some((value) => Math.abs(value) > 1e-5)).toBe(true);
  expectClose(actual!.data, expected, 1e-10);
  if (gradients) expect(gradientError(build, values)).toBeLessThan(1e-6);
}

/** Another token at t changes the output at t and none before. */
export function checkCausal(of: MixerCase): void {
  const { build, values } = bind(of);
  const { width, length } = of;
  const [before] = run(build, ...values);
  for (let t = 0; t < length; t++) {
    const data = values[0]!.data.map((value, i) =>
      Math.floor(i / width) % length === t ? value + 0.37 : value,
    );
    const [after] = run(build, { ...values[0]!, data }, ...values.slice(1));
    const changed = [...after!.data].map((value, i) =>
      value === before!.data[i] ? -1 : Math.floor(i / width) % length,
    );
    expect(Math.min(...changed.filter((place) => place >= 0)), `token ${t}`).toBe(t);
  }
}
