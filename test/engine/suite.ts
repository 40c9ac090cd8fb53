// What a case of the engine's suite is, and how one is held to the reference: values, gradients and second derivatives,
// with operands as they come and behind every rearrangement that a compiler may fold away.
import fc from "fast-check";
import { expect } from "vitest";
import type { Machine } from "../../src/backend/machine.ts";
import {
  add,
  cast,
  concatenate,
  type DType,
  flip,
  gradients,
  input,
  isFloat,
  literal,
  multiply,
  pad,
  program,
  type Shape,
  sizeOf,
  slice,
  sum,
  type Tensor,
  transpose,
} from "../../src/tensor/index.ts";
import { type Build, generator, uniformValue, type Value } from "../tensor/harness.ts";
import { describeMismatch, mismatch, randomValue, type Values } from "./harness.ts";

export interface Setting {
  readonly values: (random: () => number) => readonly Value[];
  readonly build: Build;
  /** Operands that must stay as they are: what they hold has a meaning. */
  readonly exact?: readonly number[];
}

export interface Case {
  readonly name: string;
  readonly settings: fc.Arbitrary<Setting>;
  /** How often it can be differentiated. */
  readonly derivatives: 0 | 1 | 2;
  /** Largest error of the float build, relative to the largest expected magnitude. */
  readonly float: number;
}

type Options = Partial<Pick<Case, "derivatives" | "float">>;

export function opCase<T>(
  name: string,
  cases: fc.Arbitrary<T>,
  make: (of: T) => Setting,
  { derivatives = 2, float = 3e-5 }: Options = {},
): Case {
  return { name, settings: cases.map(make), derivatives, float };
}

// ---- shapes

/** Ones, odd numbers, vector widths and their neighbours, more than a group has rows. */
export const length: fc.Arbitrary<number> = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(1, 2, 3, 5, 7) },
  { weight: 2, arbitrary: fc.constantFrom(8, 15, 16, 17, 31, 32, 33) },
  { weight: 1, arbitrary: fc.constantFrom(64, 65, 96, 100) },
);
export const few: fc.Arbitrary<number> = fc.constantFrom(1, 2, 3, 4);

/** Shapes of at most `elements` elements. */
export function shapes(least: number, most: number, elements = 6000): fc.Arbitrary<number[]> {
  return fc.array(length, { minLength: least, maxLength: most }).map((shape) => {
    const result = [...shape];
    for (let axis = 0; sizeOf(result) > elements; axis++) result[axis % result.length] = 1 + (axis % 3);
    return result;
  });
}

/** A shape and two smaller ones that broadcast to it together, either side with axes of its own. */
export const broadcasts: fc.Arbitrary<readonly [number[], number[]]> = fc
  .tuple(shapes(0, 4), fc.nat(15), fc.nat(15), fc.nat(4), fc.boolean())
  .map(([shape, ones, others, missing, swap]) => {
    const left = shape.map((size, axis) => (((ones & ~others) >> axis) & 1 ? 1 : size));
    const right = shape.map((size, axis) => (((others & ~ones) >> axis) & 1 ? 1 : size)).slice(missing);
    return swap ? ([right, left] as const) : ([left, right] as const);
  });

// ---- operands in disguise

export const disguises = [
  "plain",
  "transposed",
  "sliced",
  "flipped",
  "padded",
  "concatenated",
  "computed",
  "half",
] as const;
export type Disguise = (typeof disguises)[number];

interface Disguised {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly restore: (x: Tensor) => Tensor;
}

/** An input from which `restore` makes a tensor of the shape. */
function disguise(kind: Disguise, { shape, dtype }: Value, random: () => number): Disguised {
  const below = (count: number) => Math.floor(random() * count);
  const same: Disguised = { shape, dtype, restore: (x) => x };
  if (sizeOf(shape) === 0) return same;
  const axis = below(shape.length);
  switch (kind) {
    case "transposed": {
      const order = shape.map((_, i) => i).sort(() => random() - 0.5);
      const moved = order.map((_, i) => shape[order.indexOf(i)]!);
      return { ...same, shape: moved, restore: (x) => transpose(x, order) };
    }
    case "sliced": {
      const step = shape.map(() => 1 + below(2));
      const front = shape.map(() => below(3));
      const larger = shape.map((size, i) => front[i]! + size * step[i]! + below(2));
      const ranges = Object.fromEntries(
        shape.map((size, i) => [i, [front[i]!, front[i]! + size * step[i]!, step[i]!]] as const),
      );
      return { ...same, shape: larger, restore: (x) => slice(x, ranges) };
    }
    case "flipped": {
      const axes = shape.map((_, i) => i).filter((i) => i === axis || random() < 0.5);
      return { ...same, restore: (x) => flip(x, axes) };
    }
    case "padded": {
      if (shape.length === 0 || shape[axis]! < 2) return same;
      const smaller = shape.map((size, i) => (i === axis ? size - 1 : size));
      const before = shape.map((_, i) => (i === axis ? 1 : 0));
      return {
        ...same,
        shape: smaller,
        restore: (x) =>
          pad(
            x,
            before,
            shape.map(() => 0),
            1,
          ),
      };
    }
    case "concatenated": {
      const size = shape[axis];
      if (size === undefined || size < 2) return same;
      const at = 1 + below(size - 1);
      return {
        ...same,
        restore: (x) =>
          concatenate([slice(x, { [axis]: [size - at, size] }), slice(x, { [axis]: [0, size - at] })], axis),
      };
    }
    case "computed":
      return dtype === "f32" ? { ...same, restore: (x) => add(multiply(x, 0.75), 0.125) } : same;
    case "half":
      return dtype === "f32" ? { ...same, dtype: "f16", restore: (x) => cast(x, "f32") } : same;
    case "plain":
      return same;
  }
}

// ---- checks

function list(built: Tensor | readonly Tensor[]): readonly Tensor[] {
  return "node" in built ? [built] : built;
}

/** One number from all float outputs: their sum with fixed random weights. */
function project(outputs: readonly Tensor[], random: () => number): Tensor | undefined {
  const terms = outputs
    .filter(({ dtype, shape }) => isFloat(dtype) && sizeOf(shape) > 0)
    .map((output) =>
      sum(multiply(cast(output, "f32"), literal(uniformValue(random, output.shape).data, output.shape))),
    );
  return terms.length === 0 ? undefined : terms.reduce(add);
}

/** The program of a setting: its values, or also its gradients and second derivatives. */
export function caseProgram(
  { build, values, exact = [] }: Setting,
  of: Pick<Case, "derivatives">,
  kind: Disguise,
  seed: number,
) {
  const random = generator(seed);
  const bound: Record<string, Value> = {};
  const leaves: Tensor[] = [];
  const operands = values(random).map((value, i) => {
    const { shape, dtype, restore } = disguise(exact.includes(i) ? "plain" : kind, value, random);
    const name = `x${i}`;
    const leaf = input(name, shape, dtype);
    if (dtype === "f32") leaves.push(leaf);
    const asIs = sizeOf(shape) === value.data.length && dtype === value.dtype;
    // Elsewhere a value may have a meaning that others do not have; here any value of its range will do.
    const data = asIs
      ? value.data
      : Float64Array.from({ length: sizeOf(shape) }, (_, j) => value.data[j % value.data.length]!);
    bound[name] =
      dtype === "f16"
        ? { ...randomValue(random, shape, "f16") }
        : { shape, dtype, data: dtype === "f32" ? data.map(Math.fround) : data };
    if (dtype === "f16") bound[name] = { shape, dtype, data: bound[name].data.map((x) => x / 32) };
    return restore(leaf);
  });
  const outputs: Record<string, Tensor> = {};
  const built = list(build(...operands));
  built.forEach((output, i) => {
    outputs[`y${i}`] = output;
  });
  const scalar = of.derivatives > 0 ? project(built, random) : undefined;
  if (scalar !== undefined && leaves.length > 0) {
    const first = gradients(scalar, leaves);
    first.forEach((g, i) => {
      outputs[`g${i}`] = g;
    });
    const again = of.derivatives > 1 ? project(first, random) : undefined;
    if (again !== undefined) {
      gradients(again, leaves).forEach((g, i) => {
        outputs[`h${i}`] = g;
      });
    }
  }
  return { program: program(outputs), values: bound as Values };
}

/** Holds a machine to the reference on generated settings of a case. */
export function checkCase(machine: Machine, of: Case, tolerance: number, numRuns: number): void {
  const inputs = fc.tuple(of.settings, fc.constantFrom(...disguises), fc.integer());
  fc.assert(
    fc.property(inputs, ([setting, kind, seed]) => {
      for (const derivatives of of.derivatives === 0 ? ([0] as const) : ([0, of.derivatives] as const)) {
        const { program: built, values } = caseProgram(setting, { derivatives }, kind, seed);
        const found = mismatch(machine, built, values, tolerance);
        expect(
          found && describeMismatch(found),
          `${kind} ${JSON.stringify(Object.values(values).map((v) => v.shape))}`,
        ).toBeUndefined();
      }
    }),
    // The shapes are in the message; making them smaller would take longer than reading it.
    { seed: 11, numRuns, endOnFailure: true },
  );
}
