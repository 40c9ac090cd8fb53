// What is computed together: normalisations, gated units, softmax, losses and optimisers in as few passes over memory as
// they allow.
import { describe, expect, test } from "vitest";
import {
  add,
  broadcastTo,
  crossEntropy,
  exp,
  fill,
  geluTanh,
  gradients,
  input,
  layerNorm,
  linear,
  matmul,
  max,
  mean,
  multiply,
  program,
  rmsNorm,
  scan,
  silu,
  softmax,
  square,
  sum,
  swapLast,
  swiglu,
  type Tensor,
  tanh,
  transpose,
} from "../../src/tensor/index.ts";
import { trainingProgram, trainings } from "../engine/training.ts";
import { groupsOf, kindsOf, namesRead, namesWritten, planFor, planOf } from "./harness.ts";

const x = input("x", [256, 48]);
const vector = (name: string): Tensor => input(name, [48]);

describe("one group", () => {
  const single: readonly [string, Tensor, readonly string[]][] = [
    ["layer norm", layerNorm(x, vector("scale"), vector("bias")), ["bias", "scale", "x"]],
    ["RMS norm", rmsNorm(x, vector("scale")), ["scale", "x"]],
    ["softmax", softmax(x), ["x"]],
    ["SwiGLU", swiglu(x, input("value", [256, 48])), ["value", "x"]],
    ["GELU of a biased sum", geluTanh(add(x, vector("bias"))), ["bias", "x"]],
    ["a norm, a gate and a sum of rows", sum(multiply(silu(rmsNorm(x)), x), [1]), ["x"]],
    ["the largest of rows less their mean", max(add(x, mean(x, [1], true)), [1]), ["x"]],
  ];
  test.each(single)("%s", (_, y, reads) => {
    const plan = planFor(y);
    expect(kindsOf(plan)).toEqual({ group: 1 });
    const [group] = groupsOf(plan);
    expect(namesRead(group!)).toEqual(reads);
    expect(namesWritten(group!)).toEqual(["y"]);
    expect(plan.arenaBytes).toBe(0);
  });

  test("several results of one shape that read the same value", () => {
    const y = tanh(x);
    const plan = planOf(program({ y, z: exp(y), t: multiply(x, 2), s: sum(square(y), [1]) }));
    expect(kindsOf(plan)).toEqual({ group: 1 });
    expect(namesRead(groupsOf(plan)[0]!)).toEqual(["x"]);
  });
});

describe("a training step with AdamW", () => {
  test.each(trainings)("updates every parameter in one group, in place: $name", (of) => {
    const { program: step } = trainingProgram(of);
    const groups = groupsOf(planOf(step));
    const parameters = Object.keys(step.updates).filter((name) => !name.includes("/"));
    expect(parameters.length).toBeGreaterThan(5);
    for (const name of parameters) {
      const states = [`momentum/${name}`, `variance/${name}`];
      const updating = groups.filter((group) => namesWritten(group).includes(name));
      expect(updating.length, name).toBe(1);
      expect(namesWritten(updating[0]!)).toEqual(expect.arrayContaining(states));
      const read = namesRead(updating[0]!);
      for (const one of [name, ...states])
        expect(
          read.filter((other) => other === one),
          "read once",
        ).toEqual([one]);
      for (const state of states) {
        expect(groups.filter((group) => namesRead(group).includes(state)).length, state).toBe(1);
      }
    }
  });

  test.each(trainings)("copies no state: $name", (of) => {
    const { program: step } = trainingProgram(of);
    const copies = groupsOf(planOf(step)).filter(({ instructions }) =>
      instructions.every(({ name }) => name === "copy"),
    );
    expect(copies.flatMap(namesWritten).filter((name) => name in step.updates)).toEqual([]);
    expect(copies.flatMap(namesRead).filter((name) => name in step.updates)).toEqual([]);
  });
});

describe("products", () => {
  test("transposes are strides, not copies", () => {
    const [a, b] = [input("a", [40, 16]), input("b", [40, 24])];
    expect(kindsOf(planFor(matmul(swapLast(a), b)))).toEqual({ contract: 1 });
    expect(kindsOf(planFor(matmul(a, swapLast(input("c", [24, 16])))))).toMatchObject({ contract: 1 });
    const heads = transpose(input("q", [3, 8, 2, 4]), [0, 2, 1, 3]);
    expect(kindsOf(planFor(matmul(heads, swapLast(heads))))).toEqual({ contract: 1 });
  });

  test("what a product is added to is part of the product", () => {
    const y = add(input("r", [64, 24]), linear(input("a", [64, 16]), input("w", [16, 24])));
    const plan = planFor(y);
    expect(kindsOf(plan).contract).toBe(1);
    expect(kindsOf(plan).group).toBeUndefined();
  });

  test("a norm, two projections and their gate run row by row in one stage", () => {
    const [up, gate, down] = [input("up", [48, 96]), input("gate", [48, 96]), input("down", [96, 48])];
    const normal = rmsNorm(x);
    const plan = planFor(add(x, linear(swiglu(linear(normal, gate), linear(normal, up)), down)));
    const stage = plan.stages.find(({ steps }) => steps.length > 1)!;
    expect(stage.steps.map(({ kind }) => kind)).toEqual([
      "group",
      "contract",
      "contract",
      "group",
      "contract",
    ]);
    expect(stage.groups).toBeGreaterThanOrEqual(16);
    // What the steps hand to each other needs room for a group of rows, not for all.
    expect(plan.buffers.filter(({ home }) => home === "local").length).toBeGreaterThanOrEqual(3);
  });
});

test("a loss is two passes over the logits' memory at most, and its gradient one more", () => {
  const logits = input("logits", [128, 40]);
  const { loss } = crossEntropy(logits, input("targets", [128], "i32"));
  const reading = (plan: ReturnType<typeof planOf>) =>
    groupsOf(plan).filter((group) => namesRead(group).includes("logits")).length;
  expect(reading(planFor(loss))).toBe(1);
  expect(reading(planOf(program({ loss, g: gradients(loss, [logits])[0]! })))).toBeLessThanOrEqual(2);
});

test("a column sum is made where its rows are, and finished once", () => {
  const bias = input("bias", [48]);
  const y = tanh(add(x, bias));
  const loss = mean(square(y));
  const plan = planOf(program({ g: gradients(loss, [bias])[0]!, y }));
  expect(kindsOf(plan)).toEqual({ group: 1, reduce: 1 });
});

test("a loop's body is planned like any graph, and keeps only what it must", () => {
  const { outputs } = scan(
    { length: 9, carries: [fill(0, [5, 8])], sequences: [input("s", [9, 5, 8])] },
    ([h], [e]) => {
      const next = tanh(add(multiply(h!, 0.5), broadcastTo(mean(e!, [1], true), [5, 8])));
      return { carries: [next], outputs: [next] };
    },
  );
  const plan = planFor(outputs[0]!);
  const loop = plan.stages.flatMap(({ steps }) => steps).find((step) => step.kind === "loop");
  expect(loop?.kind === "loop" && loop.stages.length).toBeLessThanOrEqual(3);
});
