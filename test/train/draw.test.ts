import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WorkError } from "../../src/errors.ts";
import { type Draw, drawToken } from "../../src/train/draw.ts";
import { generator } from "../tensor/harness.ts";

const draw = (cut: Partial<Draw> = {}): Draw => ({
  temperature: 1,
  topK: Number.MAX_SAFE_INTEGER,
  topP: 1,
  ...cut,
});
const logits = [0.1, 0.5, 0.15, 0.25].map(Math.log);

/** How often each token is drawn by evenly spread numbers. */
function shares(of: readonly number[], cut: Draw): number[] {
  const counts = of.map(() => 0);
  for (let i = 0; i < 10_000; i++) counts[drawToken(of, cut, (i + 0.5) / 10_000)]!++;
  return counts.map((count) => count / 10_000);
}

/** The same by sorting and adding up. */
function plainShares(of: readonly number[], { temperature, topK, topP }: Draw): number[] {
  const largest = Math.max(...of);
  const ranked = of
    .map((logit, token) => ({ token, weight: Math.exp((logit - largest) / temperature) }))
    .sort((a, b) => b.weight - a.weight || a.token - b.token)
    .slice(0, topK);
  const whole = ranked.reduce((sum, { weight }) => sum + weight, 0);
  const result = of.map(() => 0);
  let before = 0;
  for (const { token, weight } of ranked) {
    if (before >= topP * whole) break;
    before += weight;
    result[token] = weight;
  }
  return result.map((weight) => weight / before);
}

describe("a token is drawn", () => {
  test.each<[string, Partial<Draw>, number[]]>([
    ["with the probabilities of the softmax", {}, [0.1, 0.5, 0.15, 0.25]],
    ["from the k most likely", { topK: 2 }, [0, 2 / 3, 0, 1 / 3]],
    ["the most likely where k is 1", { topK: 1 }, [0, 1, 0, 0]],
    ["from the fewest that have the share p", { topP: 0.8 }, [0, 5 / 9, 1.5 / 9, 2.5 / 9]],
    ["the most likely where p is small", { topP: 0.01 }, [0, 1, 0, 0]],
    ["from the share p of the k most likely", { topK: 2, topP: 0.6 }, [0, 1, 0, 0]],
    ["at a temperature", { temperature: 0.5 }, [0.01, 0.25, 0.0225, 0.0625].map((square) => square / 0.345)],
    ["the most likely at temperature 0", { temperature: 0 }, [0, 1, 0, 0]],
    ["the most likely at the smallest temperature", { temperature: Number.MIN_VALUE }, [0, 1, 0, 0]],
  ])("%s", (_, cut, expected) => {
    shares(logits, draw(cut)).forEach((share, token) => {
      expect(share).toBeCloseTo(expected[token]!, 3);
    });
  });

  test("as sorting and adding up says, for any logits", () => {
    const some = fc.record({
      logits: fc.array(fc.integer({ min: -6, max: 6 }), { minLength: 1, maxLength: 12 }),
      temperature: fc.constantFrom(0.5, 1, 3),
      topK: fc.integer({ min: 1, max: 14 }),
      topP: fc.constantFrom(0.1, 0.35, 0.77, 1),
    });
    fc.assert(
      fc.property(some, ({ logits: of, ...cut }) => {
        const expected = plainShares(of, cut);
        shares(of, cut).forEach((share, token) => {
          expect(Math.abs(share - expected[token]!)).toBeLessThan(2e-3);
        });
      }),
      { seed: 7, numRuns: 40 },
    );
  });

  test("of several equal ones the first", () => {
    expect(drawToken([1, 3, 3, 3], draw({ temperature: 0 }), 0.9)).toBe(1);
    expect(drawToken([1, 3, 3, 3], draw({ topK: 1 }), 0.9)).toBe(1);
    expect(shares([3, 3, 1, 3], draw({ topK: 2 }))).toEqual([0.5, 0.5, 0, 0]);
    expect(shares([3, 3], draw({ topP: 0.5 }))).toEqual([1, 0]);
  });

  test("never one of probability zero", () => {
    const minusInfinity = Number.NEGATIVE_INFINITY;
    expect(drawToken([minusInfinity, 0, minusInfinity], draw(), 1 - 2 ** -53)).toBe(1);
    expect(shares([minusInfinity, 0, minusInfinity, 0], draw({ topP: 0.99 }))).toEqual([0, 0.5, 0, 0.5]);
  });

  test("from fifty thousand in little time", () => {
    const random = generator(1);
    const many = Float32Array.from({ length: 50_000 }, () => 8 * random());
    const times = Array.from({ length: 20 }, () => {
      const start = performance.now();
      drawToken(many, draw({ topK: 50, topP: 0.9 }), random());
      return performance.now() - start;
    });
    // The fastest: other processes may be at work.
    expect(Math.min(...times)).toBeLessThan(20);
  });

  test.each([[[0, Number.NaN]], [[Number.NaN, 0]], [[0, Number.POSITIVE_INFINITY]]])(
    "not from %j",
    (broken) => {
      expect(() => drawToken(broken, draw(), 0.5)).toThrow(WorkError);
    },
  );
});
