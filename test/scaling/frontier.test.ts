// Approaches 1 and 2 of Chinchilla on runs of a known law, and what they warn of.

import { expect, test } from "vitest";
import { fitEnvelope } from "../../src/scaling/envelope.ts";
import { approach2Bias, fitIsoflop, fitOptima } from "../../src/scaling/isoflop.ts";
import { predict } from "../../src/scaling/law.ts";
import { chinchilla, chinchillaOptimum } from "../../src/scaling/laws/chinchilla.ts";
import { hoffmannEnvelope } from "../../src/scaling/powerLaw.ts";

const equal = [400, 400, 1.7, 0.35, 0.35] as const;
const unequal = [482, 410, 1.7, 0.34, 0.22] as const;
const budgets = [1e18, 3e18, 1e19, 3e19, 1e20];

function ladder(constants: readonly number[], reach: number, sizes = 7, shift = 1) {
  const { a, G } = chinchillaOptimum(constants);
  return budgets.flatMap((flops) =>
    Array.from({ length: sizes }, (_, i) => {
      const parameters = shift * G * (flops / 6) ** a * reach ** ((2 * i) / (sizes - 1) - 1);
      return {
        parameters,
        flops,
        loss: predict(chinchilla, constants, [parameters, flops / (6 * parameters)]),
      };
    }),
  );
}

test("approach 2 finds the exponent and the sizes of a law with equal exponents", () => {
  const { constants, optima, intervals, diagnostics } = fitIsoflop(ladder(equal, 4), { bootstraps: 50 });
  expect(constants.a.value).toBeCloseTo(0.5, 6);
  const { a, G } = chinchillaOptimum(equal);
  for (const { flops, parameters } of optima) expect(parameters / (G * (flops / 6) ** a)).toBeCloseTo(1, 3);
  expect(intervals.method).toBe("bootstrap");
  expect(diagnostics).toEqual([]);
});

test("unequal exponents bias approach 2 on wide grids, which is said, and not on narrow ones", () => {
  const wide = fitIsoflop(ladder(unequal, 16), { bootstraps: 0 });
  expect(wide.diagnostics.map(({ kind }) => kind)).toEqual(["biased parabolas"]);
  expect(fitIsoflop(ladder(unequal, 2), { bootstraps: 0 }).diagnostics).toEqual([]);
  expect(approach2Bias(equal, [ladder(equal, 16).slice(0, 7), ladder(equal, 16).slice(7, 14)])).toEqual([]);
});

test("the side on which a vertex lies is that of its own points, and depths are called depths", () => {
  // Minima at 1e6, 1e6 and, below its own points alone, at 1e7.
  const at = (flops: number, centre: number, minimum: number) =>
    [0.25, 0.5, 1, 2, 4].map((factor) => ({
      parameters: centre * factor,
      flops,
      loss: 2 + 0.1 * Math.log((centre * factor) / minimum) ** 2,
    }));
  const runs = [...at(1e15, 1e6, 1e6), ...at(1e16, 1e6, 1e6), ...at(1e17, 1e8, 1e7)];
  expect(fitOptima(runs).diagnostics[0]!.text).toMatch(/e\+7 parameters.*train smaller models/);
  expect(fitOptima(runs, {}, "layers").diagnostics[0]!.text).toMatch(/e\+7 layers.*train shallower models/);
});

test("a vertex outside its points is left out and said; two must remain", () => {
  const runs = ladder(equal, 4);
  const cut = runs.filter(
    ({ flops, parameters }) => flops !== 1e20 || parameters < 1.2 * runs.at(-7)!.parameters * 2,
  );
  const shifted = [...ladder(equal, 4).slice(0, 28), ...ladder(equal, 2, 5, 5).slice(-5)];
  const { diagnostics, optima } = fitIsoflop(shifted, { bootstraps: 0 });
  expect(diagnostics[0]).toMatchObject({ kind: "vertex outside" });
  expect(optima).toHaveLength(4);
  expect(() => fitIsoflop(cut.slice(0, 7))).toThrow(/1 of 1 budgets/);
  expect(() => fitIsoflop(ladder(equal, 2, 5, 5))).toThrow(/0 of 5 parabolas/);
});

test("approach 1 follows the envelope of the curves of training", () => {
  const points = Array.from({ length: 40 }, (_, i) => 1e7 * 1.2 ** i).flatMap((parameters) =>
    Array.from({ length: 60 }, (_, i) => {
      const flops = 1e16 * 1.3 ** i;
      return { parameters, flops, loss: predict(chinchilla, equal, [parameters, flops / (6 * parameters)]) };
    }),
  );
  const inside = points.filter(({ flops }) => flops > 1e17 && flops < 1e21);
  const { constants } = fitEnvelope(inside, { bootstraps: 20 });
  expect(Math.abs(constants.a.value - 0.5)).toBeLessThan(0.02);
  expect(() => fitEnvelope(inside.filter(({ parameters }) => parameters < 1.3e7))).toThrow(
    /2 sizes|1 of 2|2 of 2/,
  );
});

test("the table of approach 1", () => {
  const table = [
    [4e8, 1.92e19, 8e9],
    [1e9, 1.21e20, 20.2e9],
    [1e10, 1.23e22, 205.1e9],
    [67e9, 5.76e23, 1.5e12],
    [175e9, 3.85e24, 3.7e12],
    [280e9, 9.9e24, 5.9e12],
    [520e9, 3.43e25, 11e12],
    [1e12, 1.27e26, 21.2e12],
  ] as const;
  const { k, a } = hoffmannEnvelope;
  for (const [parameters, flops, tokens] of table) {
    const found = k * flops ** a;
    expect(Math.abs(found / parameters - 1)).toBeLessThan(0.02);
    // 67 B and 1.5 T are rounded: their product is 5 % above the FLOPs in their row.
    expect(Math.abs(flops / (6 * found) / tokens - 1)).toBeLessThan(parameters === 67e9 ? 0.07 : 0.02);
  }
});
