// The check that authors of primitives can run: every built-in primitive passes it, and what breaks a promise is named.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkPrimitive } from "../../src/nn/checkPrimitive.ts";
import { linearMap } from "../../src/nn/linear.ts";
import { type Decoding, definePrimitive, type PrimitiveDefinition } from "../../src/nn/primitive.ts";
import { primitives } from "../../src/nn/primitives.ts";
import { previousToken, shifted } from "../../src/nn/tokenShift.ts";
import { add, flip, mean, multiply, slice } from "../../src/tensor/index.ts";

test.each([...primitives.keys()])("%s keeps its promises", (name) => {
  const sizes = fc.record({
    // Two of eight experts for a token: with fewer than four, an expert would have none.
    length: fc.integer({ min: name === "moe-expert-choice" ? 4 : 1, max: 7 }),
    batch: fc.integer({ min: 1, max: 2 }),
    seed: fc.nat(),
  });
  fc.assert(
    fc.property(sizes, (check) => checkPrimitive(primitives.get(name)!, check)),
    { numRuns: 3 },
  );
});

type Definition = PrimitiveDefinition<Record<never, never>>;

/** x_t + x_{t-1}, with `changes`. */
function defined(changes: Partial<Definition>, decoding: Partial<Decoding<unknown>> = {}) {
  return definePrimitive({
    name: "shift",
    settings: {},
    resolve: (settings) => settings,
    causal: () => true,
    apply: (_, __, ___, x) => add(x, shifted(x)),
    decoding: {
      state: (_, { width }, batch) => ({ last: previousToken(batch, width) }),
      step: (_, __, ___, x, { last }) => ({ y: add(x, last!), state: { last: x } }),
      ...decoding,
    },
    ...changes,
  });
}

test("an honest one passes", () => checkPrimitive(defined({})));

describe("is found out:", () => {
  test.each([
    [
      "a step that is not apply",
      defined({}, { step: (_, __, ___, x) => ({ y: x, state: { last: x } }) }),
      "step gives",
    ],
    [
      "a state that is not kept",
      defined({}, { step: (_, __, ___, x, { last }) => ({ y: add(x, last!), state: { last: last! } }) }),
      /step gives .* at token 1, where apply gives/,
    ],
    [
      "a prefill that leaves another state",
      defined(
        {},
        {
          prefill: (_, __, ___, x) => ({
            y: add(x, shifted(x)),
            state: { last: slice(x, { 1: [0, 1] }) as never },
          }),
        },
      ),
      'prefill: state "last" gives f32 [2,1,16]; expected f32 [2,16]',
    ],
    [
      "a state of another name",
      defined({}, { step: (_, __, ___, x) => ({ y: x, state: {} }) }),
      'step: state "last" gives nothing',
    ],
    ["one that looks back and has no state", defined({ decoding: undefined as never }), "step gives"],
    [
      "one that looks ahead",
      defined({ apply: (_, __, ___, x) => flip(x, [1]), causal: () => true }),
      "step gives",
    ],
    [
      "outputs of another shape",
      defined({ apply: (_, __, ___, x) => mean(x, [2], true) }),
      "apply gives f32 [2,7,1]; expected f32 [2,7,16]",
    ],
    ["no output", defined({ apply: () => undefined as never }), "apply gives nothing"],
  ])("%s", (_, primitive, message) => expect(() => checkPrimitive(primitive)).toThrow(message));
});

test("names and functions that cannot work are refused where they are defined", () => {
  for (const name of ["", "x", "X12", "at", "1a", "a b", "a.b", "__proto__", 7 as never]) {
    expect(() => defined({ name }), String(name)).toThrow("definePrimitive: its name is");
  }
  expect(() => defined({ settings: { "a b": undefined as never } })).toThrow("the name of a setting");
  expect(() => defined({ settings: { primitive: undefined as never } })).toThrow(
    "cannot be called primitive",
  );
  expect(() => defined({ causal: true as never })).toThrow(
    "primitive shift: causal is true; expected a function",
  );
  expect(defined({ name: "x2y" }).name).toBe("x2y");
});

test("parameters are looked at away from where they begin", () => {
  // Its map begins at zero, which would hide that steps have none.
  const zero = defined({
    apply: (_, __, scope, x) =>
      add(x, multiply(linearMap(scope, x, { width: 16, bias: false, standardDeviation: 0 }), 1)),
    decoding: { state: () => ({}), step: (_, __, ___, x) => ({ y: x, state: {} }) },
  });
  expect(() => checkPrimitive(zero)).toThrow("step gives");
});
