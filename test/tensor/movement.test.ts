// Rearrangements and reductions.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  add,
  broadcastTo,
  concatenate,
  evaluate,
  flip,
  gatherStrided,
  gradients,
  input,
  max,
  mean,
  min,
  pad,
  reshape,
  rowMajorStrides,
  slice,
  split,
  square,
  sum,
  topologicalOrder,
  transpose,
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
  uniformValue,
  value,
} from "./harness.ts";

const shapes = fc.tuple(size(3), size(4), size(3));

describe("movement", () => {
  test("reshape keeps row-major order; one size may be left open", () => {
    const x = value([1, 2, 3, 4, 5, 6], [2, 3]);
    expect(run((t) => reshape(t, [-1, 2]), x)[0]).toEqual({ shape: [3, 2], data: x.data });
    checkGradient((t) => square(reshape(t, [3, 1, 2])), [x]);
    expect(() => reshape(input("x", [2, 3]), [4])).toThrow(/\[2,3\] has 6 elements/);
    expect(() => reshape(input("x", [2, 3]), [-1, 4])).toThrow(/reshape|impossible/);
  });

  test("transpose", () => {
    forAll(
      fc.tuple(shapes, fc.constantFrom<number[]>([0, 1, 2], [2, 0, 1], [1, 0, 2], [2, 1, 0])),
      ([shape, order], random) => {
        const x = uniformValue(random, shape);
        const turned = order.map((axis) => shape[axis]!);
        const expected = tabulate(turned, (...index) =>
          reader(x)(...shape.map((_, axis) => index[order.indexOf(axis)]!)),
        );
        expectClose(
          numbers((t) => transpose(t, order), x),
          expected,
          0,
        );
        checkGradient((t) => square(transpose(t, order)), [x]);
      },
    );
    expect(() => transpose(input("x", [2, 3]), [0, 0])).toThrow(/order \[0,0\]/);
  });

  test("broadcastTo repeats", () => {
    const x = value([1, 2], [2, 1]);
    expect(numbers((t) => broadcastTo(t, [2, 2, 3]), x)).toEqual([1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2]);
    checkGradient((t) => square(broadcastTo(t, [2, 2, 3])), [x]);
    expect(() => broadcastTo(input("x", [2]), [3])).toThrow(/\[2\] does not broadcast to \[3\]/);
  });

  test("slice with steps, either way", () => {
    const step = fc.constantFrom(1, 2, 3, -1, -2);
    forAll(fc.tuple(size(7), size(3), fc.nat(), fc.nat(), step), ([n, m, p, q, by], random) => {
      const x = uniformValue(random, [n, m]);
      const [low, high] = [Math.min(p % n, q % n), Math.max(p % n, q % n)];
      const [from, to] = by > 0 ? [low, high + 1] : [high, low - 1];
      const rows: number[] = [];
      for (let i = from; by > 0 ? i < to : i > to; i += by) rows.push(i);
      const expected = rows.flatMap((row) => [...x.data.subarray(row * m, (row + 1) * m)]);
      expectClose(
        numbers((t) => slice(t, { 0: [from, to, by] }), x),
        expected,
        0,
      );
      checkGradient((t) => square(slice(t, { 0: [from, to, by] })), [x]);
    });
    expect(() => slice(input("x", [3]), { 0: [1, 5] })).toThrow(/slice: 1..4 on axis 0/);
  });

  test("flip, split and concatenate", () => {
    forAll(
      shapes,
      (shape, random) => {
        const x = uniformValue(random, shape);
        const y = uniformValue(random, [shape[0], shape[1] + 1, shape[2]]);
        const flipped = tabulate(shape, (i, j, k) => reader(x)(shape[0] - 1 - i!, j!, shape[2] - 1 - k!));
        expectClose(
          numbers((t) => flip(t, [0, -1]), x),
          flipped,
          0,
        );
        const length = 2 * shape[1] + 1;
        const joined = tabulate([shape[0], length, shape[2]], (i, j, k) =>
          j! < shape[1] ? reader(x)(i!, j!, k!) : reader(y)(i!, j! - shape[1], k!),
        );
        expectClose(
          numbers((p, q) => concatenate([p, q], 1), x, y),
          joined,
          0,
        );
        const parts = run((p, q) => split(concatenate([p, q], -2), [shape[1], shape[1] + 1], 1), x, y);
        expectClose(parts[0]!.data, x.data, 0);
        expectClose(parts[1]!.data, y.data, 0);
        checkGradient((p, q) => square(concatenate([flip(p, [1]), q], 1)), [x, y]);
      },
      8,
    );
    expect(() => concatenate([input("x", [2, 3]), input("y", [3, 4])], 1)).toThrow(
      /concatenate: \[2,3\], \[3,4\]/,
    );
  });

  test("gradients of slices, side by side, apart or overlapping", () => {
    const range = fc
      .tuple(fc.nat(6), size(4))
      .map(([start, count]) => [start, Math.min(7, start + count)] as const);
    forAll(
      fc.record({ ranges: fc.array(range, { minLength: 1, maxLength: 4 }), axis: fc.nat(1) }),
      ({ ranges, axis }, random) => {
        const used = ([start, end]: readonly [number, number]) => start < end;
        checkGradient(
          (x) =>
            ranges
              .filter(used)
              .map((part) => sum(square(slice(x, { [axis]: part }))))
              .reduce(add, sum(x)),
          [uniformValue(random, [7, 7])],
        );
      },
    );
  });

  test("gradients of a split are joined, not padded and added", () => {
    const x = input("x", [3, 6]);
    const parts = split(x, [2, 1, 3], 1);
    const [gradient] = gradients(parts.map((part) => sum(square(part))).reduce(add), [x]);
    const ops = topologicalOrder([gradient!]).map(({ op }) => op.name);
    expect(ops.filter((name) => name === "concatenate")).toHaveLength(1);
    expect(ops).not.toContain("pad");
    const values = value([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18], [3, 6]);
    const [found] = evaluate([gradient!], { x: values });
    expect([...found!.data]).toEqual([...values.data].map((number) => 2 * number));
  });

  test("pad", () => {
    forAll(
      fc.tuple(shapes, size(2), size(3)),
      ([shape, before, after], random) => {
        const x = uniformValue(random, shape);
        const padded = [shape[0], shape[1] + before + after, shape[2] + after];
        const expected = tabulate(padded, (i, j, k) => {
          const inside = j! >= before && j! < before + shape[1] && k! < shape[2];
          return inside ? reader(x)(i!, j! - before, k!) : 9;
        });
        expectClose(
          numbers((t) => pad(t, [0, before, 0], [0, after, after], 9), x),
          expected,
          0,
        );
        checkGradient((t) => square(pad(t, [0, before, 0], [0, after, after], 9)), [x]);
      },
      8,
    );
    expect(() => pad(input("x", [2]), [-1], [0])).toThrow(/negative/);
  });

  test("empty parts vanish", () => {
    const x = input("x", [2, 3]);
    const none = slice(x, { 1: [0, 0] });
    expect(concatenate([none, x], 1)).toBe(x);
    expect(numbers(() => pad(slice(input("x0", [2]), { 0: [0, 0] }), [1], [2], 5))).toEqual([5, 5, 5]);
  });

  test("views are the strides they declare", () => {
    const x = uniformValue(() => 0.5, [2, 3, 4]);
    x.data.forEach((_, i) => {
      x.data[i] = i;
    });
    const t = input("x0", x.shape);
    for (const view of [
      transpose(t),
      slice(t, { 1: [2, 0, -1] }),
      broadcastTo(t, [5, 2, 3, 4]),
      reshape(t, [6, 4]),
    ]) {
      const strided = view.node.op.view!(
        { shape: x.shape, offset: 0, strides: rowMajorStrides(x.shape) },
        view.node.attributes,
      );
      expect([...gatherStrided(x.data, strided!)]).toEqual(numbers(() => view, x));
    }
    const turned = { shape: [3, 2], offset: 0, strides: [1, 3] };
    expect(reshape(input("y", [3, 2]), [6]).node.op.view!(turned, { shape: [6] })).toBeUndefined();
  });
});

describe("reductions", () => {
  const cases = fc.tuple(shapes, fc.subarray([0, 1, 2], { minLength: 1 }), fc.boolean());

  test("sum, mean, max and min over any axes", () => {
    forAll(cases, ([shape, axes, keep], random) => {
      const x = uniformValue(random, shape);
      const groups = new Map<string, number[]>();
      tabulate(shape, (...index) => {
        const key = index.filter((_, axis) => !axes.includes(axis)).join();
        groups.set(key, [...(groups.get(key) ?? []), reader(x)(...index)]);
        return 0;
      });
      const expected = [...groups.values()];
      const plus = (p: number, q: number) => p + q;
      const result = run(
        (t) => [sum(t, axes, keep), mean(t, axes, keep), max(t, axes, keep), min(t, axes, keep)],
        x,
      );
      expectClose(
        result[0]!.data,
        expected.map((of) => of.reduce(plus)),
      );
      expectClose(
        result[1]!.data,
        expected.map((of) => of.reduce(plus) / of.length),
      );
      expectClose(
        result[2]!.data,
        expected.map((of) => Math.max(...of)),
        0,
      );
      expectClose(
        result[3]!.data,
        expected.map((of) => Math.min(...of)),
        0,
      );
      const kept = shape.flatMap((length, axis) => (axes.includes(axis) ? (keep ? [1] : []) : [length]));
      expect(result[0]!.shape).toEqual(kept);
      checkGradient((t) => square(sum(t, axes, keep)), [x]);
      checkGradient((t) => square(max(t, axes, keep)), [x]);
      checkGradient((t) => square(add(min(t, axes, keep), mean(t, axes, keep))), [x]);
    });
    expect(() => sum(input("x", [2]), [1])).toThrow(/axis 1/);
  });

  test("by default over everything", () => {
    expect(numbers((t) => sum(t), value([1, 2, 3, 4], [2, 2]))).toEqual([10]);
    expect(numbers((t) => mean(t), value([1, 2, 3, 4], [2, 2]))).toEqual([2.5]);
  });
});
