// Gated linear attention against the recurrence of its paper (equation 4) in plain loops.
import { expect, test } from "vitest";
import { gatedLinearAttention } from "../../src/nn/gatedLinearAttention.ts";
import { type Matrix, parametersOf, part, read, rootMeanSquared, zeros } from "./matrixStates.ts";
import {
  checkCausal,
  checkMixer,
  linear,
  list,
  type MixerCase,
  type Plain,
  sigmoid,
  silu,
} from "./mixers.ts";

interface Sizes {
  readonly heads: number;
  readonly keyWidth: number;
  readonly valueWidth: number;
  readonly rank: number;
  readonly temperature: number;
}

const plain =
  ({ heads, keyWidth, valueWidth, rank, temperature }: Sizes): Plain =>
  (x, p) => {
    const width = x[0]!.length;
    const states: Matrix[] = list(heads, () => zeros(keyWidth / heads, valueWidth / heads));
    return x.map((row) => {
      const low = linear(p, "decay.down", row, rank);
      const decays = linear(p, "decay.up", low, keyWidth, true).map(
        (value) => sigmoid(value) ** (1 / temperature),
      );
      const found = list(heads, (h) => {
        const headOf = (name: string, wide: number) => part(linear(p, name, row, wide), h, heads);
        const q = headOf("query", keyWidth).map((value) => value / Math.sqrt(keyWidth / heads));
        const k = headOf("key", keyWidth);
        const v = headOf("value", valueWidth);
        const a = part(decays, h, heads);
        states[h] = states[h]!.map((line, i) => line.map((before, j) => a[i]! * before + k[i]! * v[j]!));
        return rootMeanSquared(read(states[h]!, q), 1e-5).map((value, i) => value * p("readNorm.scale")(i));
      }).flat();
      const gate = linear(p, "gate", row, valueWidth);
      return linear(
        p,
        "output",
        found.map((value, i) => value * silu(gate[i]!)),
        width,
      );
    });
  };

const sizes: Sizes = { heads: 2, keyWidth: 6, valueWidth: 4, rank: 2, temperature: 3 };
const small: MixerCase = {
  primitive: gatedLinearAttention,
  settings: { ...sizes },
  width: 4,
  length: 7,
  plain: plain(sizes),
};

test("equals the paper's recurrence, gradients by differences", () => {
  checkMixer(small);
});

test.each([1, 2, 31, 32, 33, 70])("the same on %i tokens, through whole and cut chunks", (length) => {
  checkMixer({ ...small, length }, { gradients: false });
});

test("stays exact where rows decay by e^-20 a step, and where they are forgotten at once", () => {
  for (const logit of [-60, -1e4]) {
    const change = (name: string, value: number, place: number) =>
      name === "decay.up.bias" && place % 2 === 0 ? logit : value;
    checkMixer({ ...small, length: 40, change }, { gradients: false });
    checkMixer({ ...small, length: 9, change });
  }
});

test("sees no later token", () => {
  checkCausal(small);
});

test("the paper's sizes by default: keys half as wide as the model, 4 heads; mad-lab's layers have its counts", () => {
  const maps = 512 * (2 * 256 + 2 * 512) + 512 ** 2;
  expect(parametersOf(gatedLinearAttention, {}, 512)).toEqual({
    total: maps + 16 * 512 + 17 * 256 + 128,
    kept: (256 * 512) / 4,
  });
  const madLab = (heads: number) => parametersOf(gatedLinearAttention, { heads, keyWidth: 128 }, 128);
  expect(madLab(8)).toEqual({ total: 86_160, kept: 2048 });
  expect(madLab(1)).toEqual({ total: 86_272, kept: 16_384 });
});

test("heads that do not divide are refused in one line", () => {
  const configure = () =>
    gatedLinearAttention.configure("mixer", { heads: 3 }, { width: 8, standardDeviation: 1 });
  expect(configure).toThrow(
    "mixer: valueWidth 8 is not divisible by heads 3; expected a divisor of valueWidth, such as 2",
  );
});
