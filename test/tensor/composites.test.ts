// Composites other than those along a sequence (sequences.test.ts) against separate definitions, their gradients against
// central differences.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AttentionOptions,
  attention,
  attentionGradient,
  crossEntropy,
  gelu,
  geluTanh,
  gradients,
  input,
  layerNorm,
  logSoftmax,
  logSumExp,
  meanSquaredError,
  multiply,
  relu,
  rmsNorm,
  rotary,
  rotaryTables,
  silu,
  softmax,
  softplus,
  square,
  squaredRelu,
  swiglu,
  type Tensor,
  vectorJacobian,
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
  wholeValue,
} from "./harness.ts";

interface Masking {
  readonly causal: boolean;
  readonly window: number | undefined;
  readonly offset: number | undefined;
}

function options({ causal, window }: Masking, offset: Tensor | undefined, scale?: number): AttentionOptions {
  return {
    causal,
    ...(window === undefined ? {} : { window }),
    ...(offset === undefined ? {} : { offset }),
    ...(scale === undefined ? {} : { scale }),
  };
}

/** Attention one query at a time, by its definition. */
function naiveAttention(
  q: Value,
  k: Value,
  v: Value,
  { causal, window, offset = 0 }: Masking,
  scale: number,
) {
  const [batch, queries, queryHeads, width] = q.shape as [number, number, number, number];
  const [, keys, keyHeads] = k.shape as [number, number, number];
  const scores = (b: number, i: number, h: number) =>
    Array.from({ length: keys }, (_, j) => {
      const p = offset + i;
      const isNear = window === undefined || (p - j < window && j - p < window);
      if (!isNear || (causal && j > p)) return Number.NEGATIVE_INFINITY;
      const kvHead = Math.floor(h / (queryHeads / keyHeads));
      return scale * total(width, (d) => reader(q)(b, i, h, d) * reader(k)(b, j, kvHead, d));
    });
  const mass = (b: number, i: number, h: number) => scores(b, i, h).reduce((t, s) => t + Math.exp(s), 0);
  const out = tabulate([batch, queries, queryHeads, v.shape[3]!], (b, i, h, e) => {
    const all = mass(b!, i!, h!);
    if (all === 0) return 0;
    const kvHead = Math.floor(h! / (queryHeads / keyHeads));
    const row = scores(b!, i!, h!);
    return total(keys, (j) => (Math.exp(row[j]!) / all) * reader(v)(b!, j, kvHead, e!));
  });
  const sums = tabulate([batch, queryHeads, queries], (b, h, i) => Math.log(mass(b!, i!, h!)));
  return { out, sums };
}

describe("attention", () => {
  const masking: fc.Arbitrary<Masking> = fc.record({
    causal: fc.boolean(),
    window: fc.option(size(3), { nil: undefined }),
    offset: fc.option(fc.integer({ min: -2, max: 3 }), { nil: undefined }),
  });
  const cases = fc.tuple(masking, size(2), size(4), size(4), size(2), size(2), size(3), size(3));

  function setting(of: Masking, sizes: readonly number[], random: () => number) {
    const [batch, queries, keys, keyHeads, group, d, e] = sizes as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const values = [
      uniformValue(random, [batch, queries, keyHeads * group, d], -2, 2),
      uniformValue(random, [batch, keys, keyHeads, d], -2, 2),
      uniformValue(random, [batch, keys, keyHeads, e]),
    ];
    return of.offset === undefined ? values : [...values, value([of.offset], [], "i32")];
  }

  test("is the softmax over the keys each query sees", () => {
    forAll(
      cases,
      ([of, ...sizes], random) => {
        const values = setting(of, sizes, random);
        const [out, sums] = run(
          (q, k, v, o) => Object.values(attention(q!, k!, v!, options(of, o, 0.7))),
          ...values,
        );
        const expected = naiveAttention(values[0]!, values[1]!, values[2]!, of, 0.7);
        expectClose(out!.data, expected.out);
        expectClose(sums!.data, expected.sums);
      },
      40,
    );
  });

  test("gradients, and gradients of them", () => {
    forAll(
      cases,
      ([of, ...sizes], random) => {
        const values = setting(of, sizes, random);
        checkGradient((q, k, v, o) => attention(q!, k!, v!, options(of, o)).out, values);
      },
      25,
    );
  });

  test("gradient through logSumExp", () => {
    forAll(
      cases,
      ([of, ...sizes], random) => {
        // The diagonal is always seen, so that no logSumExp is minus infinity.
        const [batch, length, , ...rest] = sizes;
        const seen = { ...of, offset: undefined };
        const values = setting(seen, [batch!, length!, length!, ...rest], random);
        checkGradient((q, k, v) => Object.values(attention(q!, k!, v!, options(seen, undefined))), values);
      },
      8,
    );
  });

  test("attentionGradient agrees with the differentiated definition", () => {
    forAll(cases, ([of, ...sizes], random) => {
      const values = setting(of, sizes, random);
      const g = uniformValue(random, [...values[0]!.shape.slice(0, 3), values[2]!.shape[3]!]);
      const graph = (...t: Tensor[]) => {
        const [q, k, v] = t as [Tensor, Tensor, Tensor];
        const [offset, dOut] = of.offset === undefined ? [undefined, t[3]!] : [t[3]!, t[4]!];
        const { out, logSumExp: sums } = attention(q, k, v, options(of, offset));
        const { attributes, op, inputs } = out.node;
        const defined = op.decompose!(inputs, attributes);
        const own = attentionGradient(
          q,
          k,
          v,
          out,
          sums,
          dOut,
          attributes as Parameters<typeof attentionGradient>[6],
          offset,
        );
        return [...own, ...vectorJacobian([defined[0]!], [dOut], [q, k, v])];
      };
      const results = run(graph, ...values, g);
      for (let i = 0; i < 3; i++) expectClose(results[i]!.data, results[i + 3]!.data, 1e-11);
    });
  });

  test("one tensor as queries, keys and values", () => {
    checkGradient((x) => attention(x, x, x, { causal: true }).out, [uniformValue(() => 0.7, [1, 3, 1, 2])]);
    const random = generator(17);
    checkGradient((x) => Object.values(attention(x, x, x)), [uniformValue(random, [1, 3, 1, 2])]);
  });

  test("large scores stay finite", () => {
    const q = value([300, -300], [1, 2, 1, 1]);
    const results = run((t) => Object.values(attention(t, t, t, { scale: 10 })), q);
    expectClose(results[0]!.data, [300, -300]);
    expectClose(results[1]!.data, [900_000, 900_000]);
  });

  test("counts the pairs it computes", () => {
    const count = (of: AttentionOptions) => {
      const [q, k] = [input("q", [2, 6, 4, 8]), input("k", [2, 6, 2, 8])];
      const { node } = attention(q, k, k, of).out;
      return node.op.flops(node) / (2 * 4 * 2 * 16);
    };
    expect(count({})).toBe(36);
    expect(count({ causal: true })).toBe(21);
    expect(count({ causal: true, window: 2 })).toBe(11);
    expect(count({ window: 2 })).toBe(16);
    expect(count({ causal: true, window: 2, offset: input("o", [], "i32") })).toBe(12);
  });

  test("says what does not fit", () => {
    const q = input("q", [1, 2, 3, 4]);
    const k = input("k", [1, 2, 2, 4]);
    expect(() => attention(q, k, k)).toThrow(/Hq a multiple of Hk/);
    expect(() => attention(q, q, q, { window: 0 })).toThrow(/window 0/);
    expect(() => attention(q, q, q, { offset: input("o", []) })).toThrow(/offset f32/);
  });
});

describe("rotary", () => {
  test("turns pairs half a width apart", () => {
    forAll(fc.tuple(size(2), size(3), size(2), size(3)), ([batch, length, heads, half], random) => {
      const x = uniformValue(random, [batch, length, heads, 2 * half]);
      const angles = uniformValue(random, [length, half], -3, 3);
      const cosines = value(angles.data.map(Math.cos), angles.shape);
      const sines = value(angles.data.map(Math.sin), angles.shape);
      const expected = tabulate(x.shape, (b, t, h, d) => {
        const i = d! % half;
        const [c, s] = [reader(cosines)(t!, i), reader(sines)(t!, i)];
        const [first, second] = [reader(x)(b!, t!, h!, i), reader(x)(b!, t!, h!, i + half)];
        return d! < half ? first * c - second * s : second * c + first * s;
      });
      expectClose(numbers(rotary, x, cosines, sines), expected);
      checkGradient(rotary, [x, cosines, sines]);
    });
    expect(() => rotary(input("x", [1, 2, 1, 3]), input("c", [2, 1]), input("s", [2, 1]))).toThrow(/even d/);
  });

  test("tables hold cosines and sines of position times frequency", () => {
    const positions = value([0, 1, 7], [3], "i32");
    const [cosines, sines] = run((p) => Object.values(rotaryTables(p, 4, 100)), positions);
    const angles = [0, 1, 7].flatMap((p) => [p, p / 10]);
    expectClose(cosines!.data, angles.map(Math.cos));
    expectClose(sines!.data, angles.map(Math.sin));
    expect(() => rotaryTables(input("p", [2], "i32"), 5)).toThrow(/head width 5/);
  });
});

describe("normalisation and softmax", () => {
  const shapes = fc.tuple(fc.array(size(3), { maxLength: 2 }), size(5));

  test("layerNorm and rmsNorm", () => {
    forAll(shapes, ([leading, width], random) => {
      const x = uniformValue(random, [...leading, width], -3, 3);
      const scale = uniformValue(random, [width]);
      const bias = uniformValue(random, [width]);
      const row = (i: number) => [...x.data.subarray(i - (i % width), i - (i % width) + width)];
      const average = (of: number[]) => of.reduce((p, q) => p + q, 0) / width;
      const layer = Array.from(x.data, (element, i) => {
        const center = average(row(i));
        const variance = average(row(i).map((r) => (r - center) ** 2));
        return (
          ((element - center) / Math.sqrt(variance + 1e-5)) * scale.data[i % width]! + bias.data[i % width]!
        );
      });
      const rms = Array.from(
        x.data,
        (element, i) => element / Math.sqrt(average(row(i).map((r) => r * r)) + 0.1),
      );
      expectClose(
        numbers((t, s, b) => layerNorm(t, s, b), x, scale, bias),
        layer,
        1e-11,
      );
      expectClose(
        numbers((t) => rmsNorm(t, undefined, 0.1), x),
        rms,
      );
      checkGradient((t, s, b) => layerNorm(t!, s, b, 0.1), [x, scale, bias]);
      checkGradient((t, s) => rmsNorm(t!, s, 0.1), [x, scale]);
    });
  });

  test("softmax, logSoftmax and logSumExp, whatever the size of the logits", () => {
    forAll(
      fc.tuple(fc.array(size(3), { maxLength: 2 }), size(5), fc.constantFrom(0, 1e4, -1e4)),
      (of, random) => {
        const [leading, width, shift] = of;
        const x = uniformValue(random, [...leading, width], -3, 3);
        const shifted = value(
          x.data.map((element) => element + shift),
          x.shape,
        );
        const mass = (i: number) => {
          const start = i - (i % width);
          return x.data.subarray(start, start + width).reduce((t, element) => t + Math.exp(element), 0);
        };
        expectClose(
          numbers(softmax, shifted),
          Array.from(x.data, (element, i) => Math.exp(element) / mass(i)),
          1e-10,
        );
        expectClose(
          numbers(logSoftmax, shifted),
          Array.from(x.data, (element, i) => element - Math.log(mass(i))),
          1e-10,
        );
        const sums = Array.from(
          { length: x.data.length / width },
          (_, row) => shift + Math.log(mass(row * width)),
        );
        expectClose(numbers(logSumExp, shifted), sums, 1e-10);
        checkGradient(softmax, [x]);
        checkGradient(logSoftmax, [x]);
        checkGradient(logSumExp, [x]);
      },
    );
  });
});

describe("losses", () => {
  test("crossEntropy is the mean over rows that have a target", () => {
    forAll(fc.tuple(size(5), size(5)), ([rows, classes], random) => {
      const logits = uniformValue(random, [rows, classes], -3, 3);
      const targets = wholeValue(random, [rows], -1, classes);
      const counted = [...targets.data].filter((target) => target >= 0).length;
      const losses = total(rows, (row) => {
        const target = targets.data[row]!;
        if (target < 0) return 0;
        const mass = total(classes, (j) => Math.exp(reader(logits)(row, j)));
        return Math.log(mass) - reader(logits)(row, target);
      });
      const [loss, count] = run((l, t) => Object.values(crossEntropy(l!, t!)), logits, targets);
      expectClose(loss!.data, [counted === 0 ? 0 : losses / counted]);
      expectClose(count!.data, [counted]);
      checkGradient((l, t) => crossEntropy(l!, t!).loss, [logits, targets]);
    });
    expect(() => crossEntropy(input("l", [2, 3]), input("t", [3], "i32"))).toThrow(/crossEntropy/);
  });

  test("ignored rows have no gradient, even where their logits are infinite", () => {
    const logits = value([1, 2, Number.NEGATIVE_INFINITY, 0], [2, 2]);
    const targets = value([1, -1], [2], "i32");
    const second = 1 / (1 + Math.exp(-1));
    const graph = (l: Tensor, t: Tensor) => gradients(crossEntropy(l, t).loss, [l]);
    expectClose(numbers(graph, logits, targets), [1 - second, second - 1, 0, 0]);
    const [loss] = run((l, t) => crossEntropy(l, t).loss, logits, targets);
    expectClose(loss!.data, [Math.log(1 + Math.exp(-1))]);
  });

  test("meanSquaredError", () => {
    const x = value([1, 2, 3, 4], [2, 2]);
    expect(numbers((t) => meanSquaredError(t, multiply(t, 2)), x)).toEqual([7.5]);
    checkGradient(meanSquaredError, [x, value([2, 0, 1, 1], [2, 2])]);
  });
});

describe("activations", () => {
  // The normal distribution function at a few places (Abramowitz and Stegun, table 26.1).
  const places = value([-2, -1, 0, 0.5, 1, 2]);
  const distribution = [0.02275013, 0.15865525, 0.5, 0.69146246, 0.84134475, 0.97724987];

  test("values", () => {
    const x = [...places.data];
    expectClose(numbers(relu, places), [0, 0, 0, 0.5, 1, 2]);
    expectClose(numbers(squaredRelu, places), [0, 0, 0, 0.25, 1, 4]);
    expectClose(
      numbers(gelu, places),
      x.map((t, i) => t * distribution[i]!),
      1e-7,
    );
    const cubic = (t: number) => Math.sqrt(2 / Math.PI) * (t + 0.044715 * t ** 3);
    expectClose(
      numbers(geluTanh, places),
      x.map((t) => 0.5 * t * (1 + Math.tanh(cubic(t)))),
    );
    expectClose(
      numbers(silu, places),
      x.map((t) => t / (1 + Math.exp(-t))),
    );
    expectClose(
      numbers((t) => swiglu(t, multiply(t, 3)), places),
      x.map((t) => (3 * t * t) / (1 + Math.exp(-t))),
    );
  });

  test("softplus is smooth at 0 and neither overflows nor loses small values", () => {
    const wide = value([-700, -30, -1, 0, 2, 30, 5000]);
    const [, low, ...rest] = numbers(softplus, wide);
    expect(low).toBeCloseTo(Math.exp(-30), 15);
    expectClose(
      rest,
      [-1, 0, 2, 30, 5000].map((t) => Math.max(t, 0) + Math.log1p(Math.exp(-Math.abs(t)))),
    );
    expect(numbers((t) => gradients(softplus(t), [t]), value([0], []))).toEqual([0.5]);
    checkGradient(softplus, [value([-2.1, -0.4, 0.3, 1.7])]);
  });

  test("gradients away from corners", () => {
    const away = value([-2.1, -0.4, 0.3, 1.7]);
    for (const activation of [relu, squaredRelu, gelu, geluTanh, silu, (x: Tensor) => square(silu(x))]) {
      checkGradient(activation, [away]);
    }
    checkGradient(swiglu, [away, value([0.5, -1, 2, 0.1])]);
  });
});
