// Values of a model's inputs, and the inputs themselves. Knows no test runner, so that a program of its own can use it.
import { createRandom } from "../../src/data/random.ts";
import { input, type Shape, sizeOf, type Tensor } from "../../src/tensor/index.ts";
import type { Value } from "../tensor/harness.ts";

export type Values = Readonly<Record<string, Value>>;
export type Tensors = Readonly<Record<string, Tensor>>;

/** Uniform numbers in [0, 1), the same for the same seed. */
export function randomNumbers(seed: number): () => number {
  const { uniform: numberAt } = createRandom(seed, 0);
  let next = 0;
  return () => numberAt(next++);
}

/** Numbers in [low, high) from a source of uniform numbers in [0, 1), f32. */
export function uniform(random: () => number, shape: Shape, low = -1, high = 1): Value {
  const data = Float64Array.from({ length: sizeOf(shape) }, () => low + (high - low) * random());
  return { shape, dtype: "f32", data };
}

/** An input for each value, under its name. */
export function inputsOf(values: Values): Tensors {
  return Object.fromEntries(
    Object.entries(values).map(([name, { shape, dtype }]) => [name, input(name, shape, dtype)]),
  );
}
