// Retention against the recurrent form of its paper (equation 6) in plain loops, rotations as complex phases.
import { expect, test } from "vitest";
import { retention } from "../../src/nn/retention.ts";
import { type Matrix, parametersOf, part, read, standardised, zeros } from "./matrixStates.ts";
import { checkCausal, checkMixer, linear, list, type MixerCase, type Plain, silu } from "./mixers.ts";

/** x·e^(i·n·θ), feature i paired with i + d/2. */
function turned(x: readonly number[], n: number, base: number): number[] {
  const half = x.length / 2;
  const angle = (i: number) => n * base ** (-i / half);
  const real = list(half, (i) => x[i]! * Math.cos(angle(i)) - x[i + half]! * Math.sin(angle(i)));
  const imaginary = list(half, (i) => x[i]! * Math.sin(angle(i)) + x[i + half]! * Math.cos(angle(i)));
  return [...real, ...imaginary];
}

const plain =
  (heads: number, factor: number, base: number): Plain =>
  (x, p) => {
    const width = x[0]!.length;
    const states: Matrix[] = list(heads, () => zeros(width / heads, (factor * width) / heads));
    return x.map((row, n) => {
      const found = list(heads, (h) => {
        const headOf = (name: string, wide: number) => part(linear(p, name, row, wide), h, heads);
        const q = turned(headOf("query", width), n, base);
        const k = turned(headOf("key", width), n, base).map((value) => value / Math.sqrt(width / heads));
        const v = headOf("value", factor * width);
        const decay = 1 - 2 ** (-5 - h);
        states[h] = states[h]!.map((line, i) => line.map((before, j) => decay * before + k[i]! * v[j]!));
        return standardised(read(states[h]!, q), 1e-5);
      });
      const gate = linear(p, "gate", row, factor * width);
      return linear(
        p,
        "output",
        found.flat().map((value, i) => value * silu(gate[i]!)),
        width,
      );
    });
  };

const small: MixerCase = {
  primitive: retention,
  settings: { heads: 2, valueFactor: 3, rotaryBase: 100 },
  width: 8,
  length: 6,
  plain: plain(2, 3, 100),
};

test("equals the paper's recurrence, gradients by differences", () => {
  checkMixer(small);
});

test.each([1, 64, 65, 150])("the same on %i tokens, through whole and cut chunks", (length) => {
  checkMixer(
    { ...small, width: 4, settings: { heads: 2 }, plain: plain(2, 2, 10_000), length },
    { gradients: false },
  );
});

test("sees no later token", () => {
  checkCausal(small);
});

test("has the paper's 8·D² parameters and 2·D²/H numbers of state", () => {
  expect(parametersOf(retention, {}, 512)).toEqual({ total: 8 * 512 ** 2, kept: (2 * 512 ** 2) / 2 });
  expect(parametersOf(retention, { heads: 8 }, 512).kept).toBe((2 * 512 ** 2) / 8);
});

test("heads that do not divide the width or cannot be rotated are refused in one line", () => {
  const configure = (heads: number, width: number) => () =>
    retention.configure("mixer", { heads }, { width, standardDeviation: 1 });
  expect(configure(3, 8)).toThrow("mixer: width 8 is not divisible by heads 3");
  expect(configure(2, 6)).toThrow("mixer: heads of width 3 (width 6 over 2 heads) cannot be rotated");
});
