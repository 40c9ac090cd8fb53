import fc from "fast-check";
import { expect, test } from "vitest";
import {
  fromFloats,
  type NumberType,
  normalQuantiles,
  storedArray,
  toFloats,
} from "../../src/hub/numbers.ts";

const round = (type: NumberType, values: readonly number[]): number[] => {
  const stored = storedArray(type, values.length);
  fromFloats(type, Float32Array.from(values), stored, 0);
  return [...toFloats(type, stored)];
};

test("every number of a short format stays what it is", () => {
  const all = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);
  for (const type of ["F16", "BF16"] as const) {
    const floats = toFloats(type, all);
    const back = storedArray(type, all.length);
    fromFloats(type, floats, back, 0);
    const isSame = (bits: number) => back[bits] === bits || Number.isNaN(floats[bits]);
    expect(all.every(isSame)).toBe(true);
  }
});

test("a float becomes the nearest number of a short format, of two the even one", () => {
  expect(round("BF16", [1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.4e38])).toEqual([
    1,
    1 + 2 ** -6,
    Number.POSITIVE_INFINITY,
  ]);
  expect(round("F16", [1 + 2 ** -11, 1 + 3 * 2 ** -11, 65_519, 65_520, 2 ** -25, 3 * 2 ** -26])).toEqual([
    ...[1, 1 + 2 ** -9, 65_504, Number.POSITIVE_INFINITY, 0, 2 ** -24],
  ]);
  const sizes = { F16: [2 ** -11, 2 ** -25], BF16: [2 ** -8, 2 ** -134] } as const;
  for (const type of ["F16", "BF16"] as const) {
    const [share, least] = sizes[type];
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: -60_000, max: 60_000 }), (value) => {
        expect(Math.abs(round(type, [value])[0]! - value)).toBeLessThanOrEqual(
          Math.max(least, share * Math.abs(value)),
        );
      }),
      { seed: 1 },
    );
  }
});

test("new numbers are spread as asked", () => {
  const table = Float32Array.from(normalQuantiles("F32", 0.02));
  const squares = table.reduce((sum, value) => sum + value * value, 0) / table.length;
  expect(Math.sqrt(squares)).toBeCloseTo(0.02, 4);
  expect(table.reduce((sum, value) => sum + value, 0) / table.length).toBeCloseTo(0, 6);
});
