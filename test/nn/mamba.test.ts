// Mamba against algorithm 2 of its paper in plain loops.
import fc from "fast-check";
import { expect, test } from "vitest";
import { defineArchitecture } from "../../src/architecture/architecture.ts";
import { countParameters } from "../../src/architecture/count.ts";
import { initialValues } from "../../src/nn/initialize.ts";
import { mamba } from "../../src/nn/mamba.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { rootScope } from "../../src/nn/scope.ts";
import { input } from "../../src/tensor/index.ts";
import { createOptimizer } from "../../src/train/optimizers.ts";
import { trainingStep } from "../../src/train/step.ts";
import { forAll, size } from "../tensor/harness.ts";
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
  total,
} from "./mixers.ts";

const plain =
  (state: number, rank: number, taps: number, bias: boolean): Plain =>
  (x, p) => {
    const width = x[0]!.length;
    const wide = 2 * width;
    const projected = x.map((row) => linear(p, "input", row, 2 * wide, bias));
    const inner = projected.map((row) => row.slice(0, wide));
    const u = shortConvolution(p, "convolution", inner, taps).map((row) => row.map(silu));
    let h = list(wide, () => list(state, () => 0));
    return u.map((row, t) => {
      const chosen = linear(p, "select", row, rank + 2 * state);
      const delta = linear(p, "step", chosen.slice(0, rank), wide, true).map(softplus);
      const write = chosen.slice(rank, rank + state);
      const read = chosen.slice(rank + state);
      h = h.map((states, e) =>
        states.map((before, n) => {
          const a = -Math.exp(p("rates")(n, e));
          return Math.exp(delta[e]! * a) * before + delta[e]! * write[n]! * row[e]!;
        }),
      );
      const gated = h.map(
        (states, e) =>
          (total(state, (n) => states[n]! * read[n]!) + p("skip")(e) * row[e]!) *
          silu(projected[t]![wide + e]!),
      );
      return linear(p, "output", gated, width, bias);
    });
  };

const small: MixerCase = {
  primitive: mamba,
  settings: { state: 3, taps: 3, rank: 2 },
  width: 4,
  length: 7,
  plain: plain(3, 2, 3, false),
};

test("equals its paper's equations, gradients by differences", () => {
  checkMixer(small);
  checkMixer({
    ...small,
    settings: { ...small.settings, bias: true },
    plain: plain(3, 2, 3, true),
    length: 2,
  });
});

test("equals them in any shape", () => {
  const taps = fc.integer({ min: 2, max: 5 });
  forAll(
    fc.record({ state: size(), taps, rank: size(), width: size(), length: size(9) }),
    ({ width, length, ...settings }) => {
      const { state, rank } = settings;
      const loops = plain(state, rank, settings.taps, false);
      checkMixer({ primitive: mamba, settings, width, length, plain: loops }, { gradients: false });
    },
  );
});

test("stays exact where states decay by e^-20 a step", () => {
  checkMixer({
    ...small,
    length: 12,
    change: (name, value) => (name === "rates" ? Math.log(20) : name === "step.bias" ? 1 : value),
  });
});

test("sees no later token", () => {
  checkCausal(small);
});

test("begins as in the paper: Δ from 0.001 to 0.1, A = -1 … -N; mad-lab's size has mad-lab's count", () => {
  const module = mamba.configure("mamba", { state: 4 }, { width: 128, standardDeviation: 0.02 });
  const source = inputSource();
  module.apply(rootScope({ source }), input("x", [1, 8, 128]));
  expect(countParameters(source.declared).total).toBe(107_264);
  expect(module.kept(1000)).toBe(1024 + 3 * 256);
  const first = (name: string) => initialValues(name, source.declared.get(name)!, 1);
  for (const step of first("step.bias").map(softplus)) {
    expect(step).toBeGreaterThan(0.000_999);
    expect(step).toBeLessThan(0.100_1);
  }
  expect([0, 1, 2, 3].map((n) => Math.exp(first("rates")[n * 256 + 5]!))).toEqual(
    [1, 2, 3, 4].map((rate) => expect.closeTo(rate, 5)),
  );
});

test("weight decay of matrices leaves rates and taps alone", () => {
  const architecture = defineArchitecture({ vocabulary: 8, length: 4, width: 8, stripe: ["mamba"] });
  const { parameters } = trainingStep(architecture, {
    optimizer: createOptimizer("adamw"),
    batch: 1,
    length: 4,
    microBatches: 1,
    clip: null,
    decay: "matrices",
  });
  const decays = (name: string) => parameters.find((of) => of.name === `block.0.mamba.${name}`)!.decays;
  expect(["rates", "convolution.weight", "skip", "step.bias"].map(decays)).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect(["input.weight", "step.weight", "output.weight"].map(decays)).toEqual([true, true, true]);
});
