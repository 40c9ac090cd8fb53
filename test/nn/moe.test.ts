// Token choice against plain loops: WideNet's router with its quirks, orders, prototypes and gates; noise, losses, limits,
// what is causal, and what is refused.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countParameters } from "../../src/architecture/count.ts";
import { RequestError } from "../../src/errors.ts";
import { initialValues } from "../../src/nn/initialize.ts";
import { moe } from "../../src/nn/moe.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import type { Module } from "../../src/nn/primitive.ts";
import { primitives } from "../../src/nn/primitives.ts";
import { rootScope } from "../../src/nn/scope.ts";
import {
  concatenate,
  evaluate,
  fill,
  foldIn,
  input,
  normal,
  reshape,
  slice,
  type Tensor,
} from "../../src/tensor/index.ts";
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
  type Value,
  value,
} from "../tensor/harness.ts";
import { list, type Parameter } from "./mixers.ts";
import { plainTokenChoice, plainWideNet, type Routed } from "./plainMoe.ts";

const key = value([5, 9], [2], "u32");

interface Layer {
  readonly module: Module;
  /** x, the key, then the parameters. */
  readonly values: readonly Value[];
  readonly names: readonly string[];
  readonly x: readonly number[][];
  readonly parameter: Parameter;
}

/** The layer on random tokens, its parameters large enough that probabilities differ. */
function layer(
  settings: Record<string, unknown>,
  batch: number,
  length: number,
  width: number,
  random = generator(5),
): Layer {
  const module = moe.configure("moe", settings, { width, standardDeviation: 0.6 });
  const source = inputSource();
  module.apply(rootScope({ source }), input("x", [batch, length, width]));
  const names = [...source.declared.keys()];
  const parameters = names.map((name): Value => {
    const declaration = source.declared.get(name)!;
    const data = Float64Array.from(initialValues(name, declaration, 3), (first) => first + random() / 4);
    return { shape: declaration.shape, dtype: "f32", data };
  });
  const x = uniformValue(random, [batch, length, width], -2, 2);
  const at = reader(x);
  return {
    module,
    values: [x, key, ...parameters],
    names,
    x: list(batch * length, (n) => list(width, (d) => at(Math.floor(n / length), n % length, d))),
    parameter: (name) => reader(parameters[names.indexOf(name)]!),
  };
}

interface Told {
  readonly y: Tensor;
  readonly told: Readonly<Record<string, Tensor>>;
}

/** Output and everything the module tells: what it observes, its losses and statistics. */
function applied(
  { module, names }: Layer,
  isTraining: boolean,
  [x, random, ...parameters]: readonly Tensor[],
): Told {
  const told: Record<string, Tensor> = {};
  const tell = (name: string, tensor: Tensor) => {
    told[name] = tensor;
  };
  const scope = rootScope({
    source: { parameter: (name) => parameters[names.indexOf(name)]! },
    ...(isTraining ? { key: random } : {}),
    observe: tell,
    loss: (name, tensor) => tell(`loss ${name}`, tensor),
    statistic: (name, tensor) => tell(`statistic ${name}`, tensor),
  });
  return { y: module.apply(scope, x!), told };
}

const toldNames = [
  "experts",
  "gates",
  "loss balance",
  "statistic load",
  "statistic dropped",
  "statistic entropy",
] as const;

/** Everything that is told beside the output, against the plain version. */
function expectRouted(of: Layer, expected: Routed, { balance = 1, isTraining = false } = {}): void {
  const build: Build = (...inputs) => {
    const { y, told } = applied(of, isTraining, inputs);
    return [y, ...toldNames.map((name) => told[name]!)];
  };
  const results = run(build, ...of.values).map(({ data }) => [...data]);
  const kept = expected.kept.flat();
  expectClose(results[0]!, expected.y.flat(), 1e-11);
  expect(results[1]).toEqual(expected.experts.flat());
  expectClose(results[2]!, expected.gates.flat());
  expectClose(results[3]!, [balance * expected.balance]);
  expectClose(results[4]!, expected.load);
  expectClose(results[5]!, [kept.filter((one) => !one).length / kept.length]);
  expectClose(results[6]!, [expected.entropy]);
}

const wideNet = {
  experts: 4,
  feedforward: 5,
  bias: true,
  gates: "raw",
  capacity: 1.2,
  capacityGroup: "batch",
  firstPlaceUnused: true,
  noise: 1,
  activationAfter: true,
};

/** WideNet's layer of K choices; noise as its key gives it, where it is trained. */
function checkWideNet(chosen: number, isTraining: boolean): void {
  const of = layer({ ...wideNet, chosen }, 3, 7, 6);
  const [drawn] = run((from) => normal(foldIn(from, 0), [21, 4]), key);
  const noise = list(21, (n) => list(4, (e) => (isTraining ? drawn!.data[n * 4 + e]! / 4 : 0)));
  const network = { hidden: 5, bias: true, activationAfter: true };
  const expected = plainWideNet(of.x, of.parameter, network, { experts: 4, chosen, capacity: 1.2, noise });
  // The test would say little if everything had a place, or nothing.
  expect(new Set(expected.kept.flat()).size).toBe(2);
  expectRouted(of, expected, { balance: 0.01, isTraining });
}

test("WideNet's router with its quirks: assignments, dropped tokens, gates, balance loss", () => {
  for (const chosen of [1, 2]) {
    checkWideNet(chosen, false);
    checkWideNet(chosen, true);
  }
});

test("without its quirks it is another layer", () => {
  const of = layer({ ...wideNet, firstPlaceUnused: false }, 3, 7, 6);
  const network = { hidden: 5, bias: true, activationAfter: true };
  const noise = list(21, () => list(4, () => 0));
  const expected = plainWideNet(of.x, of.parameter, network, { experts: 4, chosen: 2, capacity: 1.2, noise });
  expect(() => expectRouted(of, expected, { balance: 0.01 })).toThrow();
});

test("gradients of output and losses by differences, with noise and dropped tokens", () => {
  const settings = { ...wideNet, balance: 0.3, zLoss: 0.2, sharedExperts: 2 };
  for (const more of [
    {},
    { network: "swiglu", capacity: null, firstPlaceUnused: false, gates: "renormalised" },
  ]) {
    const of = layer({ ...settings, ...more }, 2, 5, 4);
    const build: Build = (...inputs) => {
      const { y, told } = applied(of, true, inputs);
      return [y, told["loss balance"]!, told["loss zLoss"]!];
    };
    expect(gradientError(build, of.values)).toBeLessThan(1e-6);
  }
});

test("orders, prototypes, gates, groups and limits, one choice after the other", () => {
  const cases = fc.record({
    batch: size(3),
    length: size(8),
    each: fc.constantFrom(1, 2, 3),
    prototypes: size(3),
    chosen: size(2),
    gates: fc.constantFrom("raw", "renormalised"),
    order: fc.constantFrom("tokens", "choices", "gates"),
    group: fc.constantFrom("sequence", "batch"),
    rounding: fc.constantFrom("down", "up"),
    capacity: fc.constantFrom(null, 0.4, 1, 1.25),
    bias: fc.boolean(),
  });
  forAll(
    cases,
    ({ batch, length, each, group, rounding, ...of }, random) => {
      const chosen = Math.min(of.chosen, each);
      const gates = chosen === 1 ? "raw" : (of.gates as "raw");
      const experts = each * of.prototypes;
      const tokens = group === "sequence" ? length : batch * length;
      const share = (tokens * (of.capacity ?? Number.POSITIVE_INFINITY) * chosen) / each;
      const places = Math.max(1, rounding === "down" ? Math.floor(share) : Math.ceil(share));
      const { prototypes, capacity, bias } = of;
      const order = of.order as "tokens";
      const routing = { experts, prototypes, chosen, gates, order };
      const limits = { capacity, capacityGroup: group, capacityRounding: rounding };
      const made = layer(
        { ...routing, ...limits, bias, feedforward: 3, balance: 1 },
        batch,
        length,
        4,
        random,
      );
      const groups = list(batch * length === tokens ? 1 : batch, (g) =>
        made.x.slice(g * tokens, (g + 1) * tokens),
      );
      const network = { hidden: 3, bias, activationAfter: false };
      expectRouted(made, plainTokenChoice(groups, made.parameter, network, { ...routing, places }));
    },
    40,
  );
});

test("a limit that drops nothing is none", () => {
  const output = (settings: Record<string, unknown>) => {
    const of = layer({ experts: 4, feedforward: 6, ...settings }, 2, 6, 4);
    return run((...inputs) => applied(of, false, inputs).y, ...of.values)[0]!.data;
  };
  for (const group of ["sequence", "batch"]) {
    expectClose(output({ capacity: 2, capacityGroup: group }), output({}), 1e-14);
  }
});

test.each(["relu", "squaredRelu", "gelu", "geluExact", "swiglu", "geglu"])(
  "a single %s expert is the feed-forward layer of that name",
  (network) => {
    const common = { feedforward: 6, bias: true };
    const of = layer({ ...common, experts: 1, chosen: 1, network }, 2, 3, 4);
    const dense = primitives.get(network)!.configure(network, common, { width: 4, standardDeviation: 1 });
    const [routed, plain] = run(
      (...inputs) => {
        const parameter = (name: string): Tensor => {
          const tensor = inputs[2 + of.names.indexOf(name)]!;
          return reshape(tensor, tensor.shape.slice(1));
        };
        const { y } = applied(of, false, inputs);
        return [y, dense.apply(rootScope({ source: { parameter } }), inputs[0]!)];
      },
      ...of.values,
    );
    expectClose(routed!.data, plain!.data);
  },
);

test("dropout inside experts is the model's, and only where it is trained", () => {
  const of = layer({ expertDropout: true }, 1, 4, 4);
  const output = (isTraining: boolean, dropout: number) => {
    const source = (inputs: readonly Tensor[]) => ({
      parameter: (name: string) => inputs[2 + of.names.indexOf(name)]!,
    });
    const build: Build = (...inputs) => {
      const chance = isTraining ? { key: inputs[1]! } : {};
      return of.module.apply(rootScope({ source: source(inputs), dropout, ...chance }), inputs[0]!);
    };
    return [...run(build, ...of.values)[0]!.data];
  };
  expect(output(true, 0.5)).not.toEqual(output(true, 0));
  expect(output(true, 0)).toEqual(output(false, 0.5));
});

/** Whether another token changes the output of earlier places of its sequence, or of other sequences. */
function leaks(settings: Record<string, unknown>): { earlier: boolean; others: boolean } {
  const [batch, length, width] = [2, 6, 4];
  const of = layer({ experts: 3, feedforward: 4, ...settings }, batch, length, width);
  const build: Build = (...inputs) => applied(of, false, inputs).y;
  const [before] = run(build, ...of.values);
  const found = { earlier: false, others: false };
  const random = generator(8);
  for (let trial = 0; trial < 40; trial++) {
    const place = Math.floor(random() * batch * length);
    const data = of.values[0]!.data.map((old, i) =>
      Math.floor(i / width) === place ? 4 * random() - 2 : old,
    );
    const [after] = run(build, { ...of.values[0]!, data }, ...of.values.slice(1));
    after!.data.forEach((now, i) => {
      const at = Math.floor(i / width);
      if (now === before!.data[i]) return;
      if (Math.floor(at / length) !== Math.floor(place / length)) found.others = true;
      else if (at < place) found.earlier = true;
    });
  }
  return found;
}

describe("what is causal says so, and what says so is", () => {
  const tight = { capacity: 0.7 };
  test.each([
    [{}, { earlier: false, others: false }],
    [tight, { earlier: false, others: false }],
    [
      { ...tight, order: "choices", chosen: 1 },
      { earlier: false, others: false },
    ],
    [
      { ...tight, order: "choices" },
      { earlier: true, others: false },
    ],
    [
      { ...tight, order: "gates" },
      { earlier: true, others: false },
    ],
    [
      { ...tight, order: "gates", chosen: 1 },
      { earlier: true, others: false },
    ],
    [
      { ...tight, capacityGroup: "batch" },
      { earlier: false, others: true },
    ],
    [
      { ...tight, capacityGroup: "batch", order: "choices" },
      { earlier: true, others: true },
    ],
  ])("%j", (settings, expected) => {
    const { module } = layer(settings, 1, 1, 4);
    expect(leaks(settings)).toEqual(expected);
    expect(module.causal).toBe(!expected.earlier && !expected.others);
  });
});

test("noise and its absence: the same key, the same bits; evaluation draws nothing", () => {
  const of = layer({ noise: 2 }, 1, 5, 4);
  const output = (isTraining: boolean, drawn: Value) => [
    ...run((...inputs) => applied(of, isTraining, inputs).y, of.values[0]!, drawn, ...of.values.slice(2))[0]!
      .data,
  ];
  const other = value([6, 9], [2], "u32");
  expect(output(true, key)).toEqual(output(true, key));
  expect(output(true, key)).not.toEqual(output(true, other));
  expect(output(false, key)).toEqual(output(false, other));
});

test("steps and a prompt at once know no limit", () => {
  const of = layer({ capacity: 0.5, sharedExperts: 1 }, 2, 6, 4);
  const free = layer({ sharedExperts: 1 }, 2, 6, 4);
  expect(of.module.decodes).toBe("differently");
  expect(free.module.decodes).toBe("exactly");
  const scope = ([, , ...parameters]: readonly Tensor[]) =>
    rootScope({ source: { parameter: (name) => parameters[of.names.indexOf(name)]! } });
  const [whole, prefilled, stepped, limited] = run(
    (...inputs) => {
      const [x] = inputs as [Tensor];
      const steps = list(6, (t) => {
        const token = reshape(slice(x, { 1: [t, t + 1] }), [2, 4]);
        const { y } = of.module.step(scope(inputs), token, {}, fill(t, [], "i32"));
        return reshape(y, [2, 1, 4]);
      });
      return [
        free.module.apply(scope(inputs), x),
        of.module.prefill!(scope(inputs), x, 6).y,
        concatenate(steps, 1),
        of.module.apply(scope(inputs), x),
      ];
    },
    ...of.values,
  );
  expectClose(prefilled!.data, whole!.data);
  expectClose(stepped!.data, whole!.data);
  expect([...limited!.data]).not.toEqual([...whole!.data]);
});

test("active parameters are those of the experts a token meets", () => {
  const source = inputSource();
  const settings = { experts: 8, chosen: 1, prototypes: 2, feedforward: 5, bias: true, sharedExperts: 1 };
  const module = moe.configure("moe", settings, { width: 4, standardDeviation: 1 });
  module.apply(rootScope({ source }), input("x", [1, 2, 4]));
  const one = 4 * 5 + 5 + 5 * 4 + 4;
  const { total, active } = countParameters(source.declared);
  expect(total).toBe(4 * 8 + 8 * one + one);
  expect(active).toBe(4 * 8 + 2 * one + one);
});

test("all declared parameters are found by name, also where one token is alone", () => {
  const source = inputSource();
  const module = moe.configure("moe", { capacity: 1 }, { width: 4, standardDeviation: 1 });
  const y = module.apply(rootScope({ source }), input("x", [1, 1, 4]));
  const values = Object.fromEntries(
    [...source.declared].map(([name, { shape }]) => [name, uniformValue(generator(1), shape)]),
  );
  const [result] = evaluate([y], { ...values, x: uniformValue(generator(2), [1, 1, 4]) });
  expect(result!.data.every((number) => number !== 0)).toBe(true);
});

describe("refused in one line", () => {
  const message = (settings: Record<string, unknown>, length?: number): string => {
    try {
      moe.configure("moe", settings, {
        width: 4,
        standardDeviation: 1,
        ...(length === undefined ? {} : { length }),
      });
    } catch (error) {
      expect(error).toBeInstanceOf(RequestError);
      return (error as Error).message;
    }
    throw new Error("nothing was refused");
  };
  test.each([
    [{ chosen: 9 }, "moe: chosen is 9; expected at most the 8 experts"],
    [
      { prototypes: 4, chosen: 3 },
      "moe: chosen is 3; expected at most the 2 experts of each of 4 prototypes",
    ],
    [{ prototypes: 3 }, "moe: prototypes is 3; expected a divisor of the 8 experts"],
    [
      { chosen: 1, gates: "renormalised" },
      "moe: with chosen 1, renormalised gates are all 1 and the router cannot learn; expected gates raw",
    ],
    [
      { firstPlaceUnused: true },
      "moe: firstPlaceUnused needs a limit of places; give a capacity or leave it out",
    ],
    [{ capacity: 0 }, "moe: capacity is 0; expected a number above 0"],
  ])("%j", (settings, expected) => {
    expect(message(settings)).toBe(expected);
  });
  test("a capacity below one token, as soon as the tokens are known", () => {
    expect(message({ capacity: 0.5 }, 7)).toBe(
      "moe: capacity 0.5 leaves each of 8 experts no place for any of the 7 tokens of a sequence; expected at least " +
        "one: give a larger capacity, fewer experts or more tokens",
    );
    const module = moe.configure(
      "moe",
      { capacity: 0.5, capacityGroup: "batch" },
      { width: 4, standardDeviation: 1, length: 3 },
    );
    const training = rootScope({ source: inputSource(), key: input("key", [2], "u32") }).within(
      "block.0.moe",
    );
    expect(() => module.apply(training, input("x", [2, 3, 4]))).toThrow(
      /^block\.0\.moe: capacity 0\.5 leaves each of 8 experts no place for any of the 6 tokens of a batch/,
    );
    expect(module.apply(training, input("x", [8, 3, 4])).shape).toEqual([8, 3, 4]);
  });
});
