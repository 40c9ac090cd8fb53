import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evaluationBatches, ignored } from "../../src/data/batches.ts";
import { windowBatches, windowCount } from "../../src/data/windows.ts";
import { RequestError } from "../../src/errors.ts";

/** Every scored position as [target's index in the text, tokens before it in its window]. */
function scored(count: number, length: number, stride: number, batch: number): [number, number][] {
  // A token tells where it stands.
  const tokens = Uint32Array.from({ length: count }, (_, i) => i);
  const found: [number, number][] = [];
  for (const { inputs, targets, windows } of windowBatches(tokens, { length, stride, batch })) {
    const hits: [number, number][] = [];
    targets.forEach((target, at) => {
      if (target === ignored) return;
      const t = at % length;
      const row = at - t;
      for (let i = 0; i <= t; i++) expect(inputs[row + i]).toBe(target - 1 - t + i);
      hits.push([target, t + 1]);
    });
    const told = windows.flatMap(({ start, from, to }) =>
      Array.from({ length: to - from }, (_, i): [number, number] => [start + from + i + 1, from + i + 1]),
    );
    expect(hits).toEqual(told);
    found.push(...hits);
  }
  return found;
}

const sizes = fc
  .record({ count: fc.integer({ min: 2, max: 60 }), length: fc.integer({ min: 1, max: 12 }) })
  .chain(({ count, length }) =>
    fc.record({
      count: fc.constant(count),
      length: fc.constant(length),
      stride: fc.integer({ min: 1, max: length }),
      batch: fc.integer({ min: 1, max: 5 }),
    }),
  );

test("every token but the first is scored once, in order, with all that the stride promises before it", () => {
  fc.assert(
    fc.property(sizes, ({ count, length, stride, batch }) => {
      const found = scored(count, length, stride, batch);
      expect(found.map(([target]) => target)).toEqual(Array.from({ length: count - 1 }, (_, i) => i + 1));
      for (const [target, context] of found) {
        expect(context).toBeGreaterThanOrEqual(Math.min(target, length - stride + 1));
      }
    }),
  );
});

test("windows side by side are those of the evaluation while training", () => {
  fc.assert(
    fc.property(sizes, ({ count, length, batch }) => {
      const tokens = Uint16Array.from({ length: count }, (_, i) => (i * 7) % 5);
      const copy = ({ inputs, targets }: { inputs: Int32Array; targets: Int32Array }) => [
        [...inputs],
        [...targets],
      ];
      const mine = Array.from(windowBatches(tokens, { length, stride: length, batch }), copy);
      expect(mine).toEqual(Array.from(evaluationBatches(tokens, length, batch), copy));
    }),
  );
});

test("their number", () => {
  expect(windowCount(2, { length: 8, stride: 4 })).toBe(1);
  expect(windowCount(9, { length: 8, stride: 4 })).toBe(1);
  expect(windowCount(10, { length: 8, stride: 4 })).toBe(2);
  expect(windowCount(14, { length: 8, stride: 4 })).toBe(3);
});

describe("what cannot be is refused in one line", () => {
  const tokens = new Uint16Array(10);
  test.each([
    [
      tokens,
      { length: 4, stride: 0, batch: 1 },
      /stride is 0; expected a whole number from 1 to the model's length 4/,
    ],
    [tokens, { length: 4, stride: 5, batch: 1 }, /stride is 5/],
    [tokens, { length: 4, stride: 1.5, batch: 1 }, /stride is 1\.5/],
    [tokens, { length: 4, stride: 4, batch: 0 }, /batch is 0; expected a whole number of at least 1/],
    [
      tokens.subarray(0, 1),
      { length: 4, stride: 4, batch: 1 },
      /the text has 1 token, at least 2 are needed/,
    ],
    [tokens.subarray(0, 0), { length: 4, stride: 4, batch: 1 }, /the text has no tokens/],
  ])("%#", (given, options, message) => {
    const first = () => windowBatches(given, options).next();
    expect(first).toThrow(RequestError);
    expect(first).toThrow(message);
  });
});
