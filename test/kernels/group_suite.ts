// Groups against their definition: every function with every kind of operand and result, reductions, counters, whole
// programs, and the last digits. One suite for every build of the kernels.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { elementType } from "../../src/backend/tape/writer.ts";
import { threefry } from "../../src/tensor/ops/random.ts";
import { expectCases, random, randomCase } from "./group_case.ts";
import {
  type Build,
  bound,
  buildDriver,
  type Driver,
  type Group,
  type GroupInstruction,
  type GroupValue,
  groupCase,
  type Values,
} from "./group_driver.ts";
import { erf, functions, roundHalfEven, sigmoid } from "./group_functions.ts";

const flat = (binding: number, length: number, type = elementType.real as 0 | 1 | 2): GroupValue => ({
  kind: "memory",
  operand: bound(binding, type),
  axes: [{ divisor: 1, size: 2 ** 30, stride: length }],
  columnStride: 1,
});
const perRow = (binding: number): GroupValue => ({
  kind: "memory",
  operand: bound(binding),
  axes: [{ divisor: 1, size: 2 ** 30, stride: 1 }],
  columnStride: 0,
});
const everyRow = (binding: number): GroupValue => ({
  kind: "memory",
  operand: bound(binding),
  axes: [],
  columnStride: 1,
});
const tile = (register: number): GroupValue => ({ kind: "tile", register });
const column = (register: number): GroupValue => ({ kind: "column", register });
const real = (value: number): GroupValue => ({ kind: "immediate", value });
const integer = (value: number): GroupValue => ({ kind: "integer", value });
const run = (code: GroupInstruction["code"], result: number, ...operands: number[]): GroupInstruction => ({
  code,
  extent: "tile",
  result,
  operands,
});
const perColumn = (...args: Parameters<typeof run>): GroupInstruction => ({
  ...run(...args),
  extent: "column",
});

function program(
  driver: Driver,
  [rows, length, rowsPerGroup, tileRows]: readonly [number, number, number, number],
  values: GroupValue[],
  instructions: GroupInstruction[],
  bindings: Values[],
  accumulators = 0,
): Values[] {
  const registers = (kind: "tile" | "column") => values.filter((value) => value.kind === kind).length;
  const group: Group = {
    length,
    tileRows,
    tileRegisters: registers("tile"),
    columnRegisters: registers("column"),
    accumulators,
    values,
    instructions,
  };
  return driver.run([groupCase(driver.build.realBytes, rows, rowsPerGroup, group, bindings)])[0]!.bindings;
}

const lengths = [1, 2, 3, 7, 15, 16, 17, 31, 63, 64, 65, 100, 128, 1023];

/** Every check of the interpreter, on one build of the kernels. */
export function groupSuite(build: Build): void {
  let driver: Driver;
  const single = build.realBytes === 4;
  const digits = single ? 5 : 13;
  beforeAll(() => {
    driver = buildDriver(build);
  }, 240_000);
  afterAll(() => driver?.dispose());
  const randoms = (seed: number, n: number) => {
    const next = random(seed);
    return Float32Array.from({ length: n }, () => next() * 4 - 2);
  };
  const zeros = (n: number) => driver.real(new Float32Array(n));

  test("every function, with operands and results of every kind", () => {
    const cases = functions.flatMap((fn) =>
      Array.from({ length: 40 }, (_, seed) => ({ fn, ...randomCase(fn, build.realBytes, seed + 1) })),
    );
    const outcomes = driver.run(cases.map((entry) => entry.run));
    cases.forEach(({ fn, expected }, i) => {
      expectCases(expected, outcomes[i]!.bindings[expected.binding]!, fn, single);
    });
  });

  test("sums, products and maxima of rows", () => {
    for (const length of lengths) {
      const rows = 5;
      const a = randoms(length, rows * length);
      const b = randoms(length + 1, rows * length);
      const values = [flat(0, length), flat(1, length), perRow(2), perRow(3), perRow(4), column(0), tile(0)];
      const instructions = [
        run("ROW_SUM", 5, 0),
        perColumn("COPY", 2, 5),
        run("ROW_DOT", 3, 0, 1),
        run("COPY", 6, 0),
        run("ROW_MAXIMUM", 4, 6),
      ];
      const bindings = [driver.real(a), driver.real(b), zeros(rows), zeros(rows), zeros(rows)];
      const [, , sums, dots, maxima] = program(driver, [rows, length, 3, 2], values, instructions, bindings);
      for (let r = 0; r < rows; r++) {
        const row = a.subarray(r * length, (r + 1) * length);
        const other = b.subarray(r * length, (r + 1) * length);
        const size = Math.sqrt(length);
        expect(sums![r]! / size).toBeCloseTo(row.reduce((s, x) => s + x, 0) / size, digits);
        expect(dots![r]! / size).toBeCloseTo(row.reduce((s, x, j) => s + x * other[j]!, 0) / size, digits);
        expect(maxima![r]).toBe(Math.max(...row));
      }
    }
  });

  test("a NaN anywhere in a row is its maximum", () => {
    const length = 37;
    for (let at = 0; at < length; at++) {
      const x = randoms(at + 1, length);
      x[at] = Number.NaN;
      const out = program(
        driver,
        [1, length, 1, 1],
        [flat(0, length), perRow(1)],
        [run("ROW_MAXIMUM", 1, 0)],
        [driver.real(x), zeros(1)],
      );
      expect(out[1]![0]).toBeNaN();
    }
  });

  test("sums and maxima of rows of integers", () => {
    const [rows, length] = [4, 19];
    const next = random(5);
    const x = Int32Array.from({ length: rows * length }, () => Math.floor(next() * 2 ** 32) | 0);
    const values = [
      flat(0, length, elementType.i32),
      flat(1, length, elementType.u32),
      ...[2, 3].map(
        (binding): GroupValue => ({ ...flat(binding, 1, elementType.i32), columnStride: 0 }) as GroupValue,
      ),
      { ...flat(4, 1, elementType.u32), columnStride: 0 } as GroupValue,
      tile(0),
      tile(1),
      column(0),
      column(1),
      column(2),
    ];
    const instructions = [
      run("LOAD", 5, 0),
      run("LOAD", 6, 1),
      run("INT_ROW_SUM", 7, 5),
      run("INT_ROW_MAXIMUM", 8, 5),
      run("UINT_ROW_MAXIMUM", 9, 6),
      perColumn("STORE", 2, 7),
      perColumn("STORE", 3, 8),
      perColumn("STORE", 4, 9),
    ];
    const bindings = [
      x,
      Uint32Array.from(x),
      new Int32Array(rows),
      new Int32Array(rows),
      new Uint32Array(rows),
    ];
    const [, , sums, signed, unsigned] = program(
      driver,
      [rows, length, 4, 3],
      values,
      instructions,
      bindings,
    );
    for (let r = 0; r < rows; r++) {
      const row = x.subarray(r * length, (r + 1) * length);
      expect(sums![r]).toBe(row.reduce((s, v) => (s + v) | 0, 0));
      expect(signed![r]).toBe(Math.max(...row));
      expect(unsigned![r]).toBe(Math.max(...Uint32Array.from(row)));
    }
  });

  test("column sums of every group of rows, of tiles and of columns", () => {
    for (const length of lengths) {
      const [rows, perGroup] = [23, 9];
      const x = randoms(length + 7, rows * length);
      const values = [flat(0, length), flat(1, length), perRow(2), tile(0), column(0)];
      const instructions = [
        run("MULTIPLY", 3, 0, 0),
        run("COLUMN_SUM", 1, 3),
        run("ROW_SUM", 4, 0),
        perColumn("COLUMN_SUM", 2, 4),
      ];
      const groups = Math.ceil(rows / perGroup);
      const accumulators = Math.ceil(length / 16) * 16 + 16;
      const bindings = [driver.real(x), zeros(groups * length), zeros(groups)];
      const out = program(driver, [rows, length, perGroup, 4], values, instructions, bindings, accumulators);
      for (let g = 0; g < groups; g++) {
        const own = x.subarray(g * perGroup * length, Math.min(rows, (g + 1) * perGroup) * length);
        const squares = new Float64Array(length);
        own.forEach((v, i) => {
          squares[i % length]! += v * v;
        });
        squares.forEach((v, j) => {
          expect(out[1]![g * length + j]! / 10).toBeCloseTo(v / 10, digits);
        });
        const size = Math.sqrt(own.length);
        expect(out[2]![g]! / size).toBeCloseTo(own.reduce((s, v) => s + v, 0) / size, digits);
      }
    }
  });

  test("counters along any axis", () => {
    const [rows, length] = [14, 15];
    for (const [inner, size] of [
      [1, 15],
      [1, 3],
      [15, 14],
      [15, 7],
      [3, 5],
      [1, 210],
      [30, 2],
    ] as const) {
      const values = [flat(0, length, elementType.i32), integer(inner), integer(size), tile(0), column(0)];
      values.push({ ...flat(1, 1, elementType.i32), columnStride: 0 } as GroupValue);
      const instructions = [
        run("IOTA", 3, -1, 1, 2),
        run("STORE", 0, 3),
        perColumn("IOTA", 4, -1, 1, 2),
        perColumn("STORE", 5, 4),
      ];
      const bindings = [new Int32Array(rows * length), new Int32Array(rows)];
      const [all, each] = program(driver, [rows, length, 5, 2], values, instructions, bindings);
      expect(Array.from(all!)).toEqual(Array.from(all!, (_, i) => Math.floor(i / inner) % size));
      expect(Array.from(each!)).toEqual(Array.from(each!, (_, r) => Math.floor(r / inner) % size));
    }
  });

  test("random numbers are Threefry's, with an offset too", () => {
    const random32 = (rows: number, length: number, key: readonly [number, number], offset?: number) => {
      const values: GroupValue[] = [
        { kind: "memory", operand: bound(0, elementType.u32), axes: [], columnStride: 0 },
        flat(1, length, elementType.u32),
        tile(0),
      ];
      if (offset !== undefined) values.push(integer(offset));
      const instructions = [run("RANDOM", 2, 0, offset === undefined ? -1 : 3), run("STORE", 1, 2)];
      const bindings = [Uint32Array.from(key), new Uint32Array(rows * length)];
      return program(driver, [rows, length, 2, 2], values, instructions, bindings)[1]!;
    };
    const ones = 0xffffffff;
    expect(random32(1, 1, [0, 0])[0]).toBe((0x6b200159 ^ 0x99ba4efe) >>> 0);
    expect(random32(1, 1, [ones, ones], -1)[0]).toBe((0x1cb996fc ^ 0xbb002be7) >>> 0);
    // The offset -5 also carries from the low into the high word of the counter.
    const expected = (i: number) => {
      const [first, second] = threefry(12, 345, i >>> 0, i < 0 ? ones : 0);
      return (first ^ second) >>> 0;
    };
    for (const length of [1, 7, 33]) {
      expect(Array.from(random32(5, length, [12, 345]))).toEqual(
        Array.from({ length: 5 * length }, (_, i) => expected(i)),
      );
      expect(random32(1, length, [12, 345], -5)[length - 1]).toBe(expected(length - 6));
    }
  });

  test("softmax", () => {
    for (const length of lengths) {
      const rows = 7;
      const x = randoms(length, rows * length);
      const values = [flat(0, length), flat(1, length), tile(0), column(0), column(1)];
      const instructions = [
        run("ROW_MAXIMUM", 3, 0),
        run("SUBTRACT", 2, 0, 3),
        run("EXP", 2, 2),
        run("ROW_SUM", 4, 2),
        perColumn("RECIPROCAL", 4, 4),
        run("MULTIPLY", 1, 2, 4),
      ];
      const out = program(driver, [rows, length, 5, 2], values, instructions, [
        driver.real(x),
        zeros(rows * length),
      ]);
      for (let r = 0; r < rows; r++) {
        const row = Array.from(x.subarray(r * length, (r + 1) * length), Math.exp);
        const total = row.reduce((s, v) => s + v, 0);
        row.forEach((v, j) => {
          expect(out[1]![r * length + j]).toBeCloseTo(v / total, digits + 1);
        });
      }
    }
  });

  test("layer norm with a scale and shift for every column, in place", () => {
    for (const length of [5, 16, 50, 128]) {
      const rows = 11;
      const [x, scale, shift] = [randoms(1, rows * length), randoms(2, length), randoms(3, length)];
      const values = [
        flat(0, length),
        everyRow(1),
        everyRow(2),
        tile(0),
        column(0),
        column(1),
        real(1 / length),
        real(1e-5),
      ];
      const instructions = [
        run("ROW_SUM", 4, 0),
        perColumn("MULTIPLY", 4, 4, 6),
        run("SUBTRACT", 3, 0, 4),
        run("ROW_DOT", 5, 3, 3),
        perColumn("MULTIPLY_ADD", 5, 5, 6, 7),
        perColumn("SQRT", 5, 5),
        run("DIVIDE", 3, 3, 5),
        run("MULTIPLY_ADD", 0, 3, 1, 2),
      ];
      const bindings = [x, scale, shift].map((values) => driver.real(values));
      const out = program(driver, [rows, length, 6, 3], values, instructions, bindings)[0]!;
      for (let r = 0; r < rows; r++) {
        const row = Array.from(x.subarray(r * length, (r + 1) * length));
        const mean = row.reduce((s, v) => s + v, 0) / length;
        const deviation = Math.sqrt(row.reduce((s, v) => s + (v - mean) ** 2, 0) / length + 1e-5);
        row.forEach((v, j) => {
          expect(out[r * length + j]).toBeCloseTo(
            ((v - mean) / deviation) * scale[j]! + shift[j]!,
            digits - 1,
          );
        });
      }
    }
  });

  test("the same bits however rows are cut into tiles", () => {
    const [rows, length] = [24, 45];
    const x = randoms(9, rows * length);
    const results = [1, 2, 5, 24].map((tileRows) => {
      const values = [flat(0, length), flat(1, length), tile(0), column(0)];
      const instructions = [
        run("TANH", 2, 0),
        run("ROW_SUM", 3, 2),
        run("MULTIPLY_ADD", 2, 2, 3, 0),
        run("COLUMN_SUM", 1, 2),
      ];
      return program(
        driver,
        [rows, length, 8, tileRows],
        values,
        instructions,
        [driver.real(x), zeros(3 * length)],
        48,
      )[1]!;
    });
    for (const other of results) expect(other).toEqual(results[0]);
  });

  describe("last digits", () => {
    // Errors in units of the last place (floats), or of 2^-52 of the result (doubles).
    const accuracy = (
      code: GroupInstruction["code"],
      f: (x: number, y: number) => number,
      xs: Values,
      ys = xs,
    ): number => {
      const values: GroupValue[] = [flat(0, xs.length), flat(1, xs.length), flat(2, xs.length)];
      const operands = ys === xs ? [0] : [0, 1];
      const instructions = [run(code, 2, ...operands)];
      const out = program(driver, [1, xs.length, 1, 1], values, instructions, [xs, ys, zeros(xs.length)])[2]!;
      let worst = 0;
      out.forEach((y, i) => {
        const exact = f(xs[i]!, ys[i]!);
        const wanted = single ? Math.fround(exact) : exact;
        if (Object.is(y, wanted) || y === wanted || (Number.isNaN(y) && Number.isNaN(wanted))) return;
        const unit = single
          ? 2 ** Math.max(-149, Math.floor(Math.log2(Math.abs(exact))) - 23)
          : Math.abs(exact) * 2 ** -52;
        const error = Math.abs(y - exact) / unit;
        if (!(error <= worst)) worst = error;
      });
      return worst;
    };
    const spread = (seed: number, low: number, high: number, n = 4000): Values => {
      const next = random(seed);
      return driver.real(Float32Array.from({ length: n }, () => low + (high - low) * next()));
    };
    const ranges: readonly [GroupInstruction["code"], (x: number) => number, number, number][] = [
      ["EXP", Math.exp, -87, 88.7],
      ["EXP", Math.exp, -1e-3, 1e-3],
      ["LOG", Math.log, 1e-30, 20],
      ["LOG", Math.log, 0.9, 1.1],
      ["LOG", Math.log, 1, 3e38],
      ["TANH", Math.tanh, -1e-4, 1e-4],
      ["TANH", Math.tanh, -1, 1],
      ["TANH", Math.tanh, -30, 30],
      ["SIGMOID", sigmoid, -87, 87],
      ["SIGMOID", sigmoid, -3, 3],
      ["SINE", Math.sin, -3, 3],
      ["COSINE", Math.cos, -1, 1],
      ["ERF", erf, -1e-4, 1e-4],
      ["ERF", erf, -1.5, 1.5],
      ["ERF", erf, -7, 7],
      ["SQRT", Math.sqrt, 0, 1e6],
    ];
    test.each(ranges)("%s (%s) from %f to %f", (code, f, low, high) => {
      expect(accuracy(code, f, spread(17, low, high))).toBeLessThan(single ? 3 : 20);
    });
    test("sine and cosine of large angles", () => {
      const xs = spread(3, -1e5, 1e5);
      for (const [code, f] of [
        ["SINE", Math.sin],
        ["COSINE", Math.cos],
      ] as const) {
        const out = program(
          driver,
          [1, xs.length, 1, 1],
          [flat(0, xs.length), flat(1, xs.length)],
          [run(code, 1, 0)],
          [xs, zeros(xs.length)],
        )[1]!;
        out.forEach((y, i) => {
          expect(Math.abs(y - f(xs[i]!))).toBeLessThan(single ? 1.5e-7 : 1e-15);
        });
      }
    });
    test("powers", () => {
      expect(accuracy("POWER", (x, y) => x ** y, spread(5, 1e-3, 50), spread(6, -20, 20))).toBeLessThan(
        single ? 2 : 20,
      );
    });
    test("limits", () => {
      const inf = Number.POSITIVE_INFINITY;
      const special = [0, inf, -inf, Number.NaN, 1, -1, -2, 0.5, 200, -200, 1e30, -1e30, 3, -0.5];
      const xs = driver.real(special);
      const unary = [
        ["EXP", Math.exp],
        ["LOG", Math.log],
        ["SQRT", Math.sqrt],
        ["TANH", Math.tanh],
        ["SIGMOID", sigmoid],
        ["ERF", erf],
        ["SIGN", Math.sign],
        ["FLOOR", Math.floor],
        ["ROUND", roundHalfEven],
        ["RECIPROCAL", (x: number) => 1 / x],
        ["ABS", Math.abs],
      ] as const;
      for (const [code, f] of unary) expect(accuracy(code, f, xs), code).toBeLessThan(3);
      const pairs = special.flatMap((x) => special.map((y) => [x, y] as const));
      const [a, b] = [driver.real(pairs.map(([x]) => x)), driver.real(pairs.map(([, y]) => y))];
      // 1 to an infinite power or to NaN is NaN in JavaScript, 1 in the C library that doubles use.
      const power = (x: number, y: number) =>
        !single && x === 1 ? 1 : !single && x === -1 && Math.abs(y) === inf ? 1 : x ** y;
      expect(accuracy("POWER", power, a, b)).toBeLessThan(3);
      expect(accuracy("MAXIMUM", Math.max, a, b)).toBe(0);
      expect(accuracy("MINIMUM", Math.min, a, b)).toBe(0);
    });
    test("sine and cosine of infinities and NaN are NaN", () => {
      const xs = driver.real([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]);
      for (const code of ["SINE", "COSINE"] as const) expect(accuracy(code, () => Number.NaN, xs)).toBe(0);
    });
  });
}
