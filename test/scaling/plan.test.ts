// Plans: published optima and losses, every pair of what may be given, refusals, shapes.

import { describe, expect, test } from "vitest";
import { count } from "../../src/architecture/count.ts";
import { allocate, flopsOf } from "../../src/scaling/plan/allocate.ts";
import { ladderFor } from "../../src/scaling/plan/ladder.ts";
import { planModel } from "../../src/scaling/plan/plan.ts";
import { leastOnLine, planLawNames, planLawOf } from "../../src/scaling/plan/planLaw.ts";
import { shapeFor } from "../../src/scaling/plan/shape.ts";

const besiroglu = planLawOf("besiroglu");

test.each([
  ["hoffmann-rounded", 32.2e9, 2.98e12],
  ["hoffmann", 40.4e9, 2.38e12],
  ["besiroglu", 72.2e9, 1.33e12],
])("Chinchilla's budget by %s", (name, parameters, tokens) => {
  const found = planModel(planLawOf(name), { flops: 5.76e23 });
  expect(found.parameters / parameters).toBeCloseTo(1, 2);
  expect(found.tokens / tokens).toBeCloseTo(1, 2);
  expect(found.warnings[0]).toMatch(/^EXTRAPOLATION: 5.76e\+23 FLOP are 44 times above/);
  // The closed form is the minimum on the line of equal FLOPs.
  const searched = leastOnLine(planLawOf(name).loss!, 5.76e23);
  expect(searched.parameters / found.parameters).toBeCloseTo(1, 4);
});

test("losses of Gopher and Chinchilla", () => {
  const gopher = { parameters: 280e9, tokens: 300e9 };
  const chinchilla = { parameters: 70e9, tokens: 1.4e12 };
  const loss = (name: string, at: typeof gopher) => Number(planLawOf(name).loss!(at).toFixed(3));
  expect([loss("hoffmann", gopher), loss("hoffmann", chinchilla)]).toEqual([1.967, 1.921]);
  expect([loss("besiroglu", gopher), loss("besiroglu", chinchilla)]).toEqual([2, 1.974]);
  expect(flopsOf(gopher)).toBeCloseTo(5.04e23, -21);
  const [low, high] = planLawOf("besiroglu").interval!(chinchilla)!;
  expect(low).toBeLessThan(1.974);
  expect(high).toBeGreaterThan(1.974);
  expect(high - low).toBeLessThan(0.08);
});

test("Kaplan's and Chinchilla's advice for GPT-3's budget", () => {
  const kaplan = planModel(planLawOf("kaplan"), { flops: 3.15e23 });
  const approach1 = planModel(planLawOf("approach1"), { flops: 3.15e23 });
  expect(kaplan.parameters).toBeGreaterThan(500e9);
  expect(kaplan.tokens).toBeLessThan(200e9);
  expect(approach1.parameters).toBeGreaterThan(45e9);
  expect(approach1.parameters).toBeLessThan(55e9);
  expect(kaplan.flops).toBe(3.15e23);
});

describe("any one or two goals", () => {
  const loss = besiroglu.loss!;

  test("agree with each other", () => {
    const { parameters, tokens } = allocate(besiroglu, { flops: 1e21 });
    const target = loss({ parameters, tokens });
    for (const goal of [
      { parameters },
      { tokens },
      { loss: target },
      { flops: 1e21, parameters },
      { flops: 1e21, tokens },
      { parameters, tokens },
      { parameters, loss: target },
      { tokens, loss: target },
    ]) {
      const found = allocate(besiroglu, goal);
      expect(found.parameters / parameters).toBeCloseTo(1, 6);
      expect(found.tokens / tokens).toBeCloseTo(1, 6);
    }
  });

  test("a budget above what a loss needs gives the smallest model that meets it", () => {
    const found = allocate(besiroglu, { flops: 1e22, loss: 2.4 });
    expect(loss(found)).toBeCloseTo(2.4, 8);
    expect(found.parameters).toBeLessThan(besiroglu.optimum(1e22).parameters);
    expect(flopsOf(found)).toBeCloseTo(1e22, -12);
  });

  test("inference makes models smaller and is paid for", () => {
    const bare = allocate(besiroglu, { loss: 2.3 });
    const used = allocate(besiroglu, { loss: 2.3, inferenceTokens: 1e13 });
    expect(loss(used)).toBeCloseTo(2.3, 6);
    expect(used.parameters).toBeLessThan(bare.parameters);
    expect(flopsOf(used, 1e13)).toBeLessThan(flopsOf(bare, 1e13));
    for (const factor of [0.9, 1.1]) {
      const parameters = factor * used.parameters;
      expect(flopsOf(allocate(besiroglu, { loss: 2.3, parameters }), 1e13)).toBeGreaterThan(
        flopsOf(used, 1e13),
      );
    }
    const whole = allocate(besiroglu, { flops: 1e22, inferenceTokens: 1e11 });
    expect(flopsOf(whole, 1e11)).toBeCloseTo(1e22, -13);
  });

  test("a budget for both reaches a loss with what inference leaves, or is refused", () => {
    const inferenceTokens = 1e12;
    const cheapest = flopsOf(allocate(besiroglu, { loss: 2.3, inferenceTokens }), inferenceTokens);
    for (const flops of [cheapest, 2 * cheapest, 10 * cheapest]) {
      const found = allocate(besiroglu, { loss: 2.3, flops, inferenceTokens });
      expect(loss(found)).toBeCloseTo(2.3, 5);
      expect(flopsOf(found, inferenceTokens) / flops).toBeCloseTo(1, 9);
    }
    expect(() => allocate(besiroglu, { loss: 2.3, flops: 0.99 * cheapest, inferenceTokens })).toThrow(
      /a loss of 2.3 needs .* FLOP, inference of 1.00e\+12 tokens included, by law besiroglu; .* reach 2.3\d\d/,
    );
  });

  test("with inference to pay for, a size is optimal for fewer tokens of more, and for more of its own", () => {
    const inferenceTokens = 1e12;
    const [bare, used] = [{ parameters: 1e9 }, { parameters: 1e9, inferenceTokens }].map((goal) =>
      allocate(besiroglu, goal),
    );
    expect(used!.parameters / 1e9).toBeCloseTo(1, 6);
    expect(used!.tokens).toBeGreaterThan(2 * bare!.tokens);
    const total = flopsOf(used!, inferenceTokens);
    const again = allocate(besiroglu, { flops: total, inferenceTokens });
    expect(again.parameters / 1e9).toBeCloseTo(1, 4);
    const read = allocate(besiroglu, { tokens: used!.tokens, inferenceTokens });
    expect(read.parameters / 1e9).toBeCloseTo(1, 4);
  });

  test("what nothing meets is refused", () => {
    expect(() => allocate(besiroglu, {})).toThrow(/0 of FLOPs/);
    expect(() => allocate(besiroglu, { flops: 1, tokens: 1, loss: 1 })).toThrow(/3 of FLOPs/);
    expect(() => allocate(besiroglu, { loss: 1.7 })).toThrow(/not reached at any budget/);
    expect(() => allocate(besiroglu, { loss: 2, parameters: 1e7 })).toThrow(/any number of tokens/);
    expect(() => allocate(besiroglu, { loss: 2, flops: 1e20 })).toThrow(/needs .* FLOP/);
    expect(() => allocate(planLawOf("approach1"), { loss: 2 })).toThrow(/knows no loss/);
    expect(() => planLawOf("besirogl")).toThrow(/did you mean besiroglu/);
  });
});

test("unique tokens: repeated ones are worth less, and models become smaller", () => {
  const few = planModel(planLawOf("data-constrained", 2e9), { flops: 1e21, uniqueTokens: 2e9 });
  const many = planModel(planLawOf("data-constrained", 1e12), { flops: 1e21, uniqueTokens: 1e12 });
  expect(few.epochs).toBeGreaterThan(4);
  expect(few.effectiveTokens!).toBeLessThan(0.7 * few.tokens);
  expect(many.epochs).toBe(1);
  expect(few.loss!).toBeGreaterThan(many.loss!);
  expect(few.parameters).toBeLessThan(many.parameters);
});

test("unique tokens alone are read once by the model that is best for them", () => {
  const law = planLawOf("data-constrained", 2e10);
  const { tokens, epochs, parameters } = planModel(law, { uniqueTokens: 2e10 });
  expect([tokens / 2e10, epochs]).toEqual([expect.closeTo(1, 6), 1]);
  expect(parameters / allocate(law, { tokens: 2e10 }).parameters).toBeCloseTo(1, 9);
});

test("inference costs hours as well", () => {
  const plan = planModel(besiroglu, { gpuHours: 1000, inferenceTokens: 1e12 });
  expect(plan.cost.hours + plan.cost.inferenceHours).toBeCloseTo(1000, 3);
});

test.each(["mup", "depth-mup", "completep"] as const)(
  "under %s the rate is to be measured, and it is said how",
  (parametrisation) => {
    const { recipe } = planModel(besiroglu, { flops: 1e20, parametrisation });
    expect(recipe.rate).toBeNull();
    expect(recipe.rateRule).toMatch(/find the best rate on a .*model/);
    expect(planModel(besiroglu, { flops: 1e20 }).recipe.rate).toBeGreaterThan(0);
  },
);

test("hours of a device are FLOPs", () => {
  const { flops, cost } = planModel(besiroglu, { gpuHours: 1000, hardware: "a100", utilisation: 0.5 });
  expect(flops).toBe(1000 * 3600 * 312e12 * 0.5);
  expect(cost.hours).toBeCloseTo(1000, 6);
  expect(() => planModel(besiroglu, { gpuHours: 1, hardware: "a10" })).toThrow(/a100/);
});

test("a thousand times beyond the range of the runs is refused unless it is asked for", () => {
  expect(() => planModel(besiroglu, { flops: 1e26 })).toThrow(/7.7e\+3 times above.*--extrapolate/);
  expect(planModel(besiroglu, { flops: 1e26, extrapolate: true }).warnings[0]).toMatch(/^EXTRAPOLATION/);
  // A budget within the range, and a size that is not.
  const tiny = { flops: 1e20, parameters: 1e6 };
  expect(planModel(besiroglu, tiny).warnings).toEqual([
    expect.stringMatching(/^EXTRAPOLATION: 1.00e\+6 parameters are 57 times below the runs/),
    expect.stringMatching(/^EXTRAPOLATION: 1.67e\+13 tokens are 33 times above the runs/),
  ]);
  expect(() => planModel(besiroglu, { flops: 1e19, parameters: 1e4 })).toThrow(
    /parameters are 5.7e\+3 times below/,
  );
  expect(planModel(besiroglu, { flops: 1e22 }).warnings).toEqual([]);
  expect(() => planModel(besiroglu, { flops: 1e14 })).toThrow(/times below/);
});

test.each(planLawNames)("the alternatives of %s spend the same and are no better", (name) => {
  const { alternatives, loss } = planModel(planLawOf(name), { flops: 1e20, extrapolate: true });
  for (const one of alternatives) {
    if (name !== "kaplan") expect(one.flops / 1e20).toBeCloseTo(1, 6);
    if (one.loss !== null) expect(one.loss).toBeGreaterThanOrEqual(loss! - 1e-9);
  }
});

describe("shapes", () => {
  test("come near to the parameters, by Levine's depth", () => {
    for (const parameters of [1e7, 1.25e8, 1.3e9, 7e10]) {
      const shape = shapeFor({
        parameters,
        counting: "total",
        vocabulary: parameters < 1e8 ? 256 : 32_000,
        length: 1024,
      });
      expect(Math.abs(shape.parameters / parameters - 1)).toBeLessThan(0.2);
      expect(shape.heads * shape.headWidth).toBe(shape.width);
      expect(shape.attentionShare).toBe(1);
    }
  });

  test("give attention up for state that fits, as counted", () => {
    const request = { parameters: 2e8, counting: "total", vocabulary: 1000, length: 32 } as const;
    const shapes = [shapeFor({ ...request, length: 1024 })];
    while (shapes.at(-1)!.attentionShare > 0) {
      shapes.push(shapeFor({ ...request, length: 1024, stateBytes: shapes.at(-1)!.stateBytes - 1 }));
    }
    expect(shapes.map(({ attentionShare }) => attentionShare)).toEqual([1, 1, 0.25, 1 / 12, 0]);
    for (const { parameters } of shapes) expect(Math.abs(parameters / 2e8 - 1)).toBeLessThan(0.25);
    const short = [shapeFor(request), shapeFor({ ...request, stateBytes: shapeFor(request).stateBytes - 1 })];
    for (const { architecture, stateBytes } of short) {
      expect(2 * count(architecture).stateElements.kept).toBe(stateBytes);
    }
    expect(() => shapeFor({ ...request, stateBytes: 1e4 })).toThrow(/--state-memory/);
  });
});

test("a ladder costs what is asked, around the optimum of each of its budgets", () => {
  const { rungs, flops } = ladderFor(besiroglu, 1e18);
  expect(rungs).toHaveLength(35);
  expect(flops / 1e18).toBeCloseTo(1, 3);
  expect(() => ladderFor(besiroglu, 1e6)).toThrow(/raise the budget/);
});
