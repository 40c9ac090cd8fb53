// Every registered primitive, token by token: steps give what `apply` gives on the whole sequence, from the first token or
// after a prompt at once. A primitive that is added to the list is tested here with its default settings.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { initialValues } from "../../src/nn/initialize.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import {
  type Decoded,
  definePrimitive,
  type Module,
  type Primitive,
  type State,
} from "../../src/nn/primitive.ts";
import { primitives } from "../../src/nn/primitives.ts";
import { rootScope } from "../../src/nn/scope.ts";
import {
  concatenate,
  evaluate,
  fill,
  input,
  multiply,
  type NdArray,
  reshape,
  slice,
  type Tensor,
} from "../../src/tensor/index.ts";
import { forAll, size, uniformValue } from "../tensor/harness.ts";

interface Shape {
  readonly batch: number;
  readonly length: number;
  /** Places for tokens that never come. */
  readonly spare: number;
  readonly width: number;
  readonly settings: Record<string, unknown>;
}

/** Settings besides the defaults, by primitive. */
const settings: Record<string, fc.Arbitrary<Record<string, unknown>>> = {
  attention: fc
    .record({
      kvHeads: size(2),
      group: size(2),
      window: fc.option(size(5)),
      positions: fc.constantFrom("rope", "none"),
      rotaryBase: fc.constantFrom(10, 10_000),
      bias: fc.boolean(),
    })
    .map(({ group, ...rest }) => ({ ...rest, heads: group * rest.kvHeads })),
};

const shapes = (name: string): fc.Arbitrary<Shape> =>
  fc.record({
    batch: size(3),
    length: size(9),
    spare: fc.nat(3),
    // Up to four heads of an even width.
    width: fc.constantFrom(8, 16),
    settings: settings[name] ?? fc.constant({}),
  });

/** y of `count` tokens of x [B, T, D] from `start` on, one step each. */
function steps(module: Module, x: Tensor, { y, state }: Decoded, start: number): Tensor {
  const [batch, length, width] = x.shape as [number, number, number];
  const scope = rootScope({ source: inputSource() });
  const parts = [y];
  let carried = state;
  for (let t = start; t < length; t++) {
    const token = reshape(slice(x, { 1: [t, t + 1] }), [batch, width]);
    const next = module.step(scope, token, carried, fill(t, [], "i32"));
    for (const [name, tensor] of Object.entries(next.state)) {
      expect(tensor.shape, name).toEqual(carried[name]!.shape);
      expect(tensor.dtype, name).toBe(carried[name]!.dtype);
    }
    carried = next.state;
    parts.push(reshape(next.y, [batch, 1, width]));
  }
  return concatenate(parts, 1);
}

function initialState(module: Module, batch: number, capacity: number): State {
  const types = Object.entries(module.state(batch, capacity));
  return Object.fromEntries(
    types.map(([name, { shape, dtype, initial }]) => [name, fill(initial, shape, dtype)]),
  );
}

/** The largest difference between `apply` and steps, after prompts of all lengths that the primitive takes at once. */
function difference(primitive: Primitive, shape: Shape, random: () => number): number {
  const { batch, length, spare, width } = shape;
  const module = primitive.configure(primitive.name, shape.settings, { width, standardDeviation: 1 });
  const capacity = length + spare;
  const x = input("x", [batch, length, width]);
  const source = inputSource();
  const scope = rootScope({ source });
  const whole = module.apply(scope, x);
  const empty = slice(x, { 1: [0, 0] });
  const nothing = { y: empty, state: initialState(module, batch, capacity) };
  const decoded = [steps(module, x, nothing, 0)];
  for (let prompt = 1; prompt <= length && module.prefill !== undefined; prompt++) {
    const first = module.prefill(scope, slice(x, { 1: [0, prompt] }), capacity);
    decoded.push(steps(module, x, first, prompt));
  }
  const values: Record<string, NdArray> = { x: uniformValue(random, x.shape, -2, 2) };
  for (const [name, declaration] of source.declared) {
    values[name] = {
      shape: declaration.shape,
      data: Float64Array.from(initialValues(name, declaration, 3), (value) => value + random() / 4),
    };
  }
  const [expected, ...actual] = evaluate([whole, ...decoded], values);
  const largest = Math.max(...expected!.data.map(Math.abs), 1);
  return Math.max(
    ...actual.flatMap(({ data }) =>
      [...data].map((value, i) => Math.abs(value - expected!.data[i]!) / largest),
    ),
  );
}

describe.each([...primitives])("%s", (name, primitive) => {
  test("token by token is the whole sequence", () => {
    forAll(
      shapes(name),
      (shape, random) => {
        expect(difference(primitive, shape, random)).toBeLessThan(1e-12);
      },
      25,
    );
  });
});

test("attention keeps the keys and values that can still be seen", () => {
  const kept = (given: Record<string, unknown>, length: number) =>
    primitives
      .get("attention")!
      .configure("attention", given, { width: 8, standardDeviation: 1 })
      .kept(length);
  expect(kept({ heads: 4 }, 100)).toBe(2 * 100 * 8);
  expect(kept({ heads: 4, kvHeads: 1 }, 100)).toBe(2 * 100 * 2);
  expect(kept({ heads: 4, window: 10 }, 100)).toBe(2 * 10 * 8);
  expect(kept({ heads: 4, window: 10 }, 6)).toBe(2 * 6 * 8);
});

test("a primitive that looks back but says nothing of its state is found out", () => {
  const forgetful = definePrimitive({
    name: "forgetful",
    settings: { bias: z.boolean().default(false) },
    resolve: (given) => given,
    causal: () => true,
    apply: (_, __, ___, x) =>
      concatenate([slice(x, { 1: [0, 1] }), multiply(slice(x, { 1: [0, x.shape[1]! - 1] }), 2)], 1),
  });
  const shape = { batch: 1, length: 3, spare: 0, width: 2, settings: {} };
  expect(difference(forgetful, shape, () => 0.7)).toBeGreaterThan(0.1);
});
