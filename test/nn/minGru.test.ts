// minGRU against its paper's equations in plain loops.
import fc from "fast-check";
import { test } from "vitest";
import { minGru } from "../../src/nn/minGru.ts";
import { forAll, size } from "../tensor/harness.ts";
import { checkCausal, checkMixer, linear, list, type MixerCase, type Plain, sigmoid } from "./mixers.ts";

const plain =
  (hidden: number, { positive = true, bias = true } = {}): Plain =>
  (x, p) => {
    const width = x[0]!.length;
    let h = list(hidden, () => 0);
    return x.map((row) => {
      const projected = linear(p, "input", row, 2 * hidden, bias);
      h = h.map((before, j) => {
        const z = sigmoid(projected[j]!);
        const value = projected[hidden + j]!;
        const candidate = positive ? (value >= 0 ? value + 0.5 : sigmoid(value)) : value;
        return (1 - z) * before + z * candidate;
      });
      return hidden === width ? h : linear(p, "output", h, width, bias);
    });
  };

const small: MixerCase = { primitive: minGru, width: 4, length: 7, plain: plain(4) };

test("equals its paper's equations, gradients by differences", () => {
  checkMixer(small);
  checkMixer({
    ...small,
    settings: { candidate: "linear", bias: false },
    plain: plain(4, { positive: false, bias: false }),
  });
  checkMixer({ ...small, settings: { hidden: 6 }, plain: plain(6) });
});

test("equals them in any shape", () => {
  forAll(fc.record({ hidden: size(), width: size(), length: size(9) }), ({ hidden, width, length }) => {
    const of = { primitive: minGru, settings: { hidden }, width, length, plain: plain(hidden) };
    checkMixer(of, { gradients: false });
  });
});

test("stays exact where states decay by e^-20 a step", () => {
  checkMixer({
    ...small,
    length: 12,
    change: (name, value, place) => (name === "input.bias" && place < 4 ? 20 : value),
  });
});

test("sees no later token", () => {
  checkCausal(small);
});
