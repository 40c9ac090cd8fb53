// Random numbers: known answers of the generator, and the distributions made from it.
import { describe, expect, test } from "vitest";
import {
  bernoulli,
  dropout,
  foldIn,
  input,
  normal,
  randomBits,
  sum,
  threefry,
  uniform,
} from "../../src/tensor/index.ts";
import { checkGradient, numbers, uniformValue, value } from "./harness.ts";

const key = (a: number, b: number) => value([a >>> 0, b >>> 0], [2], "u32");

describe("Threefry-2x32-20", () => {
  // The vectors that Random123 publishes.
  test.each([
    [
      [0, 0],
      [0, 0],
      [0x6b200159, 0x99ba4efe],
    ],
    [
      [0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x1cb996fc, 0xbb002be7],
    ],
    [
      [0x13198a2e, 0x03707344],
      [0x243f6a88, 0x85a308d3],
      [0xc4923a9c, 0x483df7a0],
    ],
  ])("key %j, counter %j", (of, counter, expected) => {
    expect(threefry(of[0]!, of[1]!, counter[0]!, counter[1]!)).toEqual(expected);
  });

  test("randomBits joins both words at the counter of the element", () => {
    const bits = numbers((k) => randomBits(k, [3, 2]), key(5, 9));
    bits.forEach((word, i) => {
      const [first, second] = threefry(5, 9, i, 0);
      expect(word).toBe((first ^ second) >>> 0);
    });
    expect(numbers((k) => randomBits(k, [1]), key(0, 0))).toEqual([(0x6b200159 ^ 0x99ba4efe) >>> 0]);
    expect(() => randomBits(input("k", [2], "i32"), [1])).toThrow(/expected u32 \[2\]/);
  });
});

/** Largest distance of a sample from a distribution function (Kolmogorov and Smirnov). */
function kolmogorov(sample: number[], distribution: (x: number) => number): number {
  const sorted = [...sample].sort((p, q) => p - q);
  return Math.max(...sorted.map((x, i) => Math.abs(distribution(x) - (i + 0.5) / sorted.length)));
}

describe("distributions", () => {
  const count = 20_000;
  // Exceeded once in a thousand by a right generator; the keys are fixed.
  const bound = 1.95 / Math.sqrt(count);

  test("uniform fills [0, 1)", () => {
    const sample = numbers((k) => uniform(k, [count]), key(1, 2));
    expect(Math.min(...sample)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...sample)).toBeLessThan(1);
    expect(kolmogorov(sample, (x) => x)).toBeLessThan(bound);
  });

  test("normal is normal, and differs by key", () => {
    const sample = numbers((k) => normal(k, [count]), key(3, 4));
    const other = numbers((k) => normal(k, [count]), key(3, 5));
    expect(sample.every(Number.isFinite)).toBe(true);
    // The distribution function through Simpson's rule on the density.
    const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
    const distribution = (x: number) => {
      const n = 100;
      const h = x / n;
      let area = density(0) + density(x);
      for (let i = 1; i < n; i++) area += (i % 2 === 0 ? 2 : 4) * density(i * h);
      return 0.5 + (area * h) / 3;
    };
    expect(kolmogorov(sample, distribution)).toBeLessThan(bound);
    const correlation = sample.reduce((t, x, i) => t + x * other[i]!, 0) / count;
    expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(count));
  });

  test("foldIn gives unrelated keys, also where key and data could be confused", () => {
    const derived = new Set<string>();
    for (let first = 0; first < 8; first++) {
      for (let data = 0; data < 8; data++) derived.add(numbers((k) => foldIn(k, data), key(first, 0)).join());
    }
    expect(derived.size).toBe(64);
    const step = value([5], [], "i32");
    expect(numbers((k, s) => foldIn(k, s), key(1, 1), step)).toEqual(numbers((k) => foldIn(k, 5), key(1, 1)));
  });

  test("bernoulli and dropout keep the given share", () => {
    const hits = numbers((k) => bernoulli(k, 0.3, [count]), key(6, 7)).reduce((p, q) => p + q, 0);
    expect(Math.abs(hits / count - 0.3)).toBeLessThan((4 * Math.sqrt(0.21)) / Math.sqrt(count));
    const ones = value(new Array(count).fill(1));
    const kept = numbers((x, k) => dropout(x, k, 0.25), ones, key(8, 9));
    expect(new Set(kept)).toEqual(new Set([0, 1 / 0.75]));
    expect(Math.abs(kept.reduce((p, q) => p + q, 0) / count - 1)).toBeLessThan(4 * Math.sqrt(1 / 3 / count));
    checkGradient((x, k) => dropout(x, k, 0.5), [uniformValue(() => 0.4, [3, 3]), key(1, 1)]);
    expect(numbers((x, k) => sum(dropout(x, k, 0)), ones, key(1, 1))).toEqual([count]);
    expect(() => dropout(input("x", [2]), input("k", [2], "u32"), 1)).toThrow(/rate 1/);
  });
});
