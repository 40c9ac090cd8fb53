// Experts that choose their tokens, against plain loops.
import fc from "fast-check";
import { expect, test } from "vitest";
import { RequestError } from "../../src/errors.ts";
import { expertChoice } from "../../src/nn/expertChoice.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { rootScope } from "../../src/nn/scope.ts";
import { input, type Tensor } from "../../src/tensor/index.ts";
import {
  type Build,
  expectClose,
  forAll,
  generator,
  gradientError,
  reader,
  run,
  size,
  uniformValue,
} from "../tensor/harness.ts";
import { list, type Parameter, total } from "./mixers.ts";
import { plainExpert, softmax } from "./plainMoe.ts";

interface Shape {
  readonly batch: number;
  readonly length: number;
  readonly experts: number;
  readonly capacity: number;
  readonly group: "sequence" | "batch";
  readonly bias: boolean;
}

const WIDTH = 4;
const HIDDEN = 3;

function layer({ batch, length, experts, capacity, group, bias }: Shape, random: () => number) {
  const settings = { experts, capacity, capacityGroup: group, feedforward: HIDDEN, bias };
  const module = expertChoice.configure("moe-expert-choice", settings, {
    width: WIDTH,
    standardDeviation: 1,
  });
  const source = inputSource();
  module.apply(rootScope({ source }), input("x", [batch, length, WIDTH]));
  const names = [...source.declared.keys()];
  const parameters = [...source.declared.values()].map(({ shape }) => uniformValue(random, shape));
  const build: Build = (x, ...tensors) => {
    const told: Tensor[] = [];
    const scope = rootScope({
      source: { parameter: (name) => tensors[names.indexOf(name)]! },
      statistic: (name, tensor) => {
        if (name === "unserved") told.push(tensor);
      },
    });
    return [module.apply(scope, x!), ...told];
  };
  const x = uniformValue(random, [batch, length, WIDTH], -2, 2);
  const parameter: Parameter = (name) => reader(parameters[names.indexOf(name)]!);
  return { module, build, values: [x, ...parameters], parameter };
}

/** Each expert of each group sorts the tokens by what the router gives them for it. */
function plain({ batch, length, experts, capacity, group, bias }: Shape, x: number[][], p: Parameter) {
  const members = group === "sequence" ? length : batch * length;
  const probabilities = x.map((row) =>
    softmax(list(experts, (e) => total(WIDTH, (d) => row[d]! * p("router.weight")(d, e)))),
  );
  const y = x.map((row) => row.map(() => 0));
  const served = x.map(() => false);
  const network = { hidden: HIDDEN, bias, activationAfter: false };
  for (let first = 0; first < x.length; first += members) {
    for (let e = 0; e < experts; e++) {
      const order = list(members, (i) => first + i).sort(
        (a, b) => probabilities[b]![e]! - probabilities[a]![e]! || a - b,
      );
      for (const n of order.slice(0, Math.max(1, Math.floor((capacity * members) / experts)))) {
        served[n] = true;
        plainExpert(p, network, e, x[n]!).forEach((value, d) => {
          y[n]![d]! += probabilities[n]![e]! * value;
        });
      }
    }
  }
  return { y, unserved: served.filter((one) => !one).length / x.length };
}

test("equals its definition", () => {
  const shapes = fc.record({
    batch: size(3),
    length: size(7),
    experts: fc.integer({ min: 2, max: 4 }),
    capacity: fc.constantFrom(0.5, 1, 2),
    group: fc.constantFrom<"sequence" | "batch">("sequence", "batch"),
    bias: fc.boolean(),
  });
  forAll(shapes, (shape, random) => {
    const { build, values, parameter } = layer(shape, random);
    const [y, unserved] = run(build, ...values);
    const at = reader(values[0]!);
    const tokens = list(shape.batch, (b) =>
      list(shape.length, (t) => list(WIDTH, (d) => at(b, t, d))),
    ).flat();
    const expected = plain(shape, tokens, parameter);
    expectClose(y!.data, expected.y.flat());
    expectClose(unserved!.data, [expected.unserved]);
  });
});

const shape: Shape = { batch: 2, length: 5, experts: 3, capacity: 1.5, group: "sequence", bias: true };

test("gradients by differences", () => {
  const { build, values } = layer(shape, generator(3));
  expect(gradientError(build, values)).toBeLessThan(1e-6);
});

test("a later token takes an earlier one's place, which it says", () => {
  const { build, values, module } = layer(shape, generator(3));
  const [before] = run(build, ...values);
  const last = (shape.length - 1) * WIDTH;
  const data = values[0]!.data.map((old, i) => (i >= last && i < last + WIDTH ? 3 * old + 1 : old));
  const [after] = run(build, { ...values[0]!, data }, ...values.slice(1));
  const earlier = (of: Float64Array) => [...of.subarray(0, last)];
  expect(earlier(after!.data as Float64Array)).not.toEqual(earlier(before!.data as Float64Array));
  expect(module).toMatchObject({ causal: false, decodes: "never" });
});

test("refused in one line", () => {
  const configure = (settings: Record<string, unknown>) => () =>
    expertChoice.configure("moe-expert-choice", settings, { width: 4, standardDeviation: 1, length: 8 });
  expect(configure({ experts: 4, capacity: 5 })).toThrow(
    new RequestError("moe-expert-choice: capacity is 5; expected at most the 4 experts a token can have"),
  );
  expect(configure({ experts: 64 })).toThrow(
    /^moe-expert-choice: capacity 2 lets each of 64 experts choose none of the 8 tokens of a sequence; expected at least one/,
  );
});
