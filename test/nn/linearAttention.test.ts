// Linear attention against its paper's recurrence in plain loops, and its feature maps against their formulas.
import { expect, test } from "vitest";
import { linearAttention } from "../../src/nn/linearAttention.ts";
import { type Matrix, parametersOf, part, read, zeros } from "./matrixStates.ts";
import {
  checkCausal,
  checkMixer,
  linear,
  list,
  type MixerCase,
  type Parameter,
  type Plain,
} from "./mixers.ts";

type Map = (x: number[], p: Parameter, name: string) => number[];

const maps: Record<string, Map> = {
  elu: (x) => x.map((value) => (value > 0 ? value + 1 : Math.exp(value))),
  identity: (x) => x,
  relu: (x) => x.map((value) => Math.max(value, 0)),
  squaredRelu: (x) => x.map((value) => Math.max(value, 0) ** 2),
  exp: (x) => x.map(Math.exp),
  taylor: (x) => [
    1,
    ...x.map((value) => value / x.length ** 0.25),
    ...x.flatMap((a) => x.map((b) => (a * b) / Math.sqrt(2) / Math.sqrt(x.length))),
  ],
  product: (x, p, name) => {
    const left = linear(p, `${name}.left`, x, x.length, true);
    const right = linear(p, `${name}.right`, x, x.length, true);
    return left.map((value, i) => value * right[i]!);
  },
};

const plain =
  (heads: number, keyWidth: number, map: Map, normalised: boolean, epsilon = 1e-6, bias = false): Plain =>
  (x, p) => {
    const width = x[0]!.length;
    const states: Matrix[] = [];
    const sums: number[][] = [];
    return x.map((row) => {
      const found = list(heads, (h) => {
        const headOf = (name: string, wide: number) => part(linear(p, name, row, wide, bias), h, heads);
        const q = map(headOf("query", heads * keyWidth), p, "query");
        const k = map(headOf("key", heads * keyWidth), p, "key");
        const v = headOf("value", width);
        const state = states[h] ?? zeros(k.length, v.length);
        const sum = sums[h] ?? list(k.length, () => 0);
        states[h] = state.map((line, i) => line.map((before, j) => before + k[i]! * v[j]!));
        sums[h] = sum.map((before, i) => before + k[i]!);
        const weight = q.reduce((all, value, i) => all + value * sums[h]![i]!, 0);
        return read(states[h]!, q).map((value) => (normalised ? value / (weight + epsilon) : value));
      });
      return linear(p, "output", found.flat(), width, bias);
    });
  };

const small = (featureMap: string, normalised: boolean, rest: Partial<MixerCase> = {}): MixerCase => ({
  primitive: linearAttention,
  settings: { heads: 2, keyWidth: 3, featureMap, normalised },
  width: 4,
  length: 7,
  plain: plain(2, 3, maps[featureMap]!, normalised),
  ...rest,
});

test.each(Object.keys(maps))("%s: equals the paper's recurrence, gradients by differences", (name) => {
  checkMixer(small(name, false));
});

test("normalised: equals the paper's recurrence, gradients by differences", () => {
  checkMixer(small("elu", true));
  checkMixer(small("taylor", true));
  checkMixer({
    ...small("exp", true),
    settings: { heads: 2, keyWidth: 3, featureMap: "exp", epsilon: 0.1, bias: true },
    plain: plain(2, 3, maps.exp!, true, 0.1, true),
  });
});

test.each([1, 63, 64, 65, 150])("the same on %i tokens, through whole and cut chunks", (length) => {
  checkMixer(small("elu", true, { length }), { gradients: length === 65 });
});

test("sees no later token", () => {
  checkCausal(small("elu", true));
  checkCausal(small("identity", false, { length: 66 }));
});

test("mad-lab's layers have mad-lab's counts of parameters and state", () => {
  const madLab = (heads: number) => ({ heads, featureMap: "product", epsilon: 1e-12 });
  expect(parametersOf(linearAttention, madLab(16), 128)).toEqual({ total: 65_824, kept: 1024 + 128 });
  expect(parametersOf(linearAttention, madLab(1), 128)).toEqual({ total: 131_584, kept: 16_384 + 128 });
});

test("heads that do not divide the width are refused in one line", () => {
  const configure = () =>
    linearAttention.configure("mixer", { heads: 3 }, { width: 8, standardDeviation: 1 });
  expect(configure).toThrow(
    "mixer: width 8 is not divisible by heads 3; expected a divisor of width, such as 2",
  );
});
