// Multi-head Hyena against its paper's equations in plain loops.
import fc from "fast-check";
import { expect, test } from "vitest";
import { countParameters } from "../../src/architecture/count.ts";
import { multiHeadHyena } from "../../src/nn/multiHeadHyena.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { rootScope } from "../../src/nn/scope.ts";
import { input } from "../../src/tensor/index.ts";
import { forAll, size } from "../tensor/harness.ts";
import { checkCausal, checkMixer, linear, list, type MixerCase, total } from "./mixers.ts";
import { plainFilter, plainProjections, WIDTH } from "./plainHyena.ts";

const filter = { layers: 1, features: 3, length: 8 };

function multiHeadCase(heads: number, head: number, groups: number): MixerCase {
  const width = heads * head;
  return {
    primitive: multiHeadHyena,
    settings: {
      heads,
      taps: 2,
      projectionGroups: groups,
      filterWidth: WIDTH,
      filterLayers: filter.layers,
      positionFeatures: filter.features,
      frequency: 2,
      filterLength: filter.length,
    },
    width,
    length: 5,
    plain(x, p) {
      const projected = plainProjections(p, { groups, taps: 2 }, x, 3 * width);
      const part = (t: number, which: number, g: number, i: number) =>
        projected[t]![which * width + g * head + i]!;
      const filters = x.map((_, t) => plainFilter(p, filter, t, heads));
      return x.map((_, t) => {
        const mixed = list(width, (d) => {
          const [g, j] = [Math.floor(d / head), d % head];
          return total(head, (i) => {
            const outer = (s: number) => part(s, 2, g, i) * part(s, 1, g, j);
            const far = total(t + 1, (lag) => filters[lag]![g]! * outer(t - lag));
            return part(t, 0, g, i) * (far + p("skip")(g) * outer(t));
          });
        });
        return linear(p, "output", mixed, width, true);
      });
    },
  };
}

test("equals its paper's equations, gradients by differences", () => {
  checkMixer(multiHeadCase(2, 3, 1));
  checkMixer(multiHeadCase(4, 1, 4), { gradients: false });
});

test("equals them in any shape", () => {
  forAll(fc.record({ heads: size(4), head: size(4) }), ({ heads, head }) =>
    checkMixer(multiHeadCase(heads, head, 1), { gradients: false }),
  );
});

test("sees no later token", () => {
  checkCausal(multiHeadCase(2, 2, 1));
});

test("mad-lab's layer has mad-lab's count", () => {
  const settings = {
    projectionGroups: 4,
    filterWidth: 2,
    positionFeatures: 3,
    frequency: 1,
    learnedPositions: true,
  };
  const module = multiHeadHyena.configure("mh-hyena", settings, {
    width: 128,
    standardDeviation: 0.02,
    length: 32,
  });
  const source = inputSource();
  module.apply(rootScope({ source }), input("x", [1, 32, 128]));
  expect(countParameters(source.declared).total).toBe(30_478 + 3 * 32);
});

test("heads that do not divide the width are one clear line", () => {
  expect(() => multiHeadHyena.configure("stripe[0]", {}, { width: 12, standardDeviation: 1 })).toThrow(
    "stripe[0]: width 12 is not divisible by heads 8; expected a divisor of width, such as 6",
  );
});
