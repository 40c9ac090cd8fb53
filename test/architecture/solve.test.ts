// Widths for budgets against trying every width.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ArchitectureInput, defineArchitecture } from "../../src/architecture/architecture.ts";
import { presetArchitecture, presets } from "../../src/architecture/presets.ts";
import {
  atShape,
  type Budget,
  costOf,
  flopConventions,
  parameterConventions,
  possibleWidths,
  solveWidths,
  stateConventions,
} from "../../src/architecture/solve.ts";
import { RequestError } from "../../src/errors.ts";

const shapes: readonly ArchitectureInput[] = [
  { vocabulary: 7, length: 4, width: 8, heads: 1, norm: "layerUnbiased", positions: "none", tie: true },
  { vocabulary: 7, length: 4, width: 8, heads: 2, positions: "rope", activation: "swiglu", feedforward: 20 },
  {
    vocabulary: 7,
    length: 4,
    width: 12,
    first: ["attention(heads: 2)"],
    stripe: ["attention(heads: 3)", "relu"],
    bias: true,
  },
];

const budgets = fc.oneof(
  fc.record({
    of: fc.constant("parameters" as const),
    value: fc.integer({ min: 1000, max: 15_000 }),
    convention: fc.constantFrom(...parameterConventions),
  }),
  fc.record({
    of: fc.constant("flops" as const),
    value: fc.integer({ min: 8000, max: 80_000 }),
    convention: fc.constantFrom(...flopConventions),
    tokens: fc.constantFrom(1, 1.5),
  }),
  fc.record({
    of: fc.constant("state" as const),
    value: fc.integer({ min: 200, max: 3000 }),
    convention: fc.constantFrom(...stateConventions),
  }),
);

/** The nearest of all widths up to where nothing can be nearer. */
function tryAll(architecture: ReturnType<typeof defineArchitecture>, budget: Budget, depth: number) {
  const { step, least } = possibleWidths(architecture);
  let best: { width: number; value: number } | undefined;
  for (let width = least; ; width += step) {
    const value = costOf(atShape(architecture, width, depth), budget);
    const distance = Math.abs(value - budget.value);
    if (best === undefined || distance < Math.abs(best.value - budget.value)) best = { width, value };
    if (value > 2 * budget.value) return best;
  }
}

test.each(shapes.map((shape, i) => [i, shape] as const))(
  "architecture %i: equals brute force",
  (_, shape) => {
    const architecture = defineArchitecture(shape);
    fc.assert(
      fc.property(budgets, fc.integer({ min: 1, max: 4 }), (budget, depth) => {
        const smallest = costOf(atShape(architecture, possibleWidths(architecture).least, depth), budget);
        fc.pre(smallest <= budget.value);
        const [solution] = solveWidths(architecture, budget, [depth]);
        expect(solution).toEqual({
          depth,
          ...tryAll(architecture, budget, depth),
          error: solution!.value / budget.value - 1,
        });
      }),
      { numRuns: 12, seed: 1 },
    );
  },
);

const budget = (value: number, convention: (typeof parameterConventions)[number] = "total"): Budget => ({
  of: "parameters",
  value,
  convention,
});

test("the five shapes of 50M, whose matrices have exactly 50,331,648 weights", () => {
  const architecture = presetArchitecture("wide-deep-50m-16");
  const solutions = solveWidths(architecture, budget(50_331_648, "kaplan"), [1, 4, 16, 64, 256]);
  expect(solutions.map(({ width }) => width)).toEqual([2048, 1024, 512, 256, 128]);
  expect(solutions.every(({ error }) => error === 0)).toBe(true);
});

test("at its own size every preset is found again", () => {
  for (const name of ["gpt2", "llama-7b", "pythia-160m", "mistral-7b"]) {
    const architecture = presetArchitecture(name);
    const value = costOf(architecture, budget(1));
    expect(solveWidths(architecture, budget(value), [architecture.repeat])).toEqual([
      { depth: architecture.repeat, width: architecture.width, value, error: 0 },
    ]);
  }
});

test("with parameter sources: widths and costs are those of the depth that is asked for", () => {
  const architecture = defineArchitecture({
    ...{ vocabulary: 7, length: 4, width: 8, repeat: 4, stripe: ["attention(heads: 2)", "swiglu"] },
    ...{ share: { period: 2 }, sources: ["lora(rank: 5)"] },
  });
  for (const depth of [2, 5]) {
    expect(possibleWidths(architecture, depth)).toEqual({ step: 2, least: 6 });
    const value = costOf(atShape(architecture, 24, depth), budget(1));
    expect(solveWidths(architecture, budget(value), [depth])).toEqual([
      { depth, width: 24, value, error: 0 },
    ]);
  }
  expect(() => solveWidths(architecture, budget(10_000), [1])).toThrow(
    new RequestError(
      "architecture: share: period is 2, and the stripe is repeated 1 times; expected at most 1",
    ),
  );
});

describe("widths are those that fit", () => {
  test.each<[string, ArchitectureInput, { step: number; least: number }]>([
    ["one head", shapes[0]!, { step: 1, least: 1 }],
    ["heads that turn pairs", shapes[1]!, { step: 4, least: 4 }],
    ["two numbers of heads", shapes[2]!, { step: 6, least: 6 }],
    ["a quarter of each head turned", presets.get("pythia-70m")!, { step: 16, least: 64 }],
    ["experts", { vocabulary: 7, length: 4, width: 8, stripe: ["hyena-experts"] }, { step: 8, least: 8 }],
  ])("%s", (_, shape, widths) => {
    expect(possibleWidths(defineArchitecture(shape))).toEqual(widths);
  });
});

describe("refused in one line", () => {
  const architecture = defineArchitecture(shapes[0]!);
  test("a budget below the smallest width, or above the widest", () => {
    expect(() => solveWidths(architecture, budget(100), [64])).toThrow(RequestError);
    expect(() => solveWidths(architecture, budget(100), [64])).toThrow(
      /^depth 64: no width meets 100 parameters \(total\), as the smallest one, 1, has 9\d\d; raise the budget/,
    );
    expect(() => solveWidths(architecture, budget(1e20), [1])).toThrow(
      "lower the budget or take more layers",
    );
  });
});
