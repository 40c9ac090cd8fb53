// What the tests of mixers with a matrix as state share: vectors and matrices as plain lists, and mixers on lengths around
// their chunks.
import { countParameters } from "../../src/architecture/count.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import type { Primitive } from "../../src/nn/primitive.ts";
import { rootScope } from "../../src/nn/scope.ts";
import { input } from "../../src/tensor/index.ts";
import { list, total } from "./mixers.ts";

export type Matrix = number[][];

export const zeros = (rows: number, columns: number): Matrix => list(rows, () => list(columns, () => 0));

/** The h-th of `heads` equal parts. */
export function part(x: readonly number[], h: number, heads: number): number[] {
  const width = x.length / heads;
  return x.slice(h * width, (h + 1) * width);
}

/** Sᵀ·q. */
export const read = (state: Matrix, query: readonly number[]): number[] =>
  list(state[0]!.length, (j) => total(query.length, (i) => query[i]! * state[i]![j]!));

export const dot = (a: readonly number[], b: readonly number[]): number =>
  total(a.length, (i) => a[i]! * b[i]!);

/** (x - mean) / √(variance + epsilon). */
export function standardised(x: readonly number[], epsilon: number): number[] {
  const mean = total(x.length, (i) => x[i]!) / x.length;
  const variance = total(x.length, (i) => (x[i]! - mean) ** 2) / x.length;
  return x.map((value) => (value - mean) / Math.sqrt(variance + epsilon));
}

/** x / √(mean of squares + epsilon). */
export const rootMeanSquared = (x: readonly number[], epsilon: number): number[] =>
  x.map((value) => value / Math.sqrt(dot(x, x) / x.length + epsilon));

/** Parameters of a primitive at a width. */
export function parametersOf(
  primitive: Primitive,
  settings: Record<string, unknown>,
  width: number,
): { readonly total: number; readonly kept: number } {
  const module = primitive.configure(primitive.name, settings, { width, standardDeviation: 0.02 });
  const source = inputSource();
  module.apply(rootScope({ source }), input("x", [1, 3, width]));
  return { total: countParameters(source.declared).total, kept: module.kept(100) };
}
