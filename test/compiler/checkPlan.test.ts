// The checker itself: it accepts real plans and finds what is broken in them.
import { expect, test } from "vitest";
import { encodePlan } from "../../src/backend/tape/encode.ts";
import type { Plan, Stage } from "../../src/compiler/plan.ts";
import {
  add,
  input,
  layerNorm,
  linear,
  matmul,
  multiply,
  type Program,
  program,
  reshape,
  scan,
  subtract,
  sum,
  tanh,
} from "../../src/tensor/index.ts";
import { planFaults } from "./checkPlan.ts";
import { planOf } from "./harness.ts";

/** Products, norms, a loop, a state and its old value. */
function mixed(): Program {
  const [x, w, h] = [input("x", [64, 16]), input("w", [16, 16]), input("h", [4, 16])];
  const y = linear(tanh(linear(layerNorm(x), w)), w);
  const z = matmul(tanh(matmul(y, input("v", [16, 64]))), tanh(y));
  const { carries, outputs } = scan(
    { length: 16, carries: [h], sequences: [reshape(multiply(y, 1.5), [16, 4, 16])] },
    ([state], [e]) => {
      const next = tanh(add(linear(state!, w), e!));
      return { carries: [next], outputs: [sum(next, [1])] };
    },
  );
  return program(
    { z, sums: outputs[0]!, change: subtract(carries[0]!, h) },
    { h: carries[0]!, w: add(w, 1) },
  );
}

function barriersOf(plan: Plan) {
  return encodePlan(plan, 4, 2);
}

test("a real plan has no fault", () => {
  const plan = planOf(mixed());
  expect(planFaults(plan, barriersOf(plan))).toEqual([]);
});

test("buffers alive together that share memory", () => {
  const plan = planOf(mixed());
  for (const buffer of plan.buffers) if (buffer.home === "arena") buffer.offset = 0;
  expect(planFaults(plan)[0]).toMatch(/reads buffer \d+\[\d+\] where the value of buffer \d+ is/);
});

test("local buffers that share memory", () => {
  const plan = planOf(mixed());
  const locals = plan.buffers.filter(({ home }) => home === "local");
  expect(locals.length).toBeGreaterThan(1);
  for (const buffer of locals) buffer.offset = 0;
  expect(planFaults(plan).length).toBeGreaterThan(0);
});

test("a state overwritten before its last reader", () => {
  const a = input("a", [8, 8]);
  const { stages, ...rest } = planOf(program({ old: matmul(a, a) }, { a: add(a, 1) }));
  expect(stages.length).toBeGreaterThan(1);
  expect(planFaults({ ...rest, stages })).toEqual([]);
  expect(planFaults({ ...rest, stages: [...stages].reverse() })[0]).toMatch(
    /where the (new )?value of buffer/,
  );
});

test("steps in the wrong order", () => {
  const plan = planOf(mixed());
  expect(planFaults({ ...plan, stages: [...plan.stages].reverse() }).length).toBeGreaterThan(0);
});

test("rows that do not align within a stage", () => {
  const plan = planOf(mixed());
  const all = plan.stages.filter(({ steps }) =>
    steps.every(({ kind }) => kind !== "loop" && kind !== "reduce"),
  );
  const joined: Stage = { groups: 16, steps: all.flatMap(({ steps }) => steps) };
  expect(planFaults({ ...plan, stages: [joined] }).length).toBeGreaterThan(0);
});

test("missing barriers", () => {
  const plan = planOf(mixed());
  const encoded = barriersOf(plan);
  const words = Int32Array.from(encoded.words);
  let found = 0;
  const visit = (from: number, to: number) => {
    for (let at = from; at < to; at += words[at + 1]!) {
      if (words[at] === 2) visit(at + 5, at + words[at + 1]!);
      else if (words[at + 4] === 1) {
        words[at + 4] = 0;
        if (planFaults(plan, { ...encoded, words }).length > 0) found++;
        words[at + 4] = 1;
      }
    }
  };
  visit(0, words.length);
  expect(found).toBeGreaterThan(5);
});
