// A primitive on a backend that compiles, held to the reference: a whole sequence with all gradients, the state it leaves, and
// steps of decoding.
import { expect } from "vitest";
import type { Machine } from "../../src/backend/machine.ts";
import { initialValues } from "../../src/nn/initialize.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import type { Module, Primitive } from "../../src/nn/primitive.ts";
import { rootScope } from "../../src/nn/scope.ts";
import { add, gradients, input, literal, multiply, program, sum } from "../../src/tensor/index.ts";
import { describeMismatch, mismatch, type Values } from "../engine/harness.ts";
import { generator, uniformValue, type Value, value } from "../tensor/harness.ts";

const BATCH = 2;
const LENGTH = 24;
const WIDTH = 16;

/** Fails where a machine's values differ from the reference's by more than `tolerance`. */
export function checkOnMachine(
  machine: Machine,
  primitive: Primitive,
  tolerance: number,
  settings: Record<string, unknown> = {},
): void {
  const module = primitive.configure(primitive.name, settings, { width: WIDTH, standardDeviation: 0.3 });
  const parameters = parametersOf(module);
  const x = rounded(uniformValue(generator(2), [BATCH, LENGTH, WIDTH], -2, 2));
  const whole = mismatch(machine, sequenceProgram(module), { ...parameters, x }, tolerance);
  expect(whole && describeMismatch(whole)).toBeUndefined();
  if (module.prefill !== undefined) {
    const begun = mismatch(machine, prefillProgram(module, LENGTH + 3), { ...parameters, x }, tolerance);
    expect(begun && describeMismatch(begun)).toBeUndefined();
  }
  // The same token three times, each on the state that the one before left.
  const step = stepProgram(module, BATCH, 5);
  const stepped = mismatch(machine, step, { ...parameters, ...stepValues(module, BATCH, 5) }, tolerance, 3);
  expect(stepped && describeMismatch(stepped)).toBeUndefined();
}

/** Parameters near where they begin, by name. */
function parametersOf(module: Module): Values {
  const random = generator(11);
  const source = inputSource();
  module.apply(rootScope({ source }), input("x", [BATCH, LENGTH, WIDTH]));
  return Object.fromEntries(
    [...source.declared].map(([name, declaration]): [string, Value] => {
      const data = Float64Array.from(initialValues(name, declaration, 3), (first) =>
        Math.fround(first + (random() - 0.5) / 8),
      );
      return [name, { shape: declaration.shape, dtype: "f32", data }];
    }),
  );
}

function rounded(of: Value): Value {
  return { ...of, data: of.data.map(Math.fround) };
}

function sequenceProgram(module: Module) {
  const source = inputSource();
  const x = input("x", [BATCH, LENGTH, WIDTH]);
  const y = module.apply(rootScope({ source }), x);
  const weights = literal(uniformValue(generator(4), y.shape).data.map(Math.fround), y.shape);
  const names = [...source.tensors.keys()];
  const found = gradients(sum(multiply(y, weights)), [x, ...source.tensors.values()]);
  return program({ y, ...Object.fromEntries(found.map((g, i) => [`d ${["x", ...names][i]}`, g])) });
}

function prefillProgram(module: Module, capacity: number) {
  const scope = rootScope({ source: inputSource() });
  const { y, state } = module.prefill!(scope, input("x", [BATCH, LENGTH, WIDTH]), capacity);
  const named = Object.entries(state).map(([name, tensor]) => [`state ${name}`, tensor]);
  return program({ y, ...Object.fromEntries(named) });
}

function stepProgram(module: Module, batch: number, capacity: number) {
  const types = Object.entries(module.state(batch, capacity));
  const state = Object.fromEntries(
    types.map(([name, { shape, dtype }]) => [name, input(`state ${name}`, shape, dtype)]),
  );
  const scope = rootScope({ source: inputSource() });
  const position = input("position", [], "i32");
  const next = module.step(scope, input("token", [batch, WIDTH]), state, position);
  const updates = Object.fromEntries(types.map(([name]) => [`state ${name}`, next.state[name]!]));
  return program({ y: next.y }, { ...updates, position: add(position, 1) });
}

function stepValues(module: Module, batch: number, capacity: number): Values {
  const random = generator(8);
  const values: Record<string, Value> = {
    token: rounded(uniformValue(random, [batch, WIDTH])),
    position: value([0], [], "i32"),
  };
  for (const [name, { shape, dtype, initial }] of Object.entries(module.state(batch, capacity))) {
    const data = new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(Math.fround(initial));
    values[`state ${name}`] = { shape, dtype, data };
  }
  return values;
}
