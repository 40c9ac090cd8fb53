// Composites along a sequence, convolutions and recurrences, against separate definitions, their gradients against central
// differences.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  headConvolution,
  input,
  longConvolution,
  matrixRecurrence,
  selectiveScan,
  shortConvolution,
  shortConvolutionGradient,
  type Tensor,
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
  type Value,
} from "./harness.ts";

describe("convolutions", () => {
  test("long: every earlier place", () => {
    forAll(fc.tuple(size(3), size(6), size(3)), ([batch, length, width], random) => {
      const x = uniformValue(random, [batch, length, width]);
      const kernel = uniformValue(random, [length, width]);
      const expected = tabulate(x.shape, (b, t, d) =>
        total(t! + 1, (s) => reader(kernel)(s, d!) * reader(x)(b!, t! - s, d!)),
      );
      expectClose(numbers(longConvolution, x, kernel), expected);
      checkGradient(longConvolution, [x, kernel]);
    });
    const { node } = longConvolution(input("x", [2, 8, 3]), input("k", [8, 3]));
    expect(node.op.flops(node)).toBe((2 * 6 + 3) * 2.5 * 16 * 4 + 6 * 3 * 16);
    expect(() => longConvolution(input("x", [2, 8, 3]), input("k", [7, 3]))).toThrow(/longConvolution/);
  });

  test("of heads: outer products of values and keys, read by queries", () => {
    forAll(fc.tuple(size(2), size(5), size(2), size(3)), ([batch, length, heads, head], random) => {
      const shape = [batch, length, heads * head];
      const [query, key, value] = [0, 1, 2].map(() => uniformValue(random, shape)) as [Value, Value, Value];
      const kernel = uniformValue(random, [length, heads]);
      const expected = tabulate(shape, (b, t, d) => {
        const h = Math.floor(d! / head);
        const held = (i: number) =>
          total(
            t! + 1,
            (s) => reader(kernel)(s, h) * reader(value)(b!, t! - s, i) * reader(key)(b!, t! - s, d!),
          );
        return total(head, (i) => reader(query)(b!, t!, h * head + i) * held(h * head + i));
      });
      expectClose(numbers(headConvolution, query, key, value, kernel), expected);
      checkGradient(headConvolution, [query, key, value, kernel]);
    });
    const x = input("x", [2, 8, 6]);
    expect(() => headConvolution(x, x, x, input("k", [8, 4]))).toThrow(/headConvolution.*divisor/);
  });

  test("short: a few taps, also more than places", () => {
    forAll(fc.tuple(size(3), size(5), size(3), size(6)), ([batch, length, width, taps], random) => {
      const x = uniformValue(random, [batch, length, width]);
      const kernel = uniformValue(random, [taps, width]);
      const g = uniformValue(random, x.shape);
      const expected = tabulate(x.shape, (b, t, d) =>
        total(Math.min(taps, t! + 1), (s) => reader(kernel)(s, d!) * reader(x)(b!, t! - s, d!)),
      );
      expectClose(numbers(shortConvolution, x, kernel), expected);
      checkGradient(shortConvolution, [x, kernel]);
      const [dx, dKernel] = run((...t) => shortConvolutionGradient(t[0]!, t[1]!, t[2]!), x, kernel, g);
      const expectedX = tabulate(x.shape, (b, t, d) =>
        total(Math.min(taps, length - t!), (s) => reader(kernel)(s, d!) * reader(g)(b!, t! + s, d!)),
      );
      const expectedKernel = tabulate(kernel.shape, (s, d) =>
        total(batch, (b) =>
          total(Math.max(0, length - s!), (t) => reader(g)(b, t + s!, d!) * reader(x)(b, t, d!)),
        ),
      );
      expectClose(dx!.data, expectedX);
      expectClose(dKernel!.data, expectedKernel);
    });
    expect(() => shortConvolution(input("x", [2, 3, 4]), input("k", [2, 5]))).toThrow(/shortConvolution/);
  });
});

test("selectiveScan is its recurrence, step by step", () => {
  forAll(fc.tuple(size(2), size(5), size(4), size(3)), ([batch, length, width, states], random) => {
    const delta = uniformValue(random, [batch, length, width], 0, 1);
    const u = uniformValue(random, [batch, length, width]);
    const rates = uniformValue(random, [states, width], -3, 0);
    const write = uniformValue(random, [batch, length, states]);
    const read = uniformValue(random, [batch, length, states]);
    const h = (b: number, t: number, n: number, e: number): number => {
      if (t < 0) return 0;
      const step = reader(delta)(b, t, e);
      const fed = step * reader(u)(b, t, e) * reader(write)(b, t, n);
      return Math.exp(step * reader(rates)(n, e)) * h(b, t - 1, n, e) + fed;
    };
    const scan = (...[delta, u, rates, write, read]: Tensor[]) =>
      selectiveScan({ delta: delta!, u: u!, rates: rates!, write: write!, read: read! });
    const values = [delta, u, rates, write, read];
    const y = (...inputs: Tensor[]) => scan(...inputs).y;
    const state = (...inputs: Tensor[]) => scan(...inputs).state;
    const expected = tabulate(u.shape, (b, t, e) =>
      total(states, (n) => reader(read)(b!, t!, n) * h(b!, t!, n, e!)),
    );
    expectClose(numbers(y, ...values), expected);
    expectClose(
      numbers(state, ...values),
      tabulate([batch, states, width], (b, n, e) => h(b!, length - 1, n!, e!)),
    );
    checkGradient(y, values);
    checkGradient(state, values);
  });
  const narrow = { delta: input("delta", [2, 3, 4]), u: input("u", [2, 3, 4]), rates: input("a", [5, 3]) };
  const perState = { write: input("b", [2, 3, 5]), read: input("c", [2, 3, 5]) };
  expect(() => selectiveScan({ ...narrow, ...perState })).toThrow(/selectiveScan.*rates/);
});

describe("the recurrence of a matrix state", () => {
  test("is what is read of each token's state, and the last state", () => {
    forAll(
      fc.tuple(size(2), fc.constantFrom(1, 2, 7, 33, 66), size(2), size(3), size(3), fc.boolean()),
      ([batch, length, heads, width, valueWidth, readsBefore], random) => {
        const [q, k, a] = [0, 1, 2].map(() => uniformValue(random, [batch, length, heads, width]));
        const v = uniformValue(random, [batch, length, heads, valueWidth]);
        const decay = { ...a!, data: a!.data.map((x) => Math.max(0, x)) };
        // From the definition of S_t, without a recurrence: what token s wrote, times the decays since.
        const state = (b: number, t: number, h: number, i: number, j: number): number =>
          total(t + 1, (s) => {
            let written = reader(k!)(b, s, h, i) * reader(v)(b, s, h, j);
            for (let later = s + 1; later <= t; later++) written *= reader(decay)(b, later, h, i);
            return written;
          });
        const [out, last] = run(
          (...t) => Object.values(matrixRecurrence(t[0]!, t[1]!, t[2]!, t[3]!, { readsBefore })),
          ...[q!, k!, v, decay],
        );
        const expected = tabulate(v.shape, (b, t, h, j) =>
          total(width, (i) => reader(q!)(b!, t!, h!, i) * state(b!, readsBefore ? t! - 1 : t!, h!, i, j!)),
        );
        expectClose(out!.data, expected);
        expectClose(
          last!.data,
          tabulate(last!.shape, (b, h, i, j) => state(b!, length - 1, h!, i!, j!)),
        );
      },
    );
  });

  test("its gradients, of the last state too, are those of differences", () => {
    forAll(
      fc.tuple(size(2), size(4), size(2), size(3), fc.boolean(), fc.boolean()),
      ([heads, length, width, valueWidth, readsBefore, ofLast], random) => {
        const keys = [0, 1, 2].map(() => uniformValue(random, [1, length, heads, width]));
        const v = uniformValue(random, [1, length, heads, valueWidth]);
        const build = (...t: Tensor[]) => {
          const { out, last } = matrixRecurrence(t[0]!, t[1]!, t[2]!, t[3]!, { readsBefore });
          return ofLast ? last : out;
        };
        checkGradient(build, [keys[0]!, keys[1]!, v, keys[2]!]);
      },
    );
  });

  test("shapes that do not fit are refused", () => {
    const [keys, values] = [input("k", [2, 3, 4, 5]), input("v", [2, 3, 4, 6])];
    expect(() => matrixRecurrence(keys, keys, values, values)).toThrow(/matrixRecurrence: q \[2,3,4,5\]/);
    expect(() => matrixRecurrence(keys, keys, input("v", [2, 3, 6]), keys)).toThrow(/matrixRecurrence/);
  });
});
