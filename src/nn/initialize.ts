// First values of parameters, from a seed and the parameter's own name: no value depends on another parameter or on any
// order. Knows no primitive.
import { threefry } from "../tensor/ops/random.ts";
import { sizeOf } from "../tensor/tensor.ts";
import type { Initializer, ParameterDeclaration } from "./parameters.ts";

/**
 * Values of one parameter, row-major: drawn in float64, rounded to f32; written to `values` where they are given.
 * `seed`: a whole number from 0 to 2^53 - 1.
 */
export function initialValues(
  name: string,
  declaration: ParameterDeclaration,
  seed: number,
  values: Float32Array = new Float32Array(sizeOf(declaration.shape)),
): Float32Array {
  const { initializer } = declaration;
  switch (initializer.kind) {
    case "constant":
      return values.fill(initializer.value);
    case "normal":
      return fillNormal(values, initializer.standardDeviation, keyOf(name, seed));
    case "uniform":
      return fillUniform(values, initializer, keyOf(name, seed));
    case "values":
      for (let i = 0; i < values.length; i++) values[i] = initializer.at(i);
      return values;
  }
}

/** Each Threefry block gives two values. */
function fillUniform(
  values: Float32Array,
  { low, high, transform = (drawn) => drawn }: Extract<Initializer, { kind: "uniform" }>,
  [key0, key1]: readonly [number, number],
): Float32Array {
  for (let i = 0; i < values.length; i += 2) {
    const block = threefry(key0, key1, (i / 2) >>> 0, 0);
    for (let j = i; j < Math.min(i + 2, values.length); j++) {
      values[j] = transform(low + ((high - low) * (block[j - i]! + 0.5)) / 2 ** 32);
    }
  }
  return values;
}

/** Box and Muller 1958: each Threefry block gives a radius and an angle, hence two values. */
function fillNormal(
  values: Float32Array,
  deviation: number,
  [key0, key1]: readonly [number, number],
): Float32Array {
  for (let i = 0; i < values.length; i += 2) {
    const [first, second] = threefry(key0, key1, (i / 2) >>> 0, 0);
    const radius = deviation * Math.sqrt(-2 * Math.log((first + 0.5) / 2 ** 32));
    const angle = (2 * Math.PI * second) / 2 ** 32;
    values[i] = radius * Math.cos(angle);
    if (i + 1 < values.length) values[i + 1] = radius * Math.sin(angle);
  }
  return values;
}

/** A key for a name: the name's code units are hashed into the seed one after the other. */
export function keyOf(name: string, seed: number): [number, number] {
  let key: [number, number] = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
  for (let i = 0; i < name.length; i++) key = threefry(key[0], key[1], name.charCodeAt(i), i);
  return threefry(key[0], key[1], name.length, 0xffffffff);
}
