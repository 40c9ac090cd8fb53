// Values computed again: the plan keeps the two computations apart, in order, and needs less memory for it.
import { expect, test } from "vitest";
import { type Architecture, defineArchitecture } from "../../src/architecture/architecture.ts";
import { gradients, hold, input, linear, program, square, sum, tanh } from "../../src/tensor/index.ts";
import { createOptimizer } from "../../src/train/optimizers.ts";
import { type StepOptions, trainingStep } from "../../src/train/step.ts";
import { planFaults } from "./checkPlan.ts";
import { kindsOf, planOf } from "./harness.ts";

const deep = defineArchitecture({ vocabulary: 32, length: 64, width: 32, layers: 12, heads: 2 });
const small = defineArchitecture({ vocabulary: 64, length: 16, width: 8, layers: 2, heads: 1 });

function planOfStep(architecture: Architecture, settings: Partial<StepOptions>) {
  const { length } = architecture;
  const options = { batch: 8, length, microBatches: 1, clip: 1, decay: "all", ...settings } as const;
  const step = trainingStep(architecture, { ...options, optimizer: createOptimizer("adamw") });
  return planOf(step.accumulate ?? step.update);
}

test.each([1, 2])("a deep step needs a fraction of the memory, in %i parts", (microBatches) => {
  const { arenaBytes } = planOfStep(deep, { microBatches });
  for (const [recompute, share] of [
    [1, 0.4],
    [4, 0.4],
    [12, 0.65],
  ] as const) {
    expect(planOfStep(deep, { microBatches, recompute }).arenaBytes).toBeLessThan(share * arenaBytes);
  }
});

test("weights' gradients are added to those before as soon as they are there", () => {
  // Of 24 modules' gradients none waits for the end of the pass with what it is made of.
  const parts = planOfStep(deep, { microBatches: 2 });
  expect(parts.arenaBytes).toBeLessThan(0.65 * planOfStep(deep, {}).arenaBytes);
});

test("logits in parts are never there together", () => {
  const wide = { ...deep, vocabulary: 2048, repeat: 1 };
  const logits = 8 * 64 * 2048 * 4;
  expect(planOfStep(wide, {}).arenaBytes).toBeGreaterThan(logits);
  expect(planOfStep(wide, { lossParts: 8 }).arenaBytes).toBeLessThan(0.6 * logits);
});

test("every value is written before it is read, and not overwritten before it is read again", () => {
  for (const settings of [{ recompute: 1 }, { recompute: 2, microBatches: 2, lossParts: 4 }]) {
    expect(planFaults(planOfStep(small, { batch: 2, ...settings }))).toEqual([]);
  }
});

test("what is held is not merged with what is not", () => {
  const x = input("x", [64, 16]);
  const w = input("w", [16, 16]);
  const first = tanh(linear(x, w));
  const [slope] = gradients(sum(square(first)), [x]);
  const products = (second: typeof first) =>
    kindsOf(planOf(program({ a: sum(first), slope: slope!, b: sum(square(second)) }))).contract;
  expect(products(tanh(linear(hold(x, slope!), w)))).toBe(products(tanh(linear(x, w)))! + 1);
});
