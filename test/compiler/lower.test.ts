// Rewrites before planning: what disappears, what becomes one, what stays.
import { describe, expect, test } from "vitest";
import { lower } from "../../src/compiler/lower.ts";
import {
  add,
  attention,
  broadcastTo,
  cast,
  divide,
  fill,
  fillValue,
  input,
  iota,
  literal,
  multiply,
  power,
  reshape,
  softmax,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  tanh,
  topologicalOrder,
} from "../../src/tensor/index.ts";

const x = input("x", [4, 6]);
const all = { supports: () => true };
const none = { supports: () => false };
const names = (tensors: readonly Tensor[]): string[] => topologicalOrder(tensors).map(({ op }) => op.name);

describe("what changes nothing disappears", () => {
  const same: readonly [string, Tensor][] = [
    ["x + 0", add(x, 0)],
    ["0 + x", add(0, x)],
    ["x - 0", subtract(x, 0)],
    ["1 · x", multiply(1, x)],
    ["x / 1", divide(x, 1)],
    ["x¹", power(x, 1)],
    ["stopGradient", stopGradient(x)],
    ["a cast to its own type", cast(x, "f32")],
    ["there and back", reshape(reshape(x, [24]), [4, 6])],
    ["a sum over one", reshape(sum(reshape(x, [4, 6, 1]), [2], true), [4, 6])],
  ];
  test.each(same)("%s", (_, y) => {
    expect(lower([y], all)[0]).toBe(x);
  });
});

test("constants are folded, also through views and integer arithmetic", () => {
  const value = (y: Tensor) => fillValue(lower([y], all)[0]!);
  expect(value(multiply(add(fill(2), 3), 4))).toBe(20);
  expect(value(broadcastTo(reshape(fill(0.5, [1, 2]), [2, 1]), [2, 7]))).toBe(0.5);
  expect(value(multiply(fill(2 ** 30, [2], "i32"), 8))).toBe(0);
  expect(value(cast(fill(2.75, [3]), "i32"))).toBe(2);
  expect(value(sum(fill(0.25, [4, 5])))).toBe(5);
  expect(value(sum(input("none", [3, 0]), [1]))).toBe(0);
});

test("equal nodes become one, different ones do not", () => {
  const twice = lower([add(tanh(x), tanh(x)), tanh(reshape(x, [24])), tanh(reshape(x, [24]))], all);
  expect(names(twice).filter((name) => name === "tanh").length).toBe(2);
  expect(twice[1]).toBe(twice[2]);
  const literals = lower([literal([1, 2], [2]), literal([1, 3], [2])], all);
  expect(literals[0]).not.toBe(literals[1]);
});

test("a repeated counter is a counter", () => {
  expect(names(lower([broadcastTo(iota([6], 0), [4, 6])], all))).toEqual(["iota"]);
  expect(names(lower([broadcastTo(iota([1, 6], 0), [4, 6])], all))).not.toEqual(["iota"]);
});

test("a composite stays where there is a kernel and becomes its definition where there is none", () => {
  const heads = input("heads", [2, 5, 2, 4]);
  const { out } = attention(heads, heads, heads, { causal: true });
  expect(names(lower([out], all))).toContain("attention");
  const defined = names(lower([out], none));
  expect(defined).not.toContain("attention");
  expect(defined).toContain("contract");
});

test("what is already simple is left alone", () => {
  const y = softmax(x);
  expect(names(lower([y], all)).length).toBeLessThanOrEqual(names([y]).length);
});
