// Griffin's recurrent block against its paper's equations in plain loops.
import fc from "fast-check";
import { expect, test } from "vitest";
import { initialValues } from "../../src/nn/initialize.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { rgLru } from "../../src/nn/rgLru.ts";
import { rootScope } from "../../src/nn/scope.ts";
import { input } from "../../src/tensor/index.ts";
import { forAll, size } from "../tensor/harness.ts";
import {
  checkCausal,
  checkMixer,
  linear,
  list,
  type MixerCase,
  type Plain,
  shortConvolution,
  sigmoid,
  total,
} from "./mixers.ts";

const gelu = (x: number) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

const plain =
  (wide: number, blocks: number, taps: number, bias: boolean): Plain =>
  (x, p) => {
    const width = x[0]!.length;
    const block = wide / blocks;
    const projected = x.map((row) => linear(p, "input", row, 2 * wide, bias));
    const u = shortConvolution(
      p,
      "convolution",
      projected.map((row) => row.slice(0, wide)),
      taps,
    );
    let h = list(wide, () => 0);
    return u.map((row, t) => {
      const gate = (which: number, e: number) => {
        const [g, column] = [Math.floor(e / block), which * block + (e % block)];
        const product = total(block, (i) => row[g * block + i]! * p("gates.weight")(g, i, column));
        return sigmoid(product + p("gates.bias")(g, column));
      };
      h = h.map((before, e) => {
        const a = sigmoid(p("decay")(e)) ** (8 * gate(0, e));
        return a * before + Math.sqrt(1 - a * a) * gate(1, e) * row[e]!;
      });
      return linear(
        p,
        "output",
        h.map((value, e) => value * gelu(projected[t]![wide + e]!)),
        width,
        bias,
      );
    });
  };

const small: MixerCase = {
  primitive: rgLru,
  settings: { recurrentWidth: 6, blocks: 2, taps: 3 },
  width: 4,
  length: 7,
  plain: plain(6, 2, 3, false),
};

test("equals its paper's equations, gradients by differences", () => {
  checkMixer(small);
  const wide = { recurrentWidth: 4, blocks: 4, taps: 2, bias: true };
  checkMixer({ ...small, settings: wide, plain: plain(4, 4, 2, true), length: 2 });
});

test("equals them in any shape", () => {
  const taps = fc.integer({ min: 2, max: 5 });
  forAll(
    fc.record({ block: size(3), blocks: size(3), taps, width: size(), length: size(9) }),
    ({ block, blocks, taps, width, length }) => {
      const recurrentWidth = block * blocks;
      const loops = plain(recurrentWidth, blocks, taps, false);
      const settings = { recurrentWidth, blocks, taps };
      checkMixer({ primitive: rgLru, settings, width, length, plain: loops }, { gradients: false });
    },
  );
});

test("stays exact where states decay by e^-20 a step, and where they hardly decay", () => {
  const decay = (parameter: number): MixerCase => ({
    ...small,
    length: 12,
    change: (name, value) => (name === "decay" ? parameter : value),
  });
  checkMixer(decay(-5));
  checkMixer(decay(9));
});

test("sees no later token", () => {
  checkCausal(small);
});

test("open gates decay by 0.9 to 0.999 at the start; 4/3 of the width in 16 blocks", () => {
  const module = rgLru.configure("rg-lru", {}, { width: 96, standardDeviation: 0.02 });
  expect(module.configuration).toMatchObject({ recurrentWidth: 128, blocks: 16, taps: 4, bias: false });
  const source = inputSource();
  module.apply(rootScope({ source }), input("x", [1, 4, 96]));
  const decays = initialValues("decay", source.declared.get("decay")!, 1).map((value) => sigmoid(value) ** 8);
  expect(Math.min(...decays)).toBeGreaterThan(0.8999);
  expect(Math.max(...decays)).toBeLessThan(0.9991);
  expect(Math.max(...decays) - Math.min(...decays)).toBeGreaterThan(0.08);
});

test("blocks that do not divide the width are one clear line", () => {
  expect(() =>
    rgLru.configure("stripe[0]", { recurrentWidth: 12, blocks: 5 }, { width: 8, standardDeviation: 1 }),
  ).toThrow("stripe[0]: recurrentWidth 12 is not divisible by blocks 5; expected a divisor, such as 4");
});
