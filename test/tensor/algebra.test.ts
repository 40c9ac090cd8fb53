// Products and what is solved with them: contraction, einsum, triangular systems, products over row groups, recurrence.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  einsum,
  groupedOuter,
  groupedProduct,
  input,
  linear,
  linearRecurrence,
  lowerTriangle,
  matmul,
  square,
  swapLast,
  type Tensor,
  triangularSolve,
} from "../../src/tensor/index.ts";
import {
  checkGradient,
  expectClose,
  forAll,
  generator,
  numbers,
  reader,
  run,
  size,
  tabulate,
  total,
  uniformValue,
  type Value,
  value,
} from "./harness.ts";

describe("products", () => {
  test("matmul with leading axes", () => {
    forAll(
      fc.tuple(fc.array(size(3), { maxLength: 2 }), size(), size(), size()),
      ([leading, m, k, p], random) => {
        const a = uniformValue(random, [...leading, m, k]);
        const b = uniformValue(random, [...leading, k, p]);
        const batches = a.data.length / (m * k);
        const expected = tabulate([batches, m, p], (n, i, j) =>
          total(k, (l) => a.data[(n! * m + i!) * k + l]! * b.data[(n! * k + l) * p + j!]!),
        );
        expectClose(numbers(matmul, a, b), expected);
        checkGradient(matmul, [a, b]);
      },
    );
  });

  test("linear takes any leading shape", () => {
    const random = () => 0.25;
    const [x, w] = [uniformValue(random, [2, 1, 3]), uniformValue(random, [3, 4])];
    expect(run(linear, x, w)[0]!.shape).toEqual([2, 1, 4]);
    checkGradient(linear, [x, w]);
  });

  // Every role a letter can have: batch, left only, right only, summed; in orders that need transposes.
  const notations: readonly [string, readonly [number, number, number, number]][] = [
    ["ab,bc->ac", [2, 3, 4, 1]],
    ["ab,cb->ca", [2, 3, 4, 1]],
    ["abc,cbd->dab", [2, 3, 5, 1]],
    ["abcd,bd->cab", [2, 3, 1, 4]],
    ["a,b->ab", [3, 2, 1, 1]],
    ["ab,ab->ab", [3, 2, 1, 1]],
    ["ab,ab->", [3, 2, 1, 1]],
    ["abcd,adcb->ca", [2, 3, 2, 4]],
  ];
  test.each(notations)("einsum %s", (notation, sizes) => {
    const [left, right, result] = notation.split(/,|->/).map((letters) => [...letters]);
    const sizeOfLetter = (letter: string) => sizes["abcd".indexOf(letter)]!;
    const random = generator(17);
    const x = uniformValue(random, left!.map(sizeOfLetter));
    const y = uniformValue(random, right!.map(sizeOfLetter));
    const letters = [..."abcd"].filter((letter) => [...left!, ...right!].includes(letter));
    const expected = new Map<string, number>();
    tabulate(letters.map(sizeOfLetter), (...index) => {
      const at = (of: string[]) => of.map((letter) => index[letters.indexOf(letter)]!);
      const product = reader(x)(...at(left!)) * reader(y)(...at(right!));
      const key = at(result!).join();
      expected.set(key, (expected.get(key) ?? 0) + product);
      return 0;
    });
    const flat = tabulate(result!.map(sizeOfLetter), (...index) => expected.get(index.join())!);
    expectClose(
      numbers((p, q) => einsum(notation, p, q), x, y),
      flat,
    );
    checkGradient((p, q) => einsum(notation, p, q), [x, y]);
  });

  test("say what does not fit", () => {
    const [a, b] = [input("a", [2, 3]), input("b", [2, 3])];
    expect(() => matmul(a, b)).toThrow(/product of f32 \[2,3\]/);
    expect(() => einsum("ab,bc->ac", a, b)).toThrow(/"b".* is 3 and 2/);
    expect(() => einsum("ab,ab->a c", a, b)).toThrow(/einsum/);
    expect(() => einsum("ab,cd->ac", a, b)).toThrow(/in one operand only/);
    expect(() => einsum("aa,ab->b", a, b)).toThrow(/does not name/);
    expect(() => einsum("ab-ab", a, b)).toThrow(/cannot read/);
  });
});

/** Well conditioned: ones to two on the diagonal, small elsewhere; above it rubbish that must not be read. */
function triangle(random: () => number, leading: readonly number[], n: number): Value {
  const l = uniformValue(random, [...leading, n, n], -0.5, 0.5);
  for (let i = 0; i < l.data.length; i++) {
    const [row, column] = [Math.floor(i / n) % n, i % n];
    if (row === column) l.data[i] = 1 + random();
  }
  return l;
}

describe("triangularSolve", () => {
  const cases = fc.tuple(fc.array(size(2), { maxLength: 2 }), size(4), size(3), fc.boolean(), fc.boolean());

  test("undoes the product with the triangle", () => {
    forAll(cases, ([leading, n, m, unit, transpose], random) => {
      const l = triangle(random, leading, n);
      const b = uniformValue(random, [...leading, n, m]);
      const x = run((p, q) => triangularSolve(p, q, { unit, transpose }), l, b)[0]!;
      const entry = (at: number, i: number, j: number) => {
        if (j > i) return 0;
        return i === j && unit ? 1 : l.data[(at * n + i) * n + j]!;
      };
      const product = tabulate([x.data.length / (n * m), n, m], (at, i, j) =>
        total(
          n,
          (k) => (transpose ? entry(at!, k, i!) : entry(at!, i!, k)) * x.data[(at! * n + k) * m + j!]!,
        ),
      );
      expectClose(product, b.data);
    });
  });

  test("gradients", () => {
    forAll(cases, ([leading, n, m, unit, transpose], random) => {
      const values = [triangle(random, leading, n), uniformValue(random, [...leading, n, m])];
      checkGradient((p, q) => square(triangularSolve(p, q, { unit, transpose })), values);
    });
  });

  test("lowerTriangle", () => {
    const x = value([1, 2, 3, 4, 5, 6, 7, 8, 9], [3, 3]);
    expect(numbers((t) => lowerTriangle(t), x)).toEqual([1, 0, 0, 4, 5, 0, 7, 8, 9]);
    expect(numbers((t) => lowerTriangle(t, { strict: true }), x)).toEqual([0, 0, 0, 4, 0, 0, 7, 8, 0]);
    expect(() => triangularSolve(input("l", [2, 3]), input("b", [2, 1]))).toThrow(/triangularSolve/);
  });
});

describe("products over row groups", () => {
  // Groups of any size including none, with rows before the first and after the last.
  const cases = fc.tuple(
    fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 4 }),
    fc.integer({ min: 0, max: 2 }),
    fc.integer({ min: 0, max: 2 }),
    size(4),
    size(4),
  );
  function setting(sizes: number[], before: number, after: number) {
    const offsets = [before];
    for (const count of sizes) offsets.push(offsets.at(-1)! + count);
    const rows = Math.max(1, offsets.at(-1)! + after);
    const groupOf = (row: number) => sizes.findIndex((_, e) => row >= offsets[e]! && row < offsets[e + 1]!);
    return { rows, groupOf, offsets: value(offsets, undefined, "i32") };
  }

  test("each row meets the matrix of its group", () => {
    forAll(cases, ([sizes, before, after, depth, width], random) => {
      const { rows, groupOf, offsets } = setting(sizes, before, after);
      const x = uniformValue(random, [rows, depth]);
      const w = uniformValue(random, [sizes.length, depth, width]);
      const expected = tabulate([rows, width], (i, j) => {
        const e = groupOf(i!);
        return e < 0 ? 0 : total(depth, (k) => reader(x)(i!, k) * reader(w)(e, k, j!));
      });
      const plain = (p: Tensor, q: Tensor, o: Tensor) => groupedProduct(p, q, o);
      expectClose(numbers(plain, x, w, offsets), expected);
      const swapped = (p: Tensor, q: Tensor, o: Tensor) =>
        groupedProduct(p, swapLast(q), o, { transposed: true });
      expectClose(numbers(swapped, x, w, offsets), expected);
      checkGradient(plain, [x, w, offsets]);
      checkGradient(swapped, [x, w, offsets]);
    });
  });

  test("outer products are summed within their group", () => {
    forAll(cases, ([sizes, before, after, left, right], random) => {
      const { rows, groupOf, offsets } = setting(sizes, before, after);
      const x = uniformValue(random, [rows, left]);
      const y = uniformValue(random, [rows, right]);
      const expected = tabulate([sizes.length, left, right], (e, i, j) =>
        total(rows, (row) => (groupOf(row) === e ? reader(x)(row, i!) * reader(y)(row, j!) : 0)),
      );
      expectClose(numbers(groupedOuter, x, y, offsets), expected);
      checkGradient(groupedOuter, [x, y, offsets]);
    });
  });

  test("say what does not fit", () => {
    const [x, w] = [input("x", [4, 2]), input("w", [3, 2, 5])];
    expect(() => groupedProduct(x, w, input("o", [3], "i32"))).toThrow(/offsets \[3\]/);
    expect(() => groupedProduct(x, w, input("o", [4], "i32"), { transposed: true })).toThrow(/transposed/);
    expect(() => groupedOuter(x, input("y", [3, 2]), input("o", [4], "i32"))).toThrow(/groupedOuter/);
  });
});

describe("linearRecurrence", () => {
  const cases = fc.tuple(size(3), fc.constantFrom(1, 2, 3, 6), size(3), fc.boolean());

  test("h_t = a_t h_{t-1} + b_t, with gradients", () => {
    forAll(cases, ([batch, length, width, reverse], random) => {
      const a = uniformValue(random, [batch, length, width]);
      const b = uniformValue(random, [batch, length, width]);
      const initial = uniformValue(random, [batch, width]);
      const state = (n: number, t: number, d: number): number => {
        const before = reverse ? t + 1 : t - 1;
        const earlier = before < 0 || before >= length ? reader(initial)(n, d) : state(n, before, d);
        return reader(a)(n, t, d) * earlier + reader(b)(n, t, d);
      };
      const expected = tabulate([batch, length, width], (n, t, d) => state(n!, t!, d!));
      const recurrence = (p: Tensor, q: Tensor, r: Tensor) => linearRecurrence(p, q, r, { reverse });
      expectClose(numbers(recurrence, a, b, initial), expected);
      checkGradient(recurrence, [a, b, initial]);
    });
  });

  test("says what does not fit", () => {
    const a = input("a", [2, 3, 4]);
    expect(() => linearRecurrence(a, a, input("h", [2, 3]))).toThrow(/linearRecurrence/);
    expect(() => linearRecurrence(a, input("b", [2, 4, 4]), input("h", [2, 4]))).toThrow(/linearRecurrence/);
  });
});
