// Ops that pick, order and sum by index: gather, scatterAdd, takeAlong, sort, topK, cumulativeSum, dynamic windows.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addAlong,
  argMaximum,
  cumulativeSum,
  dynamicSlice,
  dynamicUpdate,
  gather,
  input,
  scatterAdd,
  sort,
  square,
  takeAlong,
  topK,
} from "../../src/tensor/index.ts";
import {
  checkGradient,
  expectClose,
  forAll,
  numbers,
  reader,
  run,
  size,
  tabulate,
  total,
  uniformValue,
  value,
  wholeValue,
} from "./harness.ts";

describe("gather and scatterAdd", () => {
  const cases = fc.tuple(size(), fc.array(size(3), { maxLength: 2 }), fc.array(size(3), { maxLength: 2 }));

  test("gather reads rows, zeros outside", () => {
    forAll(cases, ([rows, at, rest], random) => {
      const x = uniformValue(random, [rows, ...rest]);
      const indices = wholeValue(random, at, -2, rows + 2);
      const width = x.data.length / rows;
      const expected = [...indices.data].flatMap((row) =>
        Array.from({ length: width }, (_, j) => (row >= 0 && row < rows ? x.data[row * width + j]! : 0)),
      );
      expectClose(numbers(gather, x, indices), expected, 0);
      checkGradient((p, i) => square(gather(p, i)), [x, indices]);
    });
  });

  test("scatterAdd adds rows, drops those outside", () => {
    forAll(cases, ([rows, at, rest], random) => {
      const indices = wholeValue(random, at, -2, rows + 2);
      const updates = uniformValue(random, [...at, ...rest]);
      const width = updates.data.length / indices.data.length;
      const expected = new Array<number>(rows * width).fill(0);
      indices.data.forEach((row, i) => {
        if (row < 0 || row >= rows) return;
        for (let j = 0; j < width; j++) expected[row * width + j]! += updates.data[i * width + j]!;
      });
      expectClose(
        numbers((i, u) => scatterAdd(i, u, rows), indices, updates),
        expected,
      );
      checkGradient((i, u) => square(scatterAdd(i, u, rows)), [indices, updates]);
    });
  });

  test("takeAlong and addAlong work within rows", () => {
    forAll(fc.tuple(size(3), size(3), size(4), size(4)), ([a, b, n, m], random) => {
      const x = uniformValue(random, [a, b, n]);
      const indices = wholeValue(random, [a, b, m], -1, n + 1);
      const [at, of] = [reader(indices), reader(x)];
      const inside = (i: number) => i >= 0 && i < n;
      const taken = tabulate([a, b, m], (i, j, k) =>
        inside(at(i!, j!, k!)) ? of(i!, j!, at(i!, j!, k!)) : 0,
      );
      expectClose(numbers(takeAlong, x, indices), taken, 0);
      const updates = uniformValue(random, [a, b, m]);
      const added = tabulate([a, b, n], (i, j, k) =>
        total(m, (l) => (at(i!, j!, l) === k ? reader(updates)(i!, j!, l) : 0)),
      );
      expectClose(
        numbers((i, u) => addAlong(i, u, n), indices, updates),
        added,
      );
      checkGradient((p, i) => square(takeAlong(p, i)), [x, indices]);
    });
  });

  test("say what does not fit", () => {
    const x = input("x", [3, 2]);
    const whole = input("i", [4], "i32");
    expect(() => gather(x, input("f", [4]))).toThrow(/f32 indices/);
    expect(() => scatterAdd(whole, x, 3)).toThrow(/scatterAdd: f32 updates \[3,2\]/);
    expect(() => takeAlong(x, whole)).toThrow(/takeAlong/);
  });
});

describe("sort", () => {
  test("orders rows stably and says where each came from", () => {
    forAll(fc.tuple(size(3), size(9), fc.boolean()), ([rows, n, descending], random) => {
      const x = wholeValue(random, [rows, n], -2, 3);
      const [values, indices] = run((t) => Object.values(sort(t, { descending })), x);
      for (let row = 0; row < rows; row++) {
        const pairs = [...x.data.subarray(row * n, (row + 1) * n)].map((key, i) => ({ key, i }));
        pairs.sort((p, q) => (descending ? q.key - p.key : p.key - q.key) || p.i - q.i);
        expect([...values!.data.subarray(row * n, (row + 1) * n)]).toEqual(pairs.map((p) => p.key));
        expect([...indices!.data.subarray(row * n, (row + 1) * n)]).toEqual(pairs.map((p) => p.i));
      }
    });
  });

  test("puts NaN last in both directions", () => {
    const x = value([2, Number.NaN, -1, Number.POSITIVE_INFINITY, Number.NaN, 5]);
    expect(numbers((t) => sort(t).indices, x)).toEqual([2, 0, 5, 3, 1, 4]);
    expect(numbers((t) => sort(t, { descending: true }).indices, x)).toEqual([3, 5, 0, 2, 1, 4]);
  });

  test("topK is the head of the descending order, argMaximum its first", () => {
    const x = value([1, 7, 7, 3, 9, 0, 2, 9], [2, 4]);
    const [values, indices] = run((t) => [topK(t, 2).values, topK(t, 2).indices], x);
    expect([...values!.data]).toEqual([7, 7, 9, 9]);
    expect([...indices!.data]).toEqual([1, 2, 0, 3]);
    expect(numbers(argMaximum, x)).toEqual([1, 0]);
    expect(() => topK(input("x", [3]), 4)).toThrow(/first 4/);
    expect(() => sort(input("x", []))).toThrow(/sort/);
  });

  test("gradient follows the permutation", () => {
    forAll(fc.tuple(size(3), size(6)), ([rows, n], random) => {
      const x = uniformValue(random, [rows, n]);
      checkGradient((t) => square(sort(t).values), [x]);
      checkGradient((t) => square(topK(t, Math.ceil(n / 2)).values), [x]);
    });
  });
});

test("cumulativeSum, exclusive and reversed", () => {
  forAll(fc.tuple(fc.array(size(3), { maxLength: 2 }), size(6), fc.boolean(), fc.boolean()), (of, random) => {
    const [leading, n, exclusive, reverse] = of;
    const x = uniformValue(random, [...leading, n]);
    const counts = (i: number, j: number) => (i === j ? !exclusive : reverse ? j > i : j < i);
    const expected = Array.from(x.data, (_, flat) => {
      const i = flat % n;
      return total(n, (j) => (counts(i, j) ? x.data[flat - i + j]! : 0));
    });
    expectClose(
      numbers((t) => cumulativeSum(t, { exclusive, reverse }), x),
      expected,
    );
    checkGradient((t) => square(cumulativeSum(t, { exclusive, reverse })), [x]);
  });
  expect(() => cumulativeSum(input("x", []))).toThrow(/cumulativeSum/);
});

describe("dynamic windows", () => {
  const cases = fc.tuple(
    size(3),
    size(5),
    size(3),
    size(5),
    fc.integer({ min: -3, max: 7 }),
    fc.integer({ min: -3, max: 7 }),
  );

  test("read and write where the clamped starts say", () => {
    forAll(cases, ([a, b, c, take, startB, startC], random) => {
      const window = [a, Math.min(take, b), 1];
      const x = uniformValue(random, [a, b, c]);
      const update = uniformValue(random, window);
      const starts = [value([startB], [], "i32"), value([startC], [], "i32")];
      const fromB = Math.max(0, Math.min(startB, b - window[1]!));
      const fromC = Math.max(0, Math.min(startC, c - 1));
      const sizes = { 1: window[1]!, 2: 1 };
      const read = tabulate(window, (i, j) => reader(x)(i!, fromB + j!, fromC));
      expectClose(
        numbers((t, s, r) => dynamicSlice(t, { 1: s, [-1]: r }, sizes), x, ...starts),
        read,
        0,
      );
      const isInside = (j: number, k: number) => k === fromC && j >= fromB && j < fromB + window[1]!;
      const written = tabulate([a, b, c], (i, j, k) =>
        isInside(j!, k!) ? reader(update)(i!, j! - fromB, 0) : reader(x)(i!, j!, k!),
      );
      expectClose(
        numbers((t, u, s, r) => dynamicUpdate(t, u, { 1: s, 2: r }), x, update, ...starts),
        written,
        0,
      );
      checkGradient((t, s, r) => square(dynamicSlice(t, { 1: s, 2: r }, sizes)), [x, ...starts]);
      checkGradient((t, u, s, r) => square(dynamicUpdate(t, u, { 1: s, 2: r })), [x, update, ...starts]);
    });
  });

  test("say what does not fit", () => {
    const x = input("x", [4, 2]);
    const start = input("s", [], "i32");
    expect(() => dynamicSlice(x, { 0: start }, { 0: 5 })).toThrow(/window \[5,2\] of \[4,2\]/);
    expect(() => dynamicSlice(x, { 0: input("f", []) }, { 0: 1 })).toThrow(/start f32/);
    expect(() => dynamicUpdate(x, input("u", [2]), { 0: start })).toThrow(/window \[2\]/);
    expect(() => dynamicUpdate(x, input("u", [1, 2], "i32"), { 0: start })).toThrow(/i32 into f32/);
  });

  test("declare the axes along which they may be cut", () => {
    const x = input("x", [4, 5, 6]);
    const start = input("s", [], "i32");
    const { node } = dynamicSlice(x, { 1: start }, { 1: 2 });
    expect(node.op.independent?.(node)).toEqual({ axes: 1, shared: [1] });
    const { node: update } = dynamicUpdate(x, input("u", [4, 5, 2]), { 2: start });
    expect(update.op.independent?.(update)).toEqual({ axes: 2, shared: [2] });
  });
});
