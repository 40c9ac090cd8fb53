// Grouped-head attention: the whole sequence against plain loops, and token by token with a cache against the whole.
import fc from "fast-check";
import { afterAll, beforeAll, describe, test } from "vitest";
import { forAll, generator, size } from "../tensor/harness.ts";
import { type DecoderShape, decoderModel, nextTokens } from "./decoding.ts";
import {
  type Backend,
  checkModel,
  closeBackends,
  expectNear,
  openBackends,
  plainResults,
} from "./harness.ts";
import { inputsOf } from "./values.ts";

let backends: Backend[];
beforeAll(async () => {
  backends = await openBackends();
}, 300_000);
afterAll(() => closeBackends(backends));

/** Feeds the sequence in parts of the given sizes, each with a program of its own on one store. */
function decode(
  { machine, tolerance, title }: Backend,
  shape: DecoderShape,
  parts: readonly number[],
  random: () => number,
) {
  const model = decoderModel(random, shape);
  const expected = plainResults(model).y!;
  const { batch, length, width, keyHeads, headWidth } = shape;
  const places = length + 3;
  const store = machine.createStore();
  for (const [name, value] of Object.entries(model.values)) {
    if (name === "x") continue;
    store.allocate(name, value);
    store.write(name, value.data);
  }
  for (const cache of ["keyCache", "valueCache"]) {
    store.allocate(cache, { shape: [batch, places, keyHeads, headWidth], dtype: "f32" });
    // Nothing beyond the position may be read.
    store.write(cache, new Float64Array(batch * places * keyHeads * headWidth).fill(1e3));
  }
  store.allocate("position", { shape: [], dtype: "i32" });
  let start = 0;
  for (const count of parts) {
    const rows = (values: ArrayLike<number>) =>
      Array.from({ length: batch }, (_, b) =>
        Array.from(values).slice((b * length + start) * width, (b * length + start + count) * width),
      ).flat();
    const x = {
      shape: [batch, count, width],
      dtype: "f32" as const,
      data: Float64Array.from(rows(model.values.x!.data)),
    };
    const executable = machine.load(nextTokens(inputsOf({ ...model.values, x }), shape, places));
    for (const name of ["x", "y"]) store.release(name);
    store.allocate("x", x);
    store.write("x", x.data);
    executable.runSync(store);
    executable.dispose();
    expectNear(
      Array.from(store.read("y"), Number),
      rows(expected),
      tolerance,
      `tokens from ${start} on ${title}`,
    );
    start += count;
    expectNear([Number(store.read("position")[0])], [start], 0, "position");
  }
}

const shapes = fc.record({
  batch: size(3),
  length: size(7),
  width: size(9),
  keyHeads: size(3),
  group: size(3),
  headWidth: fc.constantFrom(2, 4, 6, 8, 16),
});

describe("grouped-head attention", () => {
  test("whole sequences, values and gradients", () => {
    forAll(shapes, (shape, random) => checkModel(backends, decoderModel(random, shape)), 8);
  });

  test("token by token with a cache is the whole sequence", () => {
    forAll(
      shapes,
      (shape) => {
        for (const backend of backends)
          decode(backend, shape, new Array<number>(shape.length).fill(1), generator(5));
      },
      6,
    );
  });

  test("a prompt at once, then parts", () => {
    const shape = { batch: 2, length: 12, width: 10, keyHeads: 2, group: 3, headWidth: 8 };
    for (const backend of backends) decode(backend, shape, [5, 1, 1, 3, 2], generator(6));
  });
});
