// Hyena experts against the definition in mad-lab's code and paper, in plain loops.
import { expect, test } from "vitest";
import { countParameters } from "../../src/architecture/count.ts";
import { hyenaExperts } from "../../src/nn/hyenaExperts.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { rootScope } from "../../src/nn/scope.ts";
import { input } from "../../src/tensor/index.ts";
import { checkCausal, checkMixer, linear, list, type MixerCase, total } from "./mixers.ts";
import { plainOperator, WIDTH } from "./plainHyena.ts";

function expertsCase(experts: number, chosen: number, others: "out" | "zero"): MixerCase {
  const width = 6;
  const operator = { order: 2, inner: width, groups: 1, taps: 2, layers: 1, features: 3, length: 8 };
  return {
    primitive: hyenaExperts,
    settings: {
      experts,
      chosen,
      others,
      taps: 2,
      filterWidth: WIDTH,
      filterLayers: 1,
      positionFeatures: 3,
      frequency: 2,
      filterLength: 8,
    },
    width,
    length: 5,
    plain(x, p) {
      return plainOperator(p, operator, x).map((row, t) => {
        const logits = linear(p, "router", x[t]!, experts, true);
        const least = [...logits].sort((a, b) => b - a)[chosen - 1]!;
        const kept = logits.map((logit) => (logit >= least ? logit : others === "zero" ? 0 : -Infinity));
        const all = total(experts, (e) => Math.exp(kept[e]!));
        const summed = list(width / experts, (i) =>
          total(experts, (e) => (Math.exp(kept[e]!) / all) * row[i * experts + e]!),
        );
        return linear(p, "output", summed, width, true);
      });
    },
  };
}

test("equals its definition, gradients by differences", () => {
  checkMixer(expertsCase(3, 2, "out"));
  checkMixer(expertsCase(3, 1, "zero"));
  checkMixer(expertsCase(2, 2, "out"), { gradients: false });
});

test("sees no later token", () => {
  checkCausal(expertsCase(3, 2, "zero"));
});

test("mad-lab's layer has mad-lab's count", () => {
  const settings = {
    filterWidth: 16,
    positionFeatures: 3,
    frequency: 1,
    learnedPositions: true,
    others: "zero",
  };
  const module = hyenaExperts.configure("hyena-experts", settings, {
    width: 128,
    standardDeviation: 0.02,
    length: 32,
  });
  const source = inputSource();
  module.apply(rootScope({ source }), input("x", [1, 32, 128]));
  expect(countParameters(source.declared).total).toBe(57_080 + 3 * 32);
});

test("experts that do not divide the width, or too many chosen, are one clear line", () => {
  const configure = (settings: Record<string, unknown>) =>
    hyenaExperts.configure("stripe[0]", settings, { width: 8, standardDeviation: 1 });
  expect(() => configure({ experts: 3 })).toThrow(
    "stripe[0]: inner width 8 is not divisible by experts 3; expected a divisor of it",
  );
  expect(() => configure({ experts: 4, chosen: 5 })).toThrow(
    "stripe[0]: chosen is 5; expected at most the 4 experts",
  );
});
