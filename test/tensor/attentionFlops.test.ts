// The operations of attention are counted by a formula; here query by query.
import fc from "fast-check";
import { expect, test } from "vitest";
import { attention } from "../../src/tensor/composites/attention.ts";
import { input } from "../../src/tensor/ops/leaf.ts";

const flops = (queries: number, keys: number, causal: boolean, window: number | undefined): number => {
  const { out } = attention(
    input("query", [2, queries, 6, 3]),
    input("key", [2, keys, 3, 3]),
    input("value", [2, keys, 3, 5]),
    { causal, ...(window === undefined ? {} : { window }) },
  );
  return out.node.op.flops(out.node);
};

test("attention counts the pairs of query and key that see each other", () => {
  const size = fc.integer({ min: 1, max: 20 });
  fc.assert(
    fc.property(
      size,
      size,
      fc.boolean(),
      fc.option(size, { nil: undefined }),
      (queries, keys, causal, window) => {
        let pairs = 0;
        for (let i = 0; i < queries; i++) {
          for (let j = 0; j < keys; j++) {
            const near = window === undefined || (i - j < window && j - i < window);
            if (near && !(causal && j > i)) pairs++;
          }
        }
        expect(flops(queries, keys, causal, window)).toBe(2 * 6 * pairs * 2 * (3 + 5));
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});

test("of any length at once", () => {
  const begin = performance.now();
  const length = 2 ** 31 - 1;
  expect(flops(length, length, true, undefined)).toBeCloseTo((192 * (length * (length + 1))) / 2, -10);
  expect(performance.now() - begin).toBeLessThan(1000);
});
