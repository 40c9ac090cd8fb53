// Places of buffers: what is never needed together shares memory, and nothing more is kept than must be.
import { expect, test } from "vitest";
import {
  add,
  gradients,
  input,
  linear,
  mean,
  program,
  rmsNorm,
  softmax,
  square,
  swapLast,
  type Tensor,
  tanh,
} from "../../src/tensor/index.ts";
import { planFaults } from "./checkPlan.ts";
import { planFor, planOf } from "./harness.ts";

const ROWS = 256;
const WIDTH = 64;
const BYTES = ROWS * WIDTH * 4;

/** Values that have to be whole before the next one can begin. */
function deep(depth: number): Tensor {
  let y = input("x", [ROWS, WIDTH]);
  for (let i = 0; i < depth; i++) y = softmax(swapLast(tanh(y)));
  return y;
}

test("a long chain needs room for two of its values", () => {
  for (const depth of [4, 40]) {
    const plan = planFor(deep(depth));
    expect(plan.arenaBytes).toBeLessThanOrEqual(2.2 * BYTES);
    expect(planFaults(plan)).toEqual([]);
  }
});

test("rows that stay together need room for a group of them", () => {
  let y = input("x", [1024, WIDTH]);
  for (let i = 0; i < 6; i++) y = tanh(linear(rmsNorm(y), input(`w${i}`, [WIDTH, WIDTH])));
  const plan = planFor(y);
  // Prepared weights, and nothing of the rows.
  expect(plan.arenaBytes).toBeLessThan(6 * (WIDTH * WIDTH * 4 + 128) + 1024);
  expect(plan.localBytes).toBeLessThan((1024 * WIDTH * 4) / 4);
});

test("a deep network keeps what its gradient reads, once", () => {
  const memory = (depth: number) => {
    const weights = Array.from({ length: depth }, (_, i) => input(`w${i}`, [WIDTH, WIDTH]));
    const y = weights.reduce((h, w) => add(h, tanh(linear(h, w))), input("x", [ROWS, WIDTH]) as Tensor);
    const loss = mean(square(y));
    const updates = Object.fromEntries(
      gradients(loss, weights).map((g, i) => [`w${i}`, add(weights[i]!, g)]),
    );
    const plan = planOf(program({ loss }, updates));
    expect(planFaults(plan)).toEqual([]);
    return plan.arenaBytes;
  };
  // Of a layer: what enters it, and what tanh gave; more would be a value kept in vain.
  expect(memory(8) - memory(4)).toBeLessThanOrEqual(4 * 3.1 * BYTES);
});
