// Models whose state is carried through a scan, written with the public graph alone: LSTM, selective scan.
import fc from "fast-check";
import { beforeAll, describe, test } from "vitest";
import { forAll, generator, size } from "../tensor/harness.ts";
import { type Backend, checkModel, openBackends } from "./harness.ts";
import { lstmModel } from "./lstm.ts";
import { selectiveScanModel } from "./selectiveScan.ts";

let backends: Backend[];
beforeAll(async () => {
  backends = await openBackends();
}, 300_000);

describe("LSTM", () => {
  test("values and gradients on generated shapes", () => {
    const shapes = fc.record({ batch: size(5), length: size(7), width: size(9), state: size(9) });
    forAll(shapes, (shape, random) => checkModel(backends, lstmModel(random, shape)), 8);
  });

  test("a state that fills vectors", () => {
    checkModel(backends, lstmModel(generator(1), { batch: 3, length: 11, width: 8, state: 17 }));
  });
});

describe("selective scan", () => {
  test("values and gradients on generated shapes", () => {
    const shapes = fc.record({ batch: size(3), length: size(11), width: size(9), state: size(5) });
    forAll(shapes, (shape, random) => checkModel(backends, selectiveScanModel(random, shape)), 8);
  });

  test("state 16, a length that leaves chunks over", () => {
    checkModel(backends, selectiveScanModel(generator(2), { batch: 2, length: 23, width: 20, state: 16 }));
  });
});
