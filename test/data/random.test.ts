import { expect, test } from "vitest";
import { createRandom, threefry } from "../../src/data/random.ts";
import { RequestError } from "../../src/errors.ts";

// The known answers that the authors publish with Random123 (kat_vectors, threefry2x32 20).
test.each([
  [0, 0, 0, 0, 0x6b200159, 0x99ba4efe],
  [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x1cb996fc, 0xbb002be7],
  [0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3, 0xc4923a9c, 0x483df7a0],
])("threefry key %i %i counter %i %i", (key0, key1, counter0, counter1, first, second) => {
  const out = new Uint32Array(2);
  threefry(key0, key1, counter0, counter1, out);
  expect([...out]).toEqual([first, second]);
});

test("a number depends on seed, stream and index, not on the order of asking", () => {
  const random = createRandom(7, 3);
  const forward = Array.from({ length: 100 }, (_, i) => random.uniform(i));
  const again = createRandom(7, 3);
  const backward = Array.from({ length: 100 }, (_, i) => again.uniform(99 - i)).reverse();
  expect(backward).toEqual(forward);
  const others = [createRandom(8, 3), createRandom(7, 4), createRandom(7 + 2 ** 32, 3)];
  for (const other of others) expect(other.uniform(0)).not.toBe(forward[0]);
  expect(random.uniform(2 ** 32)).not.toBe(forward[0]);
});

test("numbers are uniform", () => {
  const random = createRandom(1, 0);
  const counts = new Array<number>(16).fill(0);
  const draws = 64_000;
  for (let i = 0; i < draws; i++) {
    const bin = random.integer(i, 16);
    counts[bin] = counts[bin]! + 1;
  }
  const chiSquare = counts.reduce((sum, count) => sum + (count - draws / 16) ** 2 / (draws / 16), 0);
  // The 99.99 % quantile of chi-square with 15 degrees of freedom is 44.3.
  expect(chiSquare).toBeLessThan(44.3);
});

test.each([-1, 1.5, Number.NaN, 2 ** 53])("seed %d is refused", (seed) => {
  expect(() => createRandom(seed, 0)).toThrow(RequestError);
});
