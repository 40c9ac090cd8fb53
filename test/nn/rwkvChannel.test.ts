// RWKV's channel mixing against its paper's equations in plain loops.
import { expect, test } from "vitest";
import { countParameters } from "../../src/architecture/count.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { rwkvChannel } from "../../src/nn/rwkvChannel.ts";
import { rootScope } from "../../src/nn/scope.ts";
import { input } from "../../src/tensor/index.ts";
import { checkCausal, checkMixer, linear, type MixerCase, sigmoid } from "./mixers.ts";

const small: MixerCase = {
  primitive: rwkvChannel,
  settings: { feedforward: 6 },
  width: 4,
  length: 5,
  plain: (x, p) =>
    x.map((row, t) => {
      const mixed = (name: string) =>
        row.map((now, d) => {
          const share = p(`${name}.share`)(d);
          return share * now + (1 - share) * (x[t - 1]?.[d] ?? 0);
        });
      const hidden = linear(p, "key", mixed("key"), 6).map((value) => Math.max(value, 0) ** 2);
      const gate = linear(p, "gate", mixed("gate"), 4).map(sigmoid);
      return linear(p, "value", hidden, 4).map((value, d) => gate[d]! * value);
    }),
};

test("equals its paper's equations, gradients by differences", () => {
  checkMixer(small);
});

test("sees no later token", () => {
  checkCausal(small);
});

test("mad-lab's layer has mad-lab's count and state", () => {
  const module = rwkvChannel.configure("rwkv-channel", {}, { width: 128, standardDeviation: 0.02 });
  const source = inputSource();
  module.apply(rootScope({ source }), input("x", [1, 8, 128]));
  expect(countParameters(source.declared).total).toBe(147_712);
  expect(module.kept(1000)).toBe(128);
});
