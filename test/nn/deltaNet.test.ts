// DeltaNet and Gated DeltaNet against the recurrences of their papers in plain loops.
import { describe, expect, test } from "vitest";
import { deltaNet } from "../../src/nn/deltaNet.ts";
import { gatedDeltaNet } from "../../src/nn/gatedDeltaNet.ts";
import { dot, type Matrix, parametersOf, part, read, rootMeanSquared, zeros } from "./matrixStates.ts";
import {
  checkCausal,
  checkMixer,
  linear,
  list,
  type MixerCase,
  type Parameter,
  type Plain,
  sigmoid,
  silu,
  softplus,
  total,
} from "./mixers.ts";

interface Sizes {
  readonly heads: number;
  readonly keyWidth: number;
  readonly valueWidth: number;
  readonly taps: number;
}

/** S ← a·(I - β·k·kᵀ)·S + β·k·vᵀ as that product of matrices. */
function updated(state: Matrix, k: number[], v: number[], beta: number, decay: number): Matrix {
  const kept = k.map((_, i) => k.map((_, m) => decay * ((i === m ? 1 : 0) - beta * k[i]! * k[m]!)));
  return state.map((line, i) =>
    line.map((_, j) => total(k.length, (m) => kept[i]![m]! * state[m]![j]!) + beta * k[i]! * v[j]!),
  );
}

const plain =
  (sizes: Sizes, isGated: boolean): Plain =>
  (x, p: Parameter) => {
    const { heads, keyWidth, valueWidth, taps } = sizes;
    const width = x[0]!.length;
    const convolved = (name: string, wide: number) => {
      const rows = x.map((row) => linear(p, name, row, wide));
      const weight = p(`${name}.convolution.weight`);
      return rows.map((row, t) =>
        row.map((_, d) => silu(total(Math.min(taps, t + 1), (s) => weight(s, d) * rows[t - s]![d]!))),
      );
    };
    const [qs, ks, vs] = [
      convolved("query", keyWidth),
      convolved("key", keyWidth),
      convolved("value", valueWidth),
    ];
    const unit = (row: number[]) => row.map((value) => value / Math.sqrt(dot(row, row) + 1e-6));
    const states: Matrix[] = list(heads, () => zeros(keyWidth / heads, valueWidth / heads));
    return x.map((row, t) => {
      const found = list(heads, (h) => {
        const q = unit(part(qs[t]!, h, heads));
        const k = unit(part(ks[t]!, h, heads));
        const beta = sigmoid(linear(p, "beta", row, heads)[h]!);
        const decay = isGated
          ? Math.exp(-Math.exp(p("rates")(h)) * softplus(linear(p, "step", row, heads, true)[h]!))
          : 1;
        states[h] = updated(states[h]!, k, part(vs[t]!, h, heads), beta, decay);
        return rootMeanSquared(read(states[h]!, q), 1e-5).map((value, i) => value * p("readNorm.scale")(i));
      }).flat();
      const gate = isGated ? linear(p, "gate", row, valueWidth).map(silu) : undefined;
      return linear(p, "output", gate ? found.map((value, i) => value * gate[i]!) : found, width);
    });
  };

const small: MixerCase = {
  primitive: deltaNet,
  settings: { heads: 2, taps: 3 },
  width: 4,
  length: 6,
  plain: plain({ heads: 2, keyWidth: 4, valueWidth: 4, taps: 3 }, false),
};

const gated: MixerCase = {
  ...small,
  primitive: gatedDeltaNet,
  settings: { heads: 2, keyWidth: 4, valueWidth: 6, taps: 2 },
  plain: plain({ heads: 2, keyWidth: 4, valueWidth: 6, taps: 2 }, true),
};

describe.each([
  ["delta-net", small],
  ["gated-delta-net", gated],
] as const)("%s", (_, of) => {
  test("equals the paper's recurrence, gradients by differences", () => {
    checkMixer(of);
  });

  test.each([1, 64, 65, 150])("the same on %i tokens, through whole and cut chunks", (length) => {
    checkMixer({ ...of, length }, { gradients: false });
  });

  test("sees no later token", () => {
    checkCausal(of);
  });
});

test("gated: stays exact where states decay by e^-20 a step, and beyond", () => {
  for (const rate of [20, 1e4, 1e30]) {
    const change = (name: string, value: number) =>
      name === "rates" ? Math.log(rate) : name === "step.bias" ? 1 : value;
    checkMixer({ ...gated, length: 70, change }, { gradients: false });
    if (rate === 20) checkMixer({ ...gated, length: 9, change });
  }
});

test("begins with the papers' sizes", () => {
  expect(parametersOf(deltaNet, {}, 512)).toEqual({
    total: 4 * 512 ** 2 + 3 * 4 * 512 + 4 * 512 + 128,
    kept: 4 * 128 ** 2 + 3 * 3 * 512,
  });
  // Keys ¾ of the width in heads of 256, values twice as wide: 6·D² in the large maps.
  const heads = 3;
  const [keys, values] = [768, 1536];
  const maps = 1024 * (2 * keys + 2 * values) + values * 1024;
  expect(parametersOf(gatedDeltaNet, {}, 1024)).toEqual({
    total: maps + 2 * 1024 * heads + 2 * heads + 4 * (2 * keys + values) + values / heads,
    kept: (keys * values) / heads + 3 * (2 * keys + values),
  });
  expect(maps).toBe(6 * 1024 ** 2);
});

test("heads that do not divide are refused in one line", () => {
  const surroundings = { width: 8, standardDeviation: 1 };
  expect(() => deltaNet.configure("mixer", { heads: 3 }, surroundings)).toThrow(
    "mixer: width 8 is not divisible by heads 3",
  );
  expect(() => gatedDeltaNet.configure("mixer", { heads: 2, keyWidth: 3 }, surroundings)).toThrow(
    "mixer: keyWidth 3 is not divisible by heads 2; expected a divisor of keyWidth, such as 1",
  );
});
