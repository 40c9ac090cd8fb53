// What a scan becomes: which steps its loop repeats, what it keeps and where.
import { describe, expect, test } from "vitest";
import {
  add,
  concatenate,
  gradients,
  input,
  linear,
  matmul,
  multiply,
  program,
  scan,
  sine,
  square,
  sum,
  type Tensor,
  tanh,
} from "../../src/tensor/index.ts";
import { planFaults } from "./checkPlan.ts";
import { kindsOf, planOf, stepsOf } from "./harness.ts";

const [length, batch, width] = [20, 4, 64];
const x = input("x", [length, batch, width]);
const w = input("w", [width, width]);
const h = input("h", [batch, width]);

/** h ← tanh(h·w + x), every h an output. */
function recurrent() {
  return scan({ length, carries: [h], sequences: [x], constants: [w] }, ([c], [e], [k]) => {
    const next = tanh(add(matmul(c!, k!), e!));
    return { carries: [next], outputs: [next] };
  });
}

const loopsOf = (results: Record<string, Tensor>) => {
  const plan = planOf(program(results));
  expect(planFaults(plan)).toEqual([]);
  const loops = stepsOf(plan.stages).filter((step) => step.kind === "loop");
  return { plan, loops: loops.map(({ stages }) => stepsOf(stages)) };
};

const kinds = (steps: readonly { kind: string }[]) => steps.map(({ kind }) => kind).sort();

describe("a recurrence with a matrix", () => {
  test("runs forwards without a copy: its state is written where the outputs are", () => {
    const { plan, loops } = loopsOf({ y: recurrent().outputs[0]! });
    expect(loops.map(kinds)).toEqual([["contract", "group"]]);
    // A value more than the outputs, and the packed matrix: what the gradient would read is not kept.
    const floats = (length + 1) * batch * width + width * width + batch * width;
    expect(plan.arenaBytes).toBeLessThan(4 * floats + 1024);
  });

  test("runs backwards with one product a step, and its matrix has one product after the loop", () => {
    const [dw, dx] = gradients(sum(square(recurrent().outputs[0]!)), [w, x]);
    const { plan, loops } = loopsOf({ dw: dw!, dx: dx! });
    expect(loops.map((steps) => kinds(steps).filter((kind) => kind === "contract"))).toEqual([
      ["contract"],
      ["contract"],
    ]);
    const products = stepsOf(plan.stages).filter((step) => step.kind === "contract");
    expect(products.map(({ a }) => a.shape.at(-1)).sort()).toEqual([length * batch, width, width].sort());
  });

  test("packs its matrix once, before the loop", () => {
    const { plan, loops } = loopsOf({ y: recurrent().outputs[0]! });
    expect(kindsOf(plan).prepare).toBe(1);
    expect(loops.flat().some(({ kind }) => kind === "prepare")).toBe(false);
  });

  test("of a matrix that a step changes packs nothing before the loop", () => {
    const { outputs } = scan({ length, carries: [h, w], sequences: [x] }, ([c, k], [e]) => ({
      carries: [tanh(add(matmul(c!, k!), e!)), sine(k!)],
      outputs: [c!],
    }));
    const { plan } = loopsOf({ y: outputs[0]! });
    expect(kindsOf(plan).prepare ?? 0).toBe(0);
  });
});

test("products whose stacks would be larger than what a step reads and writes are summed in the loop", () => {
  const wide = input("wide", [width, 4096]);
  const logits = (of: Tensor) =>
    scan({ length, sequences: [of] }, (_, [e]) => ({
      carries: [],
      outputs: [sum(square(linear(e!, wide)))],
    }));
  const [slope] = gradients(sum(logits(x).outputs[0]!), [wide]);
  const { plan } = loopsOf({ slope: slope! });
  expect(plan.arenaBytes).toBeLessThan(length * batch * 4096 * 4 + 3 * width * 4096 * 4);
  const deep = stepsOf(plan.stages).filter(
    (step) => step.kind === "contract" && step.a.shape.at(-1)! > width,
  );
  expect(deep).toEqual([]);
});

test("groups write the parts of a concatenation in their places", () => {
  const [a, b, w] = [input("a", [32, 64]), input("b", [32, 128]), input("w", [192, 8])];
  const joined = (parts: Tensor[]) => linear(concatenate(parts, 1), w);
  const kindsFor = (results: Record<string, Tensor>) => kindsOf(planOf(program(results)));
  expect(kindsFor({ y: joined([sine(a), multiply(b, 2)]) })).toEqual({ group: 2, prepare: 1, contract: 1 });
  // A part that someone else reads, too, is copied.
  const shared = sine(a);
  const z = linear(shared, input("v", [64, 8]));
  expect(kindsFor({ y: joined([shared, multiply(b, 2)]), z })).toMatchObject({ group: 3, contract: 2 });
});
