// Models whose state is carried through a scan, written with the public graph alone: LSTM, selective scan.
import fc from "fast-check";
import { afterAll, beforeAll, describe, test } from "vitest";
import { add, multiply, scan } from "../../src/tensor/index.ts";
import { forAll, generator, size } from "../tensor/harness.ts";
import { type Backend, checkModel, closeBackends, type Model, openBackends } from "./harness.ts";
import { lstmModel } from "./lstm.ts";
import { at, grid, plus, put, times } from "./scalar.ts";
import { selectiveScanModel } from "./selectiveScan.ts";
import { uniform } from "./values.ts";

let backends: Backend[];
beforeAll(async () => {
  backends = await openBackends();
}, 300_000);
afterAll(() => closeBackends(backends));

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

describe("a loop", () => {
  test("may exchange its carries and put their old values out", () => {
    const length = 9;
    const model: Model = {
      values: { a: uniform(generator(7), [3]), b: uniform(generator(8), [3]), w: uniform(generator(9), [3]) },
      graph: ({ a, b, w }) => {
        const { carries, outputs } = scan(
          { length, carries: [a!, b!], constants: [w!] },
          ([p, q], _, [k]) => ({
            carries: [q!, add(p!, multiply(q!, k!))],
            outputs: [p!, q!],
          }),
        );
        return { p: carries[0]!, q: carries[1]!, ps: outputs[0]!, qs: outputs[1]! };
      },
      plain: ({ a, b, w }) => {
        const [ps, qs] = [grid([length, 3]), grid([length, 3])];
        const [p, q] = [grid([3]), grid([3])];
        for (let i = 0; i < 3; i++) {
          let [now, next] = [at(a!, i), at(b!, i)];
          for (let t = 0; t < length; t++) {
            put(ps, now, t, i);
            put(qs, next, t, i);
            [now, next] = [next, plus(now, times(next, at(w!, i)))];
          }
          put(p, now, i);
          put(q, next, i);
        }
        return { p, q, ps, qs };
      },
    };
    checkModel(backends, model);
  });
});
