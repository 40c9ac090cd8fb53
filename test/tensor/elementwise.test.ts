// Scalar functions: values, broadcasting on either side, casts, gradients.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  abs,
  add,
  and,
  broadcastShapes,
  cast,
  cosine,
  divide,
  equal,
  erf,
  exp,
  floor,
  gradients,
  greater,
  greaterEqual,
  input,
  isFiniteAt,
  less,
  lessEqual,
  log,
  maximum,
  minimum,
  multiply,
  negate,
  not,
  notEqual,
  or,
  power,
  reciprocal,
  round,
  select,
  shiftLeft,
  shiftRight,
  sigmoid,
  sign,
  sine,
  sqrt,
  square,
  stopGradient,
  subtract,
  type Tensor,
  tanh,
  xor,
} from "../../src/tensor/index.ts";
import {
  checkGradient,
  expectClose,
  forAll,
  numbers,
  reader,
  size,
  tabulate,
  uniformValue,
  value,
} from "./harness.ts";

type Unary = (x: Tensor) => Tensor;
type Binary = (x: Tensor, y: Tensor) => Tensor;

describe("of one operand", () => {
  // Name, function, plain definition, and an interval inside its domain without corners.
  const smooth: readonly [string, Unary, (x: number) => number, number, number][] = [
    ["negate", negate, (x) => -x, -2, 2],
    ["abs", abs, Math.abs, 0.1, 2],
    ["exp", exp, Math.exp, -2, 2],
    ["log", log, Math.log, 0.5, 3],
    ["sqrt", sqrt, Math.sqrt, 0.5, 3],
    ["reciprocal", reciprocal, (x) => 1 / x, 0.5, 3],
    ["sine", sine, Math.sin, -3, 3],
    ["cosine", cosine, Math.cos, -3, 3],
    ["tanh", tanh, Math.tanh, -2, 2],
    ["sigmoid", sigmoid, (x) => 1 / (1 + Math.exp(-x)), -4, 4],
    ["square", square, (x) => x * x, -2, 2],
    ["negative abs", abs, Math.abs, -2, -0.1],
  ];
  test.each(smooth)("%s", (_, build, f, low, high) => {
    forAll(
      fc.tuple(size(3), size(4)),
      (shape, random) => {
        const x = uniformValue(random, shape, low, high);
        expectClose(numbers(build, x), x.data.map(f));
        checkGradient(build, [x]);
      },
      6,
    );
  });

  test("erf", () => {
    // Abramowitz and Stegun, table 7.1, and more digits from its series.
    const x = value([0, 0.5, 1, 2, 2.5, 3, 7, -1]);
    const expected = [0, 0.5204998778130465, 0.8427007929497149, 0.9953222650189527, 0.999593047982555];
    expectClose(numbers(erf, x), [...expected, 0.9999779095030014, 1, -expected[2]!], 1e-14);
    checkGradient(erf, [value([-2.6, -1.5, 0.1, 0.9, 2.4])]);
  });

  test("rounding, signs and tests, none of which has a gradient", () => {
    const x = value([-2.5, -1.5, -0.2, 0, 0.5, 1.5, 2.5, 2.7]);
    expect(numbers(round, x).map((y) => y + 0)).toEqual([-2, -2, 0, 0, 0, 2, 2, 3]);
    expect(numbers(floor, x)).toEqual([-3, -2, -1, 0, 0, 1, 2, 2]);
    expect(numbers(sign, x)).toEqual([-1, -1, -1, 0, 1, 1, 1, 1]);
    const odd = value([Number.NaN, Number.POSITIVE_INFINITY, 1, 0]);
    expect(numbers(isFiniteAt, odd)).toEqual([0, 0, 1, 1]);
    expect(numbers((t) => not(isFiniteAt(t)), odd)).toEqual([1, 1, 0, 0]);
    for (const f of [round, floor, sign, stopGradient]) {
      const leaf = input("x", [2]);
      expect(numbers((t) => gradients(f(t), [t]), value([0.3], []))).toEqual([0]);
      expect(f(leaf).shape).toEqual([2]);
    }
  });
});

describe("of two operands", () => {
  const smooth: readonly [string, Binary, (x: number, y: number) => number][] = [
    ["add", add, (x, y) => x + y],
    ["subtract", subtract, (x, y) => x - y],
    ["multiply", multiply, (x, y) => x * y],
    ["divide", divide, (x, y) => x / y],
    ["power", power, (x, y) => x ** y],
    ["maximum", maximum, Math.max],
    ["minimum", minimum, Math.min],
  ];
  /** A shape and two that broadcast to it, by leaving out leading axes and setting others to one. */
  const operand = fc.tuple(
    fc.integer({ min: 0, max: 2 }),
    fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
  );
  const cases = fc.tuple(fc.tuple(size(3), size(3), size(4)), operand, operand);

  test.each(smooth)("%s, broadcast on either side", (_, build, f) => {
    forAll(
      cases,
      ([whole, ...operands], random) => {
        const [x, y] = operands.map(([dropped, ones]) => {
          const shape = whole.map((length, axis) => (ones[axis] ? 1 : length)).slice(dropped);
          return uniformValue(random, shape, 0.5, 2);
        });
        const shape = broadcastShapes("test", [x!.shape, y!.shape]);
        const at = (v: typeof x, index: number[]) => {
          const own = index
            .slice(shape.length - v!.shape.length)
            .map((i, axis) => (v!.shape[axis] === 1 ? 0 : i));
          return reader(v!)(...own);
        };
        expectClose(
          numbers(build, x!, y!),
          tabulate(shape, (...index) => f(at(x, index), at(y, index))),
        );
        checkGradient(build, [x!, y!]);
      },
      8,
    );
  });

  test("numbers stand on either side", () => {
    const x = value([1, 2]);
    expect(numbers((t) => subtract(1, t), x)).toEqual([0, -1]);
    expect(numbers((t) => divide(t, 4), x)).toEqual([0.25, 0.5]);
  });

  test("comparison, NaN with nothing", () => {
    const [x, y] = [value([1, 2, 3, Number.NaN]), value([2, 2, 2, Number.NaN])];
    const results: readonly [Binary, number[]][] = [
      [less, [1, 0, 0, 0]],
      [lessEqual, [1, 1, 0, 0]],
      [greater, [0, 0, 1, 0]],
      [greaterEqual, [0, 1, 1, 0]],
      [equal, [0, 1, 0, 0]],
      [notEqual, [1, 0, 1, 1]],
    ];
    for (const [compare, expected] of results) expect(numbers(compare, x, y)).toEqual(expected);
  });

  test("whole numbers wrap at 32 bits", () => {
    const large = value([0xffffffff, 0x80000000], [2], "u32");
    expect(numbers((t) => add(t, 1), large)).toEqual([0, 0x80000001]);
    expect(numbers((t) => multiply(t, 3), large)).toEqual([0xfffffffd, 0x80000000]);
    expect(numbers((t) => xor(t, 0xff), large)).toEqual([0xffffff00, 0x800000ff]);
    expect(numbers((t) => and(t, 0xf0), large)).toEqual([0xf0, 0]);
    expect(numbers((t) => or(t, 1), large)).toEqual([0xffffffff, 0x80000001]);
    expect(numbers((t) => shiftRight(t, 31), large)).toEqual([1, 1]);
    expect(numbers((t) => shiftLeft(t, 1), large)).toEqual([0xfffffffe, 0]);
    const signed = value([-8, 0x7fffffff], [2], "i32");
    expect(numbers((t) => add(t, 1), signed)).toEqual([-7, -0x80000000]);
    expect(numbers((t) => shiftRight(t, 1), signed)).toEqual([-4, 0x3fffffff]);
  });

  test("say what does not fit", () => {
    expect(() => add(input("x", [2]), input("y", [3]))).toThrow(
      /add: shapes \[2\] and \[3\] do not broadcast/,
    );
    expect(() => add(input("x", [2]), input("y", [2], "i32"))).toThrow(/add: dtypes f32 and i32/);
    expect(() => divide(input("x", [2], "i32"), 2)).toThrow(/divide of i32; expected a float, cast it/);
    expect(() => exp(input("x", [2], "bool"))).toThrow(/exp of bool/);
  });
});

test("select takes from one side, and the other has no gradient, even where it is not finite", () => {
  const [x, y] = [value([1, 2, 3, 4], [2, 2]), value([5, 6])];
  expect(numbers((p, q) => select(less(p, 2.5), p, q), x, y)).toEqual([1, 2, 5, 6]);
  checkGradient((p, q) => square(select(less(p, 2.5), p, q)), [x, y]);
  const safe = (p: Tensor) => gradients(select(less(0, p), log(p), 0), [p]);
  expect(numbers(safe, value([-1], []))).toEqual([-0]);
});

describe("cast", () => {
  test("to whole numbers by truncation, to bool by being other than zero", () => {
    const x = value([-1.7, 2.7, 0]);
    expect(numbers((t) => cast(t, "i32"), x)).toEqual([-1, 2, 0]);
    expect(numbers((t) => cast(t, "bool"), x)).toEqual([1, 1, 0]);
    expect(numbers((t) => cast(cast(t, "i32"), "u32"), value([-1]))).toEqual([0xffffffff]);
  });

  test("to half precision with ties to even, subnormals and overflow", () => {
    const x = value([1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -24, 2 ** -25, 65519, 65520, -0.1]);
    const half = [1, 1 + 2 ** -9, 2 ** -24, 0, 65504, Number.POSITIVE_INFINITY, -0.0999755859375];
    expect(numbers((t) => cast(t, "f16"), x)).toEqual(half);
    const y = value([1 + 2 ** -8, 1 + 3 * 2 ** -8, -0.1, 3e38]);
    expect(numbers((t) => cast(t, "bf16"), y)).toEqual([1, 1 + 2 ** -6, -0.10009765625, 226 * 2 ** 120]);
  });

  test("gradient passes between floats only", () => {
    const through = (dtype: "f16" | "i32") => (t: Tensor) =>
      gradients(multiply(cast(cast(t, dtype), "f32"), 3), [t]);
    expect(numbers(through("f16"), value([2], []))).toEqual([3]);
    expect(numbers(through("i32"), value([2], []))).toEqual([0]);
  });
});
