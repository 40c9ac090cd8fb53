// How often 95 % intervals hold the truth, over 200 repetitions of runs drawn from known laws: of fine-grained experts and of
// approaches 1 and 2. The other laws: bench/laws/coverage.js.
import { expect, test } from "vitest";
import { createRandom, type RandomStream } from "../../src/data/random.ts";
import { fitEnvelope } from "../../src/scaling/envelope.ts";
import { fitLaw, predictFitted } from "../../src/scaling/fit.ts";
import type { Estimate } from "../../src/scaling/intervals.ts";
import { fitOptima } from "../../src/scaling/isoflop.ts";
import { type Law, predict } from "../../src/scaling/law.ts";
import { chinchilla, chinchillaOptimum } from "../../src/scaling/laws/chinchilla.ts";
import { lawOf } from "../../src/scaling/laws/laws.ts";

const REPETITIONS = 200;
/** Of losses, as residuals of the published points of Chinchilla are: Student's t with four degrees of freedom. */
const NOISE = 0.005;

const normal = (random: RandomStream, at: number) =>
  Math.sqrt(-2 * Math.log(1 - random.uniform(at))) * Math.cos(2 * Math.PI * random.uniform(at + 1));

function student(random: RandomStream, at: number): number {
  const squares = [2, 4, 6, 8].reduce((sum, step) => sum + normal(random, at + step) ** 2, 0);
  return normal(random, at) / Math.sqrt(squares / 4);
}

function createTally() {
  const held = new Map<string, number>();
  return {
    add(name: string, { interval }: Estimate, truth: number) {
      if (interval === null) return;
      const isHeld = truth >= interval[0] && truth <= interval[1];
      held.set(name, (held.get(name) ?? 0) + Number(isHeld));
    },
    /**
     * 0.90 to 0.98 are asked for. Of intervals that hold the truth in 0.98 of all cases, 200 repetitions show 0.99 or more about once in
     * four times; so much is let through.
     */
    expectHonest() {
      for (const [name, count] of held) {
        expect(count / REPETITIONS, name).toBeGreaterThanOrEqual(0.9);
        expect(count / REPETITIONS, name).toBeLessThanOrEqual(0.99);
      }
    },
  };
}

const ranges: Readonly<Record<string, readonly [number, number]>> = {
  ...{ parameters: [1e7, 1e10], tokens: [1e8, 1e11], granularity: [1, 32] },
};
/** Ten times the largest sizes. */
const far: Readonly<Record<string, number>> = {
  parameters: 1e11,
  tokens: 1e12,
  granularity: 8,
  sparsity: 0.5,
};

/** Runs for ten constants each, log-uniform in sizes. */
function draw({ inputs: names }: Law, points: number, random: RandomStream): number[][] {
  return Array.from({ length: points }, (_, i) =>
    names.map((name, j) => {
      const [low, high] = ranges[name]!;
      const share = random.uniform(100 * i + j);
      return low * (high / low) ** share;
    }),
  );
}

test("moe-granularity", async () => {
  const published = lawOf("moe-granularity");
  const truth = Object.values(published.published)[0]!.values;
  // Intervals are looked at here, not the search: it begins at the truth.
  const starts = () => [published.regression.toFree(truth)];
  const law = { ...published, regression: { ...published.regression, starts } };
  const place = law.inputs.map((input) => far[input]!);
  const tally = createTally();
  for (let seed = 0; seed < REPETITIONS; seed++) {
    const random = createRandom(seed, 7);
    const inputs = draw(law, 10 * truth.length, random);
    const outputs = inputs.map(
      (row, i) => predict(law, truth, row) * Math.exp(NOISE * student(random, 100 * i + 20)),
    );
    const fitted = await fitLaw(law, { inputs, outputs }, { bootstraps: 100, seed });
    law.constants.forEach((constant, i) => {
      tally.add(constant, fitted.fit.constants[constant]!, truth[i]!);
    });
    tally.add("prediction", predictFitted(law, fitted, place), predict(law, truth, place));
  }
  tally.expectHonest();
});

/** With equal exponents valleys are parabolas enough. */
const equal = [400, 400, 1.7, 0.35, 0.35];
const { a, G } = chinchillaOptimum(equal);
const k = G * 6 ** -a;
const lossAt = (parameters: number, flops: number) =>
  predict(chinchilla, equal, [parameters, flops / (6 * parameters)]);

test.each([
  { sizes: 7, budgets: [1e18, 3e18, 1e19, 3e19, 1e20] },
  { sizes: 5, budgets: [1e18, 3e18, 1e19, 3e19] },
])("isoflop, $sizes sizes", ({ sizes, budgets }) => {
  const tally = createTally();
  for (let seed = 0; seed < REPETITIONS; seed++) {
    const random = createRandom(seed, 7);
    const runs = budgets.flatMap((flops, b) =>
      Array.from({ length: sizes }, (_, i) => {
        const parameters = k * flops ** a * 4 ** ((2 * i) / (sizes - 1) - 1);
        const noise = NOISE * student(random, 10 * (b * sizes + i));
        return { parameters, flops, loss: lossAt(parameters, flops) * Math.exp(noise) };
      }),
    );
    const { constants } = fitOptima(runs, { bootstraps: 200, seed });
    tally.add("a", constants.a, a);
    tally.add("k", constants.k, k);
  }
  tally.expectHonest();
});

test("envelope", () => {
  // Sizes reach beyond the best ones of the least and of the most FLOPs; otherwise the end sizes bend the line.
  const sizes = Array.from({ length: 30 }, (_, i) => 1e7 * 1.25 ** i);
  const flops = Array.from({ length: 19 }, (_, i) => 1.1e17 * 1.5 ** i);
  const tally = createTally();
  for (let seed = 0; seed < REPETITIONS; seed++) {
    const random = createRandom(seed, 7);
    // A curve is a run: all of it is a little too high or too low.
    const points = sizes.flatMap((parameters, i) => {
      const high = Math.exp(0.002 * student(random, 10 * i));
      return flops.map((at) => ({ parameters, flops: at, loss: lossAt(parameters, at) * high }));
    });
    const { constants } = fitEnvelope(points, { bootstraps: 60, seed });
    tally.add("a", constants.a, a);
    tally.add("k", constants.k, k);
  }
  tally.expectHonest();
});
