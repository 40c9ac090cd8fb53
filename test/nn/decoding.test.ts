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

const hyenaSettings = {
  taps: fc.integer({ min: 2, max: 4 }),
  bias: fc.boolean(),
  filterWidth: size(3),
  filterLayers: fc.nat(2),
  positionFeatures: fc.constantFrom(3, 5),
  filterLength: fc.constantFrom(12, 30),
  learnedPositions: fc.boolean(),
};

/** Settings besides the defaults, by primitive. */
const settings: Record<string, fc.Arbitrary<Record<string, unknown>>> = {
  attention: fc
    .record({
      kvHeads: size(2),
      group: size(2),
      window: fc.option(size(5)),
      positions: fc.constantFrom("rope", "alibi", "none"),
      queryKeyNorm: fc.constantFrom("none", "rms", "layer"),
      rotaryBase: fc.constantFrom(10, 10_000),
      rotaryShare: fc.constantFrom(0.5, 1),
      headWidth: fc.constantFrom(4, 6),
      bias: fc.boolean(),
    })
    .map(({ group, ...rest }) => ({ ...rest, heads: group * rest.kvHeads })),
  mamba2: fc.record({
    headWidth: fc.constantFrom(4, 8),
    state: size(4),
    taps: fc.integer({ min: 2, max: 5 }),
  }),
  retnet: fc.record({ heads: fc.constantFrom(1, 2, 4), valueFactor: size(2) }),
  "delta-net": fc.record({ heads: fc.constantFrom(1, 2, 4), taps: fc.integer({ min: 2, max: 5 }) }),
  "gated-delta-net": fc
    .record({ heads: size(2), key: size(3), value: size(3), taps: fc.integer({ min: 2, max: 5 }) })
    .map(({ heads, key, value, taps }) => ({
      heads,
      keyWidth: heads * key,
      valueWidth: heads * value,
      taps,
    })),
  "gated-linear-attention": fc
    .record({
      heads: size(3),
      key: size(3),
      value: size(3),
      rank: size(3),
      temperature: fc.constantFrom(1, 16),
    })
    .map(({ heads, key, value, ...rest }) => ({
      ...rest,
      heads,
      keyWidth: heads * key,
      valueWidth: heads * value,
    })),
  "rwkv5-time": fc.record({ heads: fc.constantFrom(1, 2, 4) }),
  "rwkv6-time": fc.record({ heads: fc.constantFrom(1, 2, 4), shiftRank: size(3), decayRank: size(3) }),
  "linear-attention": fc.record({
    heads: fc.constantFrom(1, 2),
    keyWidth: size(3),
    featureMap: fc.constantFrom("elu", "taylor"),
    normalised: fc.boolean(),
    bias: fc.boolean(),
  }),
  mamba: fc.record({
    expand: size(2),
    state: size(3),
    taps: fc.integer({ min: 2, max: 5 }),
    rank: size(3),
    bias: fc.boolean(),
  }),
  "rg-lru": fc
    .record({ block: size(3), blocks: size(3), taps: fc.integer({ min: 2, max: 5 }), bias: fc.boolean() })
    .map(({ block, ...rest }) => ({ ...rest, recurrentWidth: block * rest.blocks })),
  "min-gru": fc.record({
    hidden: size(9),
    candidate: fc.constantFrom("positive", "linear"),
    bias: fc.boolean(),
  }),
  lstm: fc.record({ hidden: size(9) }),
  moe: fc
    .record({
      each: fc.integer({ min: 2, max: 4 }),
      prototypes: size(2),
      network: fc.constantFrom("gelu", "swiglu"),
      feedforward: size(5),
      sharedExperts: fc.nat(1),
      bias: fc.boolean(),
    })
    .map(({ each, ...rest }) => ({ ...rest, experts: each * rest.prototypes })),
  "moe-mlp": fc.record({ experts: fc.integer({ min: 2, max: 5 }), feedforward: size(5), bias: fc.boolean() }),
  "rwkv-channel": fc.record({ feedforward: size(9) }),
  hyena: fc.record({
    ...hyenaSettings,
    order: fc.integer({ min: 2, max: 4 }),
    expand: size(2),
    projectionGroups: fc.constantFrom(1, 4),
  }),
  "mh-hyena": fc.record({ ...hyenaSettings, heads: fc.constantFrom(1, 2, 8) }),
  "hyena-experts": fc.record({
    ...hyenaSettings,
    experts: fc.constantFrom(2, 4),
    chosen: size(2),
    others: fc.constantFrom("out", "zero"),
  }),
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

const decodes = ({ name, configure }: Primitive) =>
  configure(name, {}, { width: 16, standardDeviation: 1 }).decodes;

test("what cannot go token by token says so", () => {
  const never = [...primitives.values()].filter((primitive) => decodes(primitive) === "never");
  expect(never.map(({ name }) => name)).toEqual(["moe-expert-choice"]);
});

const able = [...primitives].filter(([, primitive]) => decodes(primitive) === "exactly");

describe.each(able)("%s", (name, primitive) => {
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
