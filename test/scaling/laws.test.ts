// The laws against what their papers print, and their gradients against differences.

import { describe, expect, test } from "vitest";
import { predict } from "../../src/scaling/law.ts";
import { chinchilla } from "../../src/scaling/laws/chinchilla.ts";
import { dataConstrained, valueOfEpochs } from "../../src/scaling/laws/dataConstrained.ts";
import { levineShape } from "../../src/scaling/laws/depth.ts";
import { bestGranularity } from "../../src/scaling/laws/granularity.ts";
import {
  kaplanCriticalBatch,
  kaplanFrontier,
  kaplanLeast,
  kaplanRate,
} from "../../src/scaling/laws/kaplan.ts";
import { laws } from "../../src/scaling/laws/laws.ts";
import { routedHash, routedReinforced, routedSinkhorn } from "../../src/scaling/laws/routed.ts";
import { bestSparsity } from "../../src/scaling/laws/sparsity.ts";
import { observe, summedObjective } from "../../src/scaling/objective.ts";
import { drawRuns, trueConstants } from "./data.ts";

test.each(laws.map((law) => [law.name, law] as const))(
  "the gradient of %s is that of its value",
  (_, law) => {
    const { features, evaluate, toFree, toConstants } = law.regression;
    const constants = trueConstants(law);
    const free = toFree(constants);
    toConstants(free).forEach((value, i) => {
      expect(value / constants[i]!).toBeCloseTo(1, 9);
    });
    const scratch = new Float64Array(free.length);
    for (const inputs of drawRuns(law, constants, 20, 0, 5).inputs) {
      const row = features(inputs);
      const gradient = new Float64Array(free.length);
      expect(evaluate(free, row, 0, gradient)).toBeCloseTo(Math.log(predict(law, constants, inputs)), 9);
      free.forEach((at, i) => {
        const step = 1e-5 * Math.max(1, Math.abs(at));
        const moved = (by: number) =>
          evaluate(
            free.map((x, j) => (j === i ? x + by : x)),
            row,
            0,
            scratch,
          );
        const slope = (moved(step) - moved(-step)) / (2 * step);
        expect(Math.abs(gradient[i]! - slope)).toBeLessThan(1e-6 * Math.max(1, Math.abs(slope)));
      });
    }
  },
);

test.each(
  laws.filter(({ regression }) => regression.batch !== undefined).map((law) => [law.name, law] as const),
)("%s of many runs at once is the sum of one after another", (_, law) => {
  const runs = drawRuns(law, trueConstants(law), 30, 0.05, 2);
  const observations = observe(law, runs);
  const weights = runs.outputs.map((_, i) => 1 + (i % 3));
  const { batch: __, ...regression } = law.regression;
  const free = Float64Array.from(law.regression.toFree(trueConstants(law)), (x) => 1.01 * x);
  const [together, apart] = [new Float64Array(free.length), new Float64Array(free.length)];
  const value = summedObjective(law, observations, weights)(free, together);
  expect(value / summedObjective({ ...law, regression }, observations, weights)(free, apart)).toBeCloseTo(
    1,
    12,
  );
  together.forEach((slope, i) => {
    expect(Math.abs(slope - apart[i]!)).toBeLessThan(1e-10 * Math.max(...apart.map(Math.abs)));
  });
});

test("formulas written once more, by hand", () => {
  const [N, D] = [1e9, 2e10];
  const [A, B, E, alpha, beta] = chinchilla.published.besiroglu!.values;
  expect(predict(chinchilla, [A!, B!, E!, alpha!, beta!], [N, D])).toBeCloseTo(
    E! + A! / N ** alpha! + B! / D ** beta!,
    10,
  );
  const byName = new Map(
    laws.map((law) => [law.name, (inputs: number[]) => predict(law, trueConstants(law), inputs)]),
  );
  expect(byName.get("kaplan-n")!([N])).toBeCloseTo((8.8e13 / N) ** 0.076, 9);
  expect(byName.get("kaplan-cmin")!([8.64e19])).toBeCloseTo(3.1e8 ** 0.05, 9);
  expect(byName.get("kaplan-nd")!([N, D])).toBeCloseTo(
    ((6.4e13 / N) ** (0.076 / 0.103) + 1.8e13 / D) ** 0.103,
    9,
  );
  expect(byName.get("kaplan-ns")!([N, 1e5])).toBeCloseTo((6.5e13 / N) ** 0.077 + (2.1e3 / 1e5) ** 0.76, 9);
  expect(byName.get("moe-granularity")!([N, D, 8])).toBeCloseTo(
    0.47 + (2.1 / 8 ** 0.58 + 18.1) / N ** 0.115 + 30.8 / D ** 0.147,
    9,
  );
  expect(byName.get("moe-sparsity")!([N, D, 0.9])).toBeCloseTo(
    16612.5 / N ** 0.5962 +
      5455.67 / D ** 0.3954 +
      0.4598 / 0.1 ** -0.1666 +
      17.26 / (0.1 ** 0.1603 * N ** 0.1595) +
      0.94,
    9,
  );
  expect(byName.get("growth")!([N, 1e21])).toBeCloseTo(10 ** (0.88 * 9 + 163.27 / 21 - 5.74), -3);
});

test("Kaplan: GPT-3's budget, critical batch, least steps and compute, the rate", () => {
  const { parameters, tokens } = kaplanFrontier(3.15e23);
  expect(parameters / 518e9).toBeCloseTo(1, 2);
  expect(tokens / 183e9).toBeCloseTo(1, 2);
  expect(predict(kaplanCriticalBatch, [2.1e8, 0.21], [2])).toBeCloseTo(2.1e8 / 2 ** (1 / 0.21), 3);
  expect(kaplanLeast({ steps: 100, batch: 10, flops: 30 }, 10)).toEqual({ steps: 50, flops: 15 });
  expect(kaplanRate(1e9)).toBeCloseTo(0.000348, 6);
});

test("Muennighoff's table of what repeated tokens are worth", () => {
  const worth = [1, 2, 4, 8, 16, 40].map((epochs) => Number(valueOfEpochs(epochs).toFixed(3)));
  expect(worth).toEqual([1, 0.984, 0.931, 0.828, 0.661, 0.379]);
  const law = (inputs: number[]) =>
    predict(dataConstrained, dataConstrained.published.muennighoff!.values, inputs);
  // One epoch of fresh data, with as many parameters as are optimal for it or fewer, is the law without repetition.
  expect(law([1e9, 1e11, 1e11])).toBeCloseTo(1.869 + 520.8 / 1e9 ** 0.35266 + 1487.7 / 1e11 ** 0.35266, 3);
  expect(law([1e9, 1e11, 1e10])).toBeGreaterThan(law([1e9, 1e11, 1e11]));
});

test("Levine's depths", () => {
  const shapes = [
    [10e6, 10.7, 279],
    [25e6, 15.6, 366],
    [50.3e6, 19.7, 461],
    [125e6, 25.6, 638],
    [1.3e9, 42, 1603],
  ] as const;
  for (const [parameters, depth, width] of shapes) {
    const shape = levineShape(parameters);
    expect(Math.abs(shape.depth - depth)).toBeLessThan(0.2);
    expect(Math.abs(shape.width - width)).toBeLessThan(1);
  }
  expect(Math.round(levineShape(1.03e12).depth)).toBe(95);
  expect(Math.round(levineShape(164e9).depth)).toBe(80);
  expect(levineShape(164e9).width / 13.1e3).toBeCloseTo(1, 2);
});

describe("mixtures of experts", () => {
  test("with one expert the three routings of Clark et al. are one dense model", () => {
    const dense = [routedSinkhorn, routedReinforced, routedHash].map((law) =>
      predict(law, trueConstants(law), [1e9, 1]),
    );
    for (const loss of dense) expect(Math.abs(loss - 2.28)).toBeLessThan(0.015);
  });

  test("the best granularity grows with the budget", () => {
    const at = (width: number, layers: number, flops: number) =>
      bestGranularity({ width, layers, expansion: 64 }, flops).granularity;
    expect(at(512, 8, 1e19)).toBeLessThanOrEqual(at(4096, 32, 1e23));
    expect(at(4096, 32, 1e23)).toBeGreaterThanOrEqual(16);
  });

  test("the best granularity at the best size is the published one: 8 at 1e18 FLOP, 64 at 1e25", () => {
    const best = (flops: number) => {
      const tried = Array.from({ length: 120 }, (_, i) => 2 * 1.04 ** i).map((layers) =>
        bestGranularity({ width: 64 * layers, layers, expansion: 64 }, flops),
      );
      return tried.reduce((least, one) => (one.loss < least.loss ? one : least));
    };
    expect([1e18, 1e25].map((flops) => best(flops).granularity)).toEqual([8, 64]);
  });

  test("the best sparsity grows with the parameters", () => {
    const at = (parameters: number) => bestSparsity({ parameters, flops: 1e20 }).sparsity;
    expect(at(1e11)).toBeGreaterThan(at(1e9));
  });
});
