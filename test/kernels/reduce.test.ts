// Reductions of views [A, K, C] by every loop of the kernel, under sanitizers in both precisions.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ReduceInstruction, reduceRowsPerGroup } from "../../src/backend/tape/reduce.ts";
import { elementType } from "../../src/backend/tape/writer.ts";
import { random } from "./group_case.ts";
import { bound, buildDriver, builds, type Driver, reduceCase, type Values } from "./group_driver.ts";

interface Shape {
  readonly name: string;
  readonly outer: number;
  readonly depth: number;
  readonly columns: number;
  readonly strides: readonly [number, number, number];
}

const shapes: readonly Shape[] = [
  [1, 1, 1],
  [3, 7, 1],
  [1, 100, 5],
  [4, 9, 130],
  [2, 65, 17],
  [5, 1, 33],
  [1, 2000, 200],
].flatMap(([a, k, c]): Shape[] => {
  const shape = { outer: a!, depth: k!, columns: c! };
  return [
    { ...shape, name: "columns contiguous", strides: [k! * c!, c!, 1] },
    { ...shape, name: "depth contiguous", strides: [k! * c!, 1, k!] },
    { ...shape, name: "outer contiguous", strides: [1, a! * c!, a!] },
  ];
});

describe.each([builds.checked, builds.checkedDouble])("$name", (build) => {
  let driver: Driver;
  beforeAll(() => {
    driver = buildDriver(build);
  }, 240_000);
  afterAll(() => driver?.dispose());

  function check(
    shape: Shape,
    kind: "sum" | "maximum",
    data: Values,
    empty: Values,
    type: 0 | 1 | 2,
  ): Values {
    const { outer, depth, columns, strides } = shape;
    const instruction: ReduceInstruction = {
      kind,
      outer,
      depth,
      columns,
      inputOuter: strides[0],
      inputDepth: strides[1],
      inputColumn: strides[2],
      input: bound(0, type),
      output: bound(1, type),
    };
    return driver.run([reduceCase(instruction, reduceRowsPerGroup(instruction), [data, empty])])[0]!
      .bindings[1]!;
  }

  function expected(
    { outer, depth, columns, strides }: Shape,
    data: Values,
    f: (entries: number[]) => number,
  ): number[] {
    return Array.from({ length: outer * columns }, (_, i) => {
      const start = Math.floor(i / columns) * strides[0] + (i % columns) * strides[2];
      return f(Array.from({ length: depth }, (_, k) => data[start + k * strides[1]]!));
    });
  }

  test.each(shapes)("$outer x $depth x $columns, $name", (shape) => {
    const next = random(shape.depth + shape.columns);
    const size = shape.outer * shape.depth * shape.columns;
    const data = driver.real(Float32Array.from({ length: size }, () => next() * 2 - 1));
    const empty = driver.real(new Float32Array(shape.outer * shape.columns));
    const total = (entries: number[]) => entries.reduce((s, x) => s + x, 0);
    const sums = check(shape, "sum", data, empty, elementType.real);
    expected(shape, data, total).forEach((sum, i) => {
      expect(Math.abs(sums[i]! - sum)).toBeLessThan(
        (build.realBytes === 4 ? 1e-6 : 1e-14) * Math.max(1, shape.depth / 10),
      );
    });
    const largest = (entries: number[]) => entries.reduce((a, b) => Math.max(a, b));
    expect(Array.from(check(shape, "maximum", data, empty, elementType.real))).toEqual(
      expected(shape, data, largest),
    );
    data[Math.floor(size / 2)] = Number.NaN;
    expect(Array.from(check(shape, "maximum", data, empty, elementType.real))).toEqual(
      expected(shape, data, largest),
    );

    const integers = Int32Array.from({ length: size }, () => Math.floor(next() * 2 ** 32) | 0);
    const none = new Int32Array(shape.outer * shape.columns);
    const wrapping = (entries: number[]) => entries.reduce((s, x) => (s + x) | 0, 0);
    expect(Array.from(check(shape, "sum", integers, none, elementType.i32))).toEqual(
      expected(shape, integers, wrapping),
    );
    expect(Array.from(check(shape, "maximum", integers, none, elementType.i32))).toEqual(
      expected(shape, integers, largest),
    );
    const unsigned = Uint32Array.from(integers);
    const nothing = new Uint32Array(none.length);
    expect(Array.from(check(shape, "maximum", unsigned, nothing, elementType.u32))).toEqual(
      expected(shape, unsigned, largest),
    );
  });
});
