// Negative controls: the checks the other tests rely on must catch what is wrong.
import { describe, expect, test } from "vitest";
import { apply, cosine, multiply, type Op, sine, type Tensor } from "../../src/tensor/index.ts";
import { checkGradient, distance, generator, gradientError, uniformValue } from "./harness.ts";

/** sin(x) with a gradient that is off by the given factor. */
function wrongSine(factor: number): (x: Tensor) => Tensor {
  const op: Op<undefined> = {
    name: "wrongSine",
    lowering: "kernel",
    infer: ([x]) => [x!],
    evaluate: ([x]) => [{ shape: x!.shape, data: x!.data.map(Math.sin) }],
    gradient: (node, [g]) => [g && multiply(g, multiply(cosine(node.inputs[0]!), factor))],
    flops: () => 0,
  };
  return (x) => apply(op, [x], undefined);
}

/** sin(x) whose gradient is right and whose gradient's gradient is not. */
function wrongSecond(x: Tensor): Tensor {
  const wrongCosine: Op<undefined> = {
    name: "wrongCosine",
    lowering: "kernel",
    infer: ([y]) => [y!],
    evaluate: ([y]) => [{ shape: y!.shape, data: y!.data.map(Math.cos) }],
    gradient: (node, [g]) => [g && multiply(g, sine(node.inputs[0]!))],
    flops: () => 0,
  };
  const op: Op<undefined> = {
    name: "wrongSecond",
    lowering: "kernel",
    infer: ([y]) => [y!],
    evaluate: ([y]) => [{ shape: y!.shape, data: y!.data.map(Math.sin) }],
    gradient: (node, [g]) => [g && multiply(g, apply(wrongCosine, [node.inputs[0]!], undefined))],
    flops: () => 0,
  };
  return apply(op, [x], undefined);
}

describe("the gradient check", () => {
  const x = [uniformValue(generator(1), [3, 5])];

  test("accepts a right gradient", () => {
    checkGradient((t) => sine(t), x);
    checkGradient(wrongSine(1), x);
  });

  test("catches a gradient that is off by one part in ten thousand", () => {
    expect(() => checkGradient(wrongSine(1.0001), x)).toThrow();
  });

  test("catches a wrong second derivative behind a right first one", () => {
    expect(gradientError(wrongSecond, x)).toBeLessThan(1e-7);
    expect(() => checkGradient(wrongSecond, x)).toThrow();
  });
});

test("distance sees lengths, NaN and infinities", () => {
  expect(distance([1, 2], [1, 2])).toBe(0);
  expect(distance([1], [1, 2])).toBe(Number.POSITIVE_INFINITY);
  expect(distance([Number.NaN], [1])).toBe(Number.POSITIVE_INFINITY);
  expect(distance([Number.NaN], [Number.NaN])).toBe(0);
  expect(distance([Number.POSITIVE_INFINITY], [1])).toBe(Number.POSITIVE_INFINITY);
  expect(distance([Number.NEGATIVE_INFINITY], [Number.NEGATIVE_INFINITY])).toBe(0);
});
