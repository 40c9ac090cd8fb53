// The example of docs/primitives.md, from a folder outside the project: held to the same as the built-in primitives.

import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "../src/cli/config.ts";
import { checkPrimitive } from "../src/nn/checkPrimitive.ts";
import { initialValues } from "../src/nn/initialize.ts";
import { inputSource } from "../src/nn/parameters.ts";
import type { Primitive } from "../src/nn/primitive.ts";
import { primitives } from "../src/nn/primitives.ts";
import { rootScope } from "../src/nn/scope.ts";
import { input } from "../src/tensor/index.ts";
import { native, wasm } from "./engine/harness.ts";
import { checkCausal, checkMixer, linear, list, type Plain, sigmoid, silu } from "./nn/mixers.ts";
import { checkOnMachine } from "./nn/onMachine.ts";
import { exampleFolder, files } from "./primitivesDocument.ts";

const folder = exampleFolder();
let primitive: Primitive;
beforeAll(async () => {
  expect(await loadConfig(join(folder.path, "scantling.config.ts"))).toBe(folder.path);
  primitive = primitives.get("moving-average")!;
});
afterAll(() => folder.remove());

test("it is one file of at most 80 lines", () => {
  expect(files["moving-average.ts"].trimEnd().split("\n").length).toBeLessThanOrEqual(80);
});

const WIDTH = 5;
const CHANNELS = 3;

/** h = a·h + (1 - a)·v in a loop over tokens. */
const plain: Plain = (x, p) => {
  const average = list(CHANNELS, () => 0);
  return x.map((token) => {
    const entered = linear(p, "input", token, 2 * CHANNELS, true);
    const gated = list(CHANNELS, (c) => {
      const keep = sigmoid(p("decay")(c));
      average[c] = keep * average[c]! + (1 - keep) * entered[c]!;
      return average[c]! * silu(entered[CHANNELS + c]!);
    });
    return linear(p, "output", gated, WIDTH, true);
  });
};
const settings = { channels: CHANNELS, bias: true };

test("it is what its first lines say, and so are its gradients", () =>
  checkMixer({ primitive, settings, width: WIDTH, length: 6, plain }));

test("no output sees a later token", () =>
  checkCausal({ primitive, settings, width: WIDTH, length: 6, plain }));

test("token by token it is the whole sequence, in all shapes and settings", () => {
  const check = fc.record({
    ...{ width: fc.integer({ min: 1, max: 9 }), length: fc.integer({ min: 1, max: 9 }) },
    ...{ batch: fc.integer({ min: 1, max: 3 }), seed: fc.nat() },
    settings: fc.record(
      {
        channels: fc.integer({ min: 1, max: 9 }),
        horizon: fc.integer({ min: 2, max: 1000 }),
        bias: fc.boolean(),
      },
      { requiredKeys: [] },
    ),
  });
  fc.assert(fc.property(check, (of) => checkPrimitive(primitive, of)));
});

test("its decays begin between those of 2 tokens and of the horizon", () => {
  const module = primitive.configure(
    "it",
    { horizon: 50, channels: 1000 },
    { width: 4, standardDeviation: 1 },
  );
  const source = inputSource();
  module.apply(rootScope({ source }), input("x", [1, 3, 4]));
  const keep = [...initialValues("decay", source.declared.get("decay")!, 1)].map(sigmoid);
  expect(Math.min(...keep)).toBeCloseTo(1 / 2, 2);
  expect(Math.max(...keep)).toBeCloseTo(1 - 1 / 50, 2);
});

test("it keeps a number a channel, however long a text is", () => {
  const module = primitive.configure("it", { channels: 7 }, { width: 4, standardDeviation: 1 });
  expect([1, 10_000].map((length) => module.kept(length))).toEqual([7, 7]);
});

describe("it computes the same on", () => {
  test.each([
    { title: "native", open: () => native(false) },
    { title: "wasm", open: () => wasm(false) },
  ])("$title", async ({ open }) => checkOnMachine(await open(), primitive, 1e-4));
});
