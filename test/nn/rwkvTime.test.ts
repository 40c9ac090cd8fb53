// RWKV-5's and RWKV-6's time mixing against the equations of their paper (sections 4.1 and 4.2) in plain loops.
import { describe, expect, test } from "vitest";
import { rwkv5Time } from "../../src/nn/rwkv5Time.ts";
import { rwkv6Time } from "../../src/nn/rwkv6Time.ts";
import { type Matrix, parametersOf, part, read, standardised, zeros } from "./matrixStates.ts";
import {
  checkCausal,
  checkMixer,
  linear,
  list,
  type MixerCase,
  type Parameter,
  type Plain,
  silu,
  total,
} from "./mixers.ts";

/** One token's mixtures and decays. */
interface Token {
  readonly of: (name: string) => number[];
  readonly decay: number[];
}

type TokenOf = (p: Parameter, now: number[], before: number[]) => Token;

/** a + (b - a)·μ, from a token a to the one before b. */
const lerp = (a: number[], b: number[], share: (i: number) => number) =>
  a.map((value, i) => value + (b[i]! - value) * share(i));

const eagle: TokenOf = (p, now, before) => ({
  of: (name) => lerp(now, before, (i) => 1 - p(`${name}.share`)(i)),
  decay: now.map((_, i) => Math.exp(-Math.exp(p("decay")(i)))),
});

const product = (p: Parameter, name: string, x: number[], from: number, to: number) =>
  list(to - from, (j) => total(x.length, (i) => x[i]! * p(name)(i, from + j)));

const finch =
  (shiftRank: number, decayRank: number): TokenOf =>
  (p, now, before) => {
    const width = now.length;
    const first = lerp(now, before, (i) => 1 - p("shift.share")(i));
    const of = (name: string) => {
      const at = ["decay", "key", "value", "receptance", "gate"].indexOf(name) * shiftRank;
      const low = product(p, "shift.down", first, at, at + shiftRank).map(Math.tanh);
      const change = product(p, `shift.${name}.up`, low, 0, width);
      return lerp(now, before, (i) => 1 - p(`${name}.share`)(i) + change[i]!);
    };
    const low = product(p, "decay.down", of("decay"), 0, decayRank).map(Math.tanh);
    const change = product(p, "decay.up", low, 0, width);
    return { of, decay: change.map((value, i) => Math.exp(-Math.exp(p("decay")(i) + value))) };
  };

const plain =
  (heads: number, tokenOf: TokenOf): Plain =>
  (x, p) => {
    const width = x[0]!.length;
    const states: Matrix[] = list(heads, () => zeros(width / heads, width / heads));
    return x.map((row, t) => {
      const token = tokenOf(p, row, x[t - 1] ?? row.map(() => 0));
      const mapped = (name: string) => linear(p, name, token.of(name), width);
      const [r, k, v, g] = [mapped("receptance"), mapped("key"), mapped("value"), mapped("gate")];
      const found = list(heads, (h) => {
        const [rh, kh, vh] = [part(r, h, heads), part(k, h, heads), part(v, h, heads)];
        const at = (i: number) => (h * width) / heads + i;
        const seen = states[h]!.map((line, i) =>
          line.map((before, j) => before + p("bonus")(at(i)) * kh[i]! * vh[j]!),
        );
        states[h] = states[h]!.map((line, i) =>
          line.map((before, j) => token.decay[at(i)]! * before + kh[i]! * vh[j]!),
        );
        return standardised(
          read(seen, rh).map((value) => value / 8),
          1e-5,
        );
      }).flat();
      return linear(
        p,
        "output",
        found.map((value, i) => (value * p("readNorm.scale")(i) + p("readNorm.bias")(i)) * silu(g[i]!)),
        width,
      );
    });
  };

const five: MixerCase = {
  primitive: rwkv5Time,
  settings: { heads: 2 },
  width: 6,
  length: 7,
  plain: plain(2, eagle),
};

const six: MixerCase = {
  ...five,
  primitive: rwkv6Time,
  settings: { heads: 2, shiftRank: 2, decayRank: 3 },
  plain: plain(2, finch(2, 3)),
};

describe.each([
  ["rwkv5-time", five],
  ["rwkv6-time", six],
] as const)("%s", (_, of) => {
  test("equals the paper's equations, gradients by differences", () => {
    checkMixer(of);
  });

  test.each([1, 2, 31, 32, 33, 70])("the same on %i tokens, through whole and cut chunks", (length) => {
    checkMixer({ ...of, length }, { gradients: false });
  });

  test("stays exact where rows decay by e^-20 a step, and where they are forgotten at once", () => {
    for (const rate of [Math.log(20), 1000]) {
      const change = (name: string, value: number, place: number) =>
        name === "decay" && place % 2 === 0 ? rate : value;
      checkMixer({ ...of, length: 40, change }, { gradients: false });
      checkMixer({ ...of, length: 5, change });
    }
  });

  test("sees no later token", () => {
    checkCausal(of);
  });
});

test("mad-lab's layers have mad-lab's counts of parameters and state", () => {
  expect(parametersOf(rwkv5Time, { heads: 8 }, 128)).toEqual({ total: 82_944, kept: 2048 + 128 });
  expect(parametersOf(rwkv6Time, { heads: 8 }, 128)).toEqual({ total: 140_544, kept: 2048 + 128 });
});

test("heads that do not divide the width are refused in one line", () => {
  for (const primitive of [rwkv5Time, rwkv6Time]) {
    const configure = () => primitive.configure("mixer", { heads: 3 }, { width: 8, standardDeviation: 1 });
    expect(configure).toThrow(
      "mixer: width 8 is not divisible by heads 3; expected a divisor of width, such as 2",
    );
  }
});
