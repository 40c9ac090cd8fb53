// Fits: the published ones to the digit, the mistake of averaging, runs drawn from known laws.

import { describe, expect, test } from "vitest";
import { RequestError } from "../../src/errors.ts";
import { countingConvention, judgeConstants } from "../../src/scaling/diagnose.ts";
import { fitLaw } from "../../src/scaling/fit.ts";
import { type Law, predict } from "../../src/scaling/law.ts";
import { chinchilla, chinchillaOptimum } from "../../src/scaling/laws/chinchilla.ts";
import { lawOf, laws } from "../../src/scaling/laws/laws.ts";
import { type Minimum, minimise } from "../../src/scaling/minimise.ts";
import { observe, type Runs, summedObjective } from "../../src/scaling/objective.ts";
import { chinchillaFile, chinchillaRuns, drawRuns, trueConstants } from "./data.ts";

describe.skipIf(chinchillaFile === null)("the points of Hoffmann et al.", () => {
  test("Besiroglu's fit to the digit", async () => {
    const { fit } = await fitLaw(chinchilla, chinchillaRuns(chinchillaFile!), { bootstraps: 300 });
    const { A, B, E, alpha, beta } = fit.constants;
    expect(Math.abs(A!.value - 477.8)).toBeLessThan(0.5);
    expect(Math.abs(B!.value - 2143)).toBeLessThan(2);
    expect(E!.value).toBeCloseTo(1.8172, 4);
    expect(alpha!.value).toBeCloseTo(0.3473, 4);
    expect(beta!.value).toBeCloseTo(0.3672, 4);
    expect(fit.derived.a!.value).toBeCloseTo(0.514, 3);
    expect(fit.objective).toBeCloseTo(0.0010183, 7);
    expect(fit.points).toBe(240);
    // With 4,000 bootstraps they are within a tenth of the published ones, with 300 within a fifth.
    for (const [estimate, error] of [
      [A, 124.5],
      [E, 0.026],
      [alpha, 0.015],
      [beta, 0.021],
      [fit.derived.a, 0.02],
    ] as const) {
      expect(Math.abs(estimate!.standardError! / error - 1)).toBeLessThan(0.2);
    }
  });

  test("averaging instead of summing stops early, and is caught", () => {
    const observations = observe(chinchilla, chinchillaRuns(chinchillaFile!));
    const sum = summedObjective(chinchilla, observations);
    const points = observations.targets.length;
    const mean = (x: Float64Array, gradient: Float64Array) => {
      const value = sum(x, gradient) / points;
      gradient.forEach((g, i) => {
        gradient[i] = g / points;
      });
      return value;
    };
    // SciPy's defaults for L-BFGS-B.
    const stop = { gradient: 1e-5, decrease: 2.22e-9, floor: 1, iterations: 15_000 };
    const found = chinchilla.regression.starts(observations).map((start) => minimise(mean, start, stop));
    const best = found.reduce((least: Minimum, one) => (one.value < least.value ? one : least));
    const constants = chinchilla.regression.toConstants(best.x);
    expect(constants[2]).toBeCloseTo(2.05, 2);
    expect(Math.abs(chinchillaOptimum(constants).a - 0.456)).toBeLessThan(0.001);
    const caught = judgeConstants(chinchilla, observations, constants);
    expect(caught.reached).toBeCloseTo(0.0010183, 7);
    expect(caught.diagnostics[0]!.text).toMatch(/no minimum.*averages instead of summing/);
    // The published fit of Hoffmann et al. is caught as well, the right one is not.
    expect(
      judgeConstants(chinchilla, observations, chinchilla.published.hoffmann!.values).diagnostics,
    ).toHaveLength(1);
    expect(
      judgeConstants(chinchilla, observations, [477.8, 2143.4, 1.8172, 0.3473, 0.3672]).diagnostics,
    ).toEqual([]);
  });
});

test.each(laws.map((law) => [law.name, law] as const))(
  "%s gives back the constants that exact runs were drawn with",
  async (_, law) => {
    const constants = trueConstants(law);
    const { fit, constants: found } = await fitLaw(law, drawRuns(law, constants, 60, 0, 3), {
      bootstraps: 0,
    });
    expect(fit.goodness.rSquared).toBeGreaterThan(1 - 1e-7);
    const free = law.regression.toFree(constants);
    law.regression.toFree(found).forEach((value, i) => {
      expect(Math.abs(value - free[i]!)).toBeLessThan(0.02 * Math.max(1, Math.abs(free[i]!)));
    });
  },
);

test("resamplings are the same on two threads as on none, and can be stopped", async () => {
  const runs = drawRuns(chinchilla, trueConstants(chinchilla), 60, 0.01, 1);
  const alone = await fitLaw(chinchilla, runs, { bootstraps: 21, seed: 4 });
  const shared = await fitLaw(chinchilla, runs, { bootstraps: 21, seed: 4, threads: 2 });
  expect(shared.samples).toEqual(alone.samples);
  expect(shared.fit).toEqual(alone.fit);
  const stop = new AbortController();
  const stopped = fitLaw(chinchilla, runs, { bootstraps: 100_000, threads: 2, signal: stop.signal });
  setTimeout(() => stop.abort(new Error("enough")), 50);
  await expect(stopped).rejects.toThrow("enough");
});

test("runs are drawn where residuals are squared, weighted where most count linearly", async () => {
  const weighting = async (law: Law, noise: number) => {
    const runs = drawRuns(law, trueConstants(law), 50, noise, 1);
    const fitted = await fitLaw(law, runs, { bootstraps: 3 });
    return fitted.weighting;
  };
  expect(await weighting(chinchilla, 0.005)).toBe("weighted");
  expect(await weighting(chinchilla, 0.0002)).toBe("drawn");
  expect(await weighting(lawOf("kaplan-n"), 0.005)).toBe("drawn");
});

test("few runs have wider intervals by the linear approximation, as many as constants none, fewer are refused", async () => {
  const of = (points: number) =>
    fitLaw(chinchilla, drawRuns(chinchilla, trueConstants(chinchilla), points, 0.005, 2), { bootstraps: 50 });
  const [few, exact, many] = [await of(9), await of(5), await of(50)];
  expect(few.fit.intervals.method).toBe("linearised");
  const [low, high] = few.fit.constants.alpha!.interval!;
  expect(low).toBeLessThan(few.fit.constants.alpha!.value);
  expect(high).toBeGreaterThan(few.fit.constants.alpha!.value);
  expect(exact.fit.intervals.method).toBe("none");
  expect(exact.fit.constants.E!.interval).toBeNull();
  expect(many.fit.intervals.method).toBe("bootstrap");
  await expect(of(4)).rejects.toThrow(/4 runs for 5 constants/);
  await expect(of(4)).rejects.toThrow(RequestError);
});

test("an exponent of either sign has Student's interval around itself, a factor one that stays positive", async () => {
  const states = [100, 200, 400, 800];
  const wobble = [1.02, 0.99, 1, 1.01];
  const of = async (c: number) => {
    const outputs = states.map((state, i) => 4 * state ** c * wobble[i]!);
    const runs = { inputs: states.map((state) => [state]), outputs };
    return (await fitLaw(lawOf("state"), runs, { bootstraps: 0 })).fit.constants;
  };
  for (const exponent of [0.005, -0.02]) {
    const { c, k } = await of(exponent);
    const half = 4.302653 * c!.standardError!;
    expect(c!.interval![0]).toBeCloseTo(c!.value - half, 6);
    expect(c!.interval![1]).toBeCloseTo(c!.value + half, 6);
    const [low, high] = k!.interval!;
    expect(low).toBeGreaterThan(0);
    expect(low * high).toBeCloseTo(k!.value ** 2, 6);
  }
});

test("constants that the runs leave open have no interval, resampled or not, and it is said", async () => {
  const runs = drawRuns(chinchilla, trueConstants(chinchilla), 60, 0.005, 3);
  const inputs = runs.inputs.map(([size]) => [size!, 1e10]);
  const outputs = inputs.map((row) => predict(chinchilla, trueConstants(chinchilla), row));
  for (const count of [60, 20]) {
    const some = { inputs: inputs.slice(0, count), outputs: outputs.slice(0, count) };
    const { fit } = await fitLaw(chinchilla, some, { bootstraps: 50 });
    expect(fit.diagnostics[0]!.kind).toBe("undetermined");
    expect(fit.intervals.method).toBe("none");
    expect(fit.covariance).toBeNull();
    for (const { interval } of Object.values({ ...fit.constants, ...fit.derived })) {
      expect(interval).toBeNull();
    }
  }
});

test("constants that make up for each other have no interval, and it is said", async () => {
  const { regression, ...law } = lawOf("moe-sparsity");
  const truth = trueConstants({ regression, ...law });
  // The search is no matter here: it begins at the truth.
  const starts = () => [regression.toFree(truth)];
  const near = { ...law, regression: { ...regression, starts } };
  const { fit } = await fitLaw(near, drawRuns(near, truth, 30, 0.005, 1));
  expect(fit.constants.gamma!.interval).toBeNull();
  expect(fit.constants.alpha!.interval).not.toBeNull();
  expect(fit.diagnostics.map(({ kind }) => kind)).toContain("no interval");
});

describe("doubts", () => {
  const kinds = async (runs: Runs) =>
    (await fitLaw(chinchilla, runs, { bootstraps: 0 })).fit.diagnostics.map(({ kind }) => kind);

  test("noise is a poor fit, a narrow range is said, a good fit is not doubted", async () => {
    const good = drawRuns(chinchilla, trueConstants(chinchilla), 60, 0.005, 6);
    expect(await kinds(good)).not.toContain("poor fit");
    const random = drawRuns(chinchilla, trueConstants(chinchilla), 60, 0.2, 6);
    expect((await kinds(random))[0]).toBe("poor fit");
    const inputs = good.inputs.map(([, tokens], i) => [1e9 * (1 + i / 60), tokens!]);
    expect(await kinds({ inputs, outputs: good.outputs })).toContain("narrow range");
  });

  test("FLOPs that do not count what parameters count", () => {
    const sizes = [7.4e7, 3e8, 1.6e9, 7e9];
    const runs = (ratio: (n: number) => number) =>
      sizes.map((parameters) => ({ parameters, tokens: 1e10, flops: ratio(parameters) * 6e10 * parameters }));
    expect(countingConvention(runs(() => 1))).toEqual([]);
    // Embeddings of 32,000 tokens that only the FLOPs count.
    const text = (ratio: (n: number) => number) => countingConvention(runs(ratio))[0]!.text;
    expect(text((n) => 1 + 3e7 / n)).toMatch(
      /1\.4.* times 6·N·D: the parameters seem to leave embeddings out/,
    );
    expect(text(() => 1 / 3)).toMatch(/forward pass alone/);
  });
});
