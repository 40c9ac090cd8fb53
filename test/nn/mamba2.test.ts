// Mamba-2 against the recurrence of its paper (equation 16 and section 7.1) in plain loops.
import { expect, test } from "vitest";
import { mamba2 } from "../../src/nn/mamba2.ts";
import { type Matrix, parametersOf, part, read, rootMeanSquared, zeros } from "./matrixStates.ts";
import {
  checkCausal,
  checkMixer,
  linear,
  list,
  type MixerCase,
  type Plain,
  shortConvolution,
  silu,
  softplus,
} from "./mixers.ts";

const plain =
  (heads: number, state: number, taps: number, expand = 2): Plain =>
  (x, p) => {
    const width = x[0]!.length;
    const wide = expand * width;
    const projected = x.map((row) => linear(p, "input", row, 2 * wide + 2 * state + heads));
    const mixed = projected.map((row) => row.slice(wide, 2 * wide + 2 * state));
    const near = shortConvolution(p, "convolution", mixed, taps).map((row) => row.map(silu));
    const states: Matrix[] = list(heads, () => zeros(state, wide / heads));
    return x.map((_, t) => {
      const write = near[t]!.slice(wide, wide + state);
      const query = near[t]!.slice(wide + state);
      const found = list(heads, (h) => {
        const u = part(near[t]!.slice(0, wide), h, heads);
        const delta = softplus(projected[t]!.at(h - heads)! + p("step.bias")(h));
        const decay = Math.exp(-delta * Math.exp(p("rates")(h)));
        states[h] = states[h]!.map((line, n) => line.map((s, i) => decay * s + delta * write[n]! * u[i]!));
        return read(states[h]!, query).map((value, i) => value + p("skip")(h) * u[i]!);
      }).flat();
      const gated = found.map((value, i) => value * silu(projected[t]![i]!));
      const normal = rootMeanSquared(gated, 1e-5).map((value, i) => value * p("readNorm.scale")(i));
      return linear(p, "output", normal, width);
    });
  };

const small: MixerCase = {
  primitive: mamba2,
  settings: { state: 3, taps: 3, headWidth: 4 },
  width: 4,
  length: 7,
  plain: plain(2, 3, 3),
};

test("equals its paper's equations, gradients by differences", () => {
  checkMixer(small);
  checkMixer({
    ...small,
    settings: { ...small.settings, headWidth: 12, expand: 3 },
    plain: plain(1, 3, 3, 3),
  });
});

test.each([1, 64, 65, 150])("the same on %i tokens, through whole and cut chunks", (length) => {
  checkMixer({ ...small, length }, { gradients: false });
});

test("stays exact where states decay by e^-20 a step, and beyond", () => {
  for (const rate of [20, 1e4, 1e30]) {
    const change = (name: string, value: number) =>
      name === "rates" ? Math.log(rate) : name === "step.bias" ? 1 : value;
    checkMixer({ ...small, length: 70, change }, { gradients: false });
    if (rate === 20) checkMixer({ ...small, length: 9, change });
  }
});

test("sees no later token", () => {
  checkCausal(small);
});

test("begins with the paper's sizes: 64 a head, a state of 128", () => {
  const [wide, state, heads] = [1024, 128, 16];
  const maps = 512 * (2 * wide + 2 * state + heads) + wide * 512;
  expect(parametersOf(mamba2, {}, 512)).toEqual({
    total: maps + 5 * (wide + 2 * state) + 3 * heads + wide,
    kept: wide * state + 3 * (wide + 2 * state),
  });
});

test("heads that do not divide the inner width are refused in one line", () => {
  const configure = () => mamba2.configure("mixer", { headWidth: 3 }, { width: 4, standardDeviation: 1 });
  expect(configure).toThrow(
    "mixer: inner width 8 (expand 2 times width 4) is not divisible by headWidth 3; expected a divisor of it",
  );
});
