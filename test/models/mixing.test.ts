// Models that mix along a sequence or over experts, written with the public graph alone: chunked gated delta rule, top-2
// experts with a capacity and dropless, gated long convolution.
import fc from "fast-check";
import { afterAll, beforeAll, describe, test } from "vitest";
import { forAll, generator, size } from "../tensor/harness.ts";
import { deltaRuleModel } from "./deltaRule.ts";
import { capacityModel, droplessModel } from "./experts.ts";
import { type Backend, checkModel, closeBackends, openBackends } from "./harness.ts";
import { hyenaModel } from "./hyena.ts";

let backends: Backend[];
beforeAll(async () => {
  backends = await openBackends();
}, 300_000);
afterAll(() => closeBackends(backends));

describe("gated delta rule", () => {
  test("chunks are the recurrence step by step, values and gradients", () => {
    const shapes = fc.record({
      batch: size(2),
      length: size(11),
      heads: size(3),
      keyWidth: size(5),
      valueWidth: size(5),
      chunk: size(5),
    });
    forAll(shapes, (shape, random) => checkModel(backends, deltaRuleModel(random, shape)), 8);
  });

  test("widths that fill vectors, a chunk left over", () => {
    const shape = { batch: 1, length: 19, heads: 2, keyWidth: 16, valueWidth: 9, chunk: 8 };
    checkModel(backends, deltaRuleModel(generator(3), shape));
  });
});

describe("top-2 experts", () => {
  const shapes = fc.record({
    tokens: size(13),
    width: size(7),
    inner: size(9),
    experts: fc.integer({ min: 2, max: 5 }),
  });

  test("with a capacity, dropped tokens and all", () => {
    forAll(
      fc.tuple(shapes, size(6)),
      ([shape, capacity], random) => checkModel(backends, capacityModel(random, shape, capacity)),
      8,
    );
  });

  test("dropless", () => {
    forAll(shapes, (shape, random) => checkModel(backends, droplessModel(random, shape)), 8);
  });

  test("a capacity that holds every token drops none", () => {
    const shape = { tokens: 33, width: 8, inner: 16, experts: 4 };
    checkModel(backends, capacityModel(generator(4), shape, 33));
    checkModel(backends, droplessModel(generator(4), shape));
  });
});

describe("gated long convolution", () => {
  test("values and gradients on generated shapes", () => {
    const shapes = fc.record({
      batch: size(3),
      length: size(13),
      width: size(4),
      taps: size(4),
      filterWidth: size(5),
    });
    forAll(shapes, (shape, random) => checkModel(backends, hyenaModel(random, shape)), 8);
  });
});
