// Hyena against its paper's equations in plain loops.
import fc from "fast-check";
import { expect, test } from "vitest";
import { countParameters } from "../../src/architecture/count.ts";
import { RequestError } from "../../src/errors.ts";
import { hyena } from "../../src/nn/hyena.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { rootScope } from "../../src/nn/scope.ts";
import { input } from "../../src/tensor/index.ts";
import { forAll, size } from "../tensor/harness.ts";
import { checkCausal, checkMixer, linear, type MixerCase } from "./mixers.ts";
import { type PlainOperator, plainOperator, WIDTH } from "./plainHyena.ts";

function hyenaCase(of: Partial<PlainOperator> & { expand?: number }, frequency = 2): MixerCase {
  const {
    order = 2,
    expand = 1,
    groups = 1,
    taps = 3,
    layers = 1,
    features = 5,
    length = 9,
    learned = false,
  } = of;
  const width = 3;
  const plain: PlainOperator = {
    order,
    groups,
    taps,
    layers,
    features,
    length,
    learned,
    inner: expand * width,
  };
  return {
    primitive: hyena,
    settings: {
      order,
      expand,
      taps,
      projectionGroups: groups,
      filterWidth: WIDTH,
      filterLayers: layers,
      positionFeatures: features,
      frequency,
      filterLength: length,
      learnedPositions: learned,
    },
    width,
    length: 6,
    plain: (x, p) => plainOperator(p, plain, x).map((row) => linear(p, "output", row, width, true)),
  };
}

test("equals its paper's equations, gradients by differences", () => {
  checkMixer(hyenaCase({}));
  checkMixer(hyenaCase({ order: 3, layers: 0, features: 3 }));
  checkMixer(hyenaCase({ expand: 4, groups: 4, learned: true, taps: 2 }), { gradients: false });
});

test("equals them in any shape", () => {
  const of = fc.record({
    order: fc.integer({ min: 2, max: 4 }),
    expand: size(3),
    taps: fc.integer({ min: 2, max: 4 }),
    layers: fc.nat(2),
    features: fc.constantFrom(3, 5, 7),
    length: fc.integer({ min: 6, max: 12 }),
    learned: fc.boolean(),
  });
  forAll(of, (shape) => checkMixer(hyenaCase(shape), { gradients: false }));
});

test("learns its positions where it is told to", () => {
  checkMixer(hyenaCase({ learned: true, length: 6 }));
});

test("goes on beyond the length that its filters are measured in", () => {
  checkMixer(hyenaCase({ length: 4 }), { gradients: false });
});

test("stays exact where filters decay by e^-3 to e^-15 a token", () => {
  // Decays are 3.07 to 15.35 over the length: a length of 2 makes them those of one token.
  checkMixer(hyenaCase({ length: 2 }), { gradients: false });
});

test("sees no later token", () => {
  checkCausal(hyenaCase({ order: 3 }));
});

test("mad-lab's layer has mad-lab's count", () => {
  const settings = {
    expand: 4,
    projectionGroups: 4,
    filterWidth: 4,
    positionFeatures: 3,
    frequency: 1,
    learnedPositions: true,
  };
  const module = hyena.configure("hyena", settings, { width: 128, standardDeviation: 0.02, length: 32 });
  const source = inputSource();
  module.apply(rootScope({ source }), input("x", [1, 32, 128]));
  expect(countParameters(source.declared).total).toBe(123_964 + 3 * 32);
});

test("what cannot work is one clear line", () => {
  const configure = (settings: Record<string, unknown>) =>
    hyena.configure("stripe[0]", settings, { width: 5, standardDeviation: 1, length: 8 });
  expect(() => configure({ positionFeatures: 4 })).toThrow(
    "stripe[0]: positionFeatures is 4; expected an odd number, one and two for each wave",
  );
  expect(() => configure({ projectionGroups: 4 })).toThrow(
    "stripe[0]: the 15 features of all projections are not divisible by projectionGroups 4; expected a divisor",
  );
  const learned = configure({ learnedPositions: true });
  expect(() => learned.apply(rootScope({ source: inputSource() }), input("x", [1, 9, 5]))).toThrow(
    RequestError,
  );
  expect(() => learned.state(1, 9)).toThrow("9 tokens is longer than the 8 learned positions");
});
