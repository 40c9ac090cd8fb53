import { expect, test } from "vitest";
import { initialValues } from "../../src/nn/initialize.ts";
import type { ParameterDeclaration } from "../../src/nn/parameters.ts";

const normal = (shape: number[], standardDeviation = 0.5): ParameterDeclaration => ({
  shape,
  initializer: { kind: "normal", standardDeviation },
  role: "hidden",
});

test("normal values have mean 0, the standard deviation and the tails of a normal distribution", () => {
  const values = initialValues("block.0.attention.query.weight", normal([300, 300]), 1);
  const mean = values.reduce((total, value) => total + value, 0) / values.length;
  const variance = values.reduce((total, value) => total + (value - mean) ** 2, 0) / values.length;
  expect(Math.abs(mean)).toBeLessThan(4 * (0.5 / 300));
  expect(Math.abs(variance / 0.25 - 1)).toBeLessThan(4 * (Math.SQRT2 / 300));
  const beyond = (deviations: number) =>
    values.filter((value) => Math.abs(value) > 0.5 * deviations).length / values.length;
  expect(Math.abs(beyond(1) - 0.3173)).toBeLessThan(0.007);
  expect(Math.abs(beyond(2) - 0.0455)).toBeLessThan(0.003);
});

test("a value depends on seed, name and place alone", () => {
  const small = initialValues("a", normal([7]), 1);
  expect(initialValues("a", normal([7]), 1)).toEqual(small);
  expect(initialValues("a", normal([4, 4]), 1).subarray(0, 7)).toEqual(small);
  const others = [
    initialValues("b", normal([7]), 1),
    initialValues("a", normal([7]), 2),
    initialValues("a", normal([7]), 1 + 2 ** 32),
  ];
  for (const other of others) {
    for (const value of other) expect(small).not.toContain(value);
  }
});

test("names that share letters are unrelated", () => {
  const columns = ["ab", "ba", "a", "b", ""].map((name) => initialValues(name, normal([2000], 1), 0));
  columns.forEach((a, i) => {
    columns.slice(i + 1).forEach((b) => {
      const correlation = a.reduce((total, value, k) => total + value * b[k]!, 0) / a.length;
      expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(2000));
    });
  });
});

test("constants", () => {
  const declaration = { shape: [3], initializer: { kind: "constant", value: 1 }, role: "scale" } as const;
  expect([...initialValues("x", declaration, 1)]).toEqual([1, 1, 1]);
});

test("uniform values fill their range evenly and go through their transform", () => {
  const uniform = (transform?: (drawn: number) => number): ParameterDeclaration => ({
    shape: [20_001],
    initializer: { kind: "uniform", low: -1, high: 3, ...(transform && { transform }) },
    role: "bias",
  });
  const values = initialValues("a", uniform(), 1);
  expect(Math.min(...values)).toBeGreaterThanOrEqual(-1);
  expect(Math.max(...values)).toBeLessThanOrEqual(3);
  for (let quarter = -1; quarter < 3; quarter++) {
    const share = values.filter((value) => value >= quarter && value < quarter + 1).length / values.length;
    expect(Math.abs(share - 0.25)).toBeLessThan(4 * Math.sqrt(0.1875 / values.length));
  }
  expect(
    initialValues(
      "a",
      uniform((drawn) => -2 * drawn),
      1,
    ),
  ).toEqual(values.map((value) => -2 * value));
});

test("given values stand at their places, row-major", () => {
  const at = (place: number) => 2 * place;
  expect(
    initialValues("a", { shape: [2, 3], initializer: { kind: "values", at }, role: "scale" }, 1),
  ).toEqual(Float32Array.of(0, 2, 4, 6, 8, 10));
});
