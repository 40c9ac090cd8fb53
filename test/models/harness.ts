// What the model tests share: a model as a graph beside the same model as plain loops, its values and gradients held to
// each other on every backend.
import { expect } from "vitest";
import type { Machine } from "../../src/backend/machine.ts";
import { createNative, type NativeMachine } from "../../src/backend/native/index.ts";
import { createReference } from "../../src/backend/reference.ts";
import {
  add,
  gradients,
  isFloat,
  literal,
  multiply,
  type Program,
  program,
  sum,
} from "../../src/tensor/index.ts";
import { distance, generator } from "../tensor/harness.ts";
import { backward, type Grid, plus, scalar, scaled, total } from "./scalar.ts";
import { inputsOf, type Tensors, uniform, type Values } from "./values.ts";

export interface Backend {
  readonly title: string;
  readonly machine: Machine;
  /** Largest difference, relative to the larger of 1 and the largest expected magnitude. */
  readonly tolerance: number;
}

/** Every backend there is, by its precision. */
export async function openBackends(): Promise<Backend[]> {
  const native = (threads: number, double: boolean): Promise<NativeMachine> =>
    createNative({ threads, double });
  return [
    { title: "reference", machine: createReference(), tolerance: 1e-11 },
    { title: "native double", machine: await native(2, true), tolerance: 1e-9 },
    { title: "native float", machine: await native(2, false), tolerance: 1e-4 },
    { title: "native float, 3 threads", machine: await native(3, false), tolerance: 1e-4 },
  ];
}

export function closeBackends(backends: readonly Backend[]): void {
  for (const { machine } of backends) machine.dispose();
}

export type Grids = Readonly<Record<string, Grid>>;

/** One model on one set of values, twice. Outputs have the same names and order on both sides. */
export interface Model {
  readonly values: Values;
  graph(inputs: Tensors): Tensors;
  plain(inputs: Grids): Grids;
}

/** Fixed random weights that make one number of all outputs. */
function projection(name: string, elements: number): Float64Array {
  const seed = [...name].reduce((hash, letter) => Math.imul(hash, 31) + letter.charCodeAt(0), 7);
  return uniform(generator(seed), [elements]).data;
}

/** The model's outputs and the gradients of a projection of them for every float input, named `d name`. */
export function trainingProgram(model: Model): Program {
  const inputs = inputsOf(model.values);
  const outputs = model.graph(inputs);
  const terms = Object.entries(outputs).map(([name, tensor]) => {
    const weights = projection(
      name,
      tensor.shape.reduce((a, b) => a * b, 1),
    );
    return sum(multiply(tensor, literal(weights, tensor.shape)));
  });
  const trained = Object.entries(inputs).filter(([, { dtype }]) => isFloat(dtype));
  const found = gradients(
    terms.reduce(add),
    trained.map(([, tensor]) => tensor),
  );
  return program({ ...outputs, ...Object.fromEntries(trained.map(([name], i) => [`d ${name}`, found[i]!])) });
}

/** The same from the plain loops. */
export function plainResults(model: Model): Record<string, number[]> {
  const inputs: Grids = Object.fromEntries(
    Object.entries(model.values).map(([name, { shape, data }]) => [
      name,
      { shape, data: Array.from(data, scalar) },
    ]),
  );
  const outputs = model.plain(inputs);
  const terms = Object.entries(outputs).map(([name, { data }]) => {
    const weights = projection(name, data.length);
    return total(data.length, (i) => scaled(data[i]!, weights[i]!));
  });
  backward(terms.reduce(plus));
  const results: Record<string, number[]> = {};
  for (const [name, { data }] of Object.entries(outputs)) results[name] = data.map(({ value }) => value);
  for (const [name, { data }] of Object.entries(inputs)) {
    if (isFloat(model.values[name]!.dtype)) results[`d ${name}`] = data.map(({ gradient }) => gradient);
  }
  return results;
}

/** Runs a program on given values and returns all it makes. */
export function runProgram(machine: Machine, of: Program, values: Values): Record<string, number[]> {
  const store = machine.createStore();
  for (const [name, value] of Object.entries(values)) {
    store.allocate(name, value);
    store.write(name, value.data);
  }
  const executable = machine.load(of);
  executable.runSync(store);
  executable.dispose();
  return Object.fromEntries(
    Object.keys(of.outputs).map((name) => [name, Array.from(store.read(name), Number)]),
  );
}

/** Holds two arrays to each other in units of the largest expected magnitude. */
export function expectNear(
  actual: readonly number[],
  expected: readonly number[],
  tolerance: number,
  what: string,
) {
  const unit = Math.max(1, ...expected.map(Math.abs));
  const inUnits = (numbers: readonly number[]) => numbers.map((x) => x / unit);
  expect(distance(inUnits(actual), inUnits(expected)), what).toBeLessThanOrEqual(tolerance);
}

/** Values and gradients of the graph on every backend against the plain loops; the same bits on any number of threads. */
export function checkModel(backends: readonly Backend[], model: Model): void {
  const expected = plainResults(model);
  const training = trainingProgram(model);
  const float: Record<string, number[]>[] = [];
  for (const { title, machine, tolerance } of backends) {
    const results = runProgram(machine, training, model.values);
    expect(Object.keys(results)).toEqual(Object.keys(expected));
    for (const [name, values] of Object.entries(results)) {
      expectNear(values, expected[name]!, tolerance, `${name} on ${title}`);
    }
    if (title.startsWith("native float")) float.push(results);
  }
  for (const results of float) expect(results).toEqual(float[0]);
}
