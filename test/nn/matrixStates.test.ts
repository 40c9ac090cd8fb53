// The chunked forms of matrix states, and the kernel that stands for one of them, in f32 against their recurrences step by
// step in float64, on lengths of several chunks and with decays between none and e^-20 a step, on which differences of sums
// of logarithms lose their digits.
import { describe, expect, test } from "vitest";
import { channelDecay } from "../../src/nn/matrixState/channelDecay.ts";
import type { Mixed, Tokens } from "../../src/nn/matrixState/chunks.ts";
import { deltaRule } from "../../src/nn/matrixState/deltaRule.ts";
import { headDecay } from "../../src/nn/matrixState/headDecay.ts";
import { recurInChunks } from "../../src/tensor/composites/recurrenceChunks.ts";
import {
  exp,
  gradients,
  input,
  literal,
  multiply,
  program,
  sum,
  type Tensor,
  topologicalOrder,
} from "../../src/tensor/index.ts";
import { describeMismatch, mismatch, native, type Values } from "../engine/harness.ts";
import { distance, generator, run, uniformValue, type Value } from "../tensor/harness.ts";
import { type Matrix, read, zeros } from "./matrixStates.ts";
import { list } from "./mixers.ts";

const [BATCH, LENGTH, HEADS, KEYS, VALUES] = [2, 150, 2, 8, 5];

type Tensors = Readonly<Record<string, Tensor>>;

interface Form {
  /** Numbers of a log decay for each head; 0: there is none. */
  readonly decays: number;
  readonly queryHeads: number;
  readonly graph: (tokens: Tokens, of: Tensors) => Mixed;
  /** The state after a token, and what it reads, from the state before. */
  readonly plain: (state: Matrix, token: PlainToken) => { next: Matrix; seen: Matrix };
}

interface PlainToken {
  readonly key: number[];
  readonly value: number[];
  readonly decay: (row: number) => number;
  readonly beta: number;
  readonly bonus: (row: number) => number;
}

const written = (state: Matrix, { key, decay }: PlainToken, what: number[], by = decay): Matrix =>
  state.map((line, i) => line.map((before, j) => by(i) * before + key[i]! * what[j]!));

const linear: Form["plain"] = (state, token) => {
  const next = written(state, token, token.value);
  return { next, seen: next };
};

const delta: Form["plain"] = (state, token) => {
  const faded = state.map((line) => line.map((before) => token.decay(0) * before));
  const recalled = read(faded, token.key);
  const what = token.value.map((value, j) => token.beta * (value - recalled[j]!));
  const next = written(faded, token, what, () => 1);
  return { next, seen: next };
};

const forms: Record<string, Form> = {
  "no decay": {
    decays: 0,
    queryHeads: HEADS,
    graph: (tokens) => headDecay(tokens, undefined),
    plain: linear,
  },
  "a decay a head": {
    decays: 1,
    queryHeads: HEADS,
    graph: (tokens, { logDecay }) => headDecay(tokens, logDecay),
    plain: linear,
  },
  "a decay a head, one query for all": {
    decays: 1,
    queryHeads: 1,
    graph: (tokens, { logDecay }) => headDecay(tokens, logDecay),
    plain: linear,
  },
  "a decay a row": {
    decays: KEYS,
    queryHeads: HEADS,
    graph: (tokens, { logDecay }) => channelDecay(tokens, exp(logDecay!), undefined),
    plain: linear,
  },
  "a decay a row, in chunks of products": {
    decays: KEYS,
    queryHeads: HEADS,
    graph: ({ queries, keys, values }, { logDecay }) => {
      const [out, , state] = recurInChunks([queries, keys, values, exp(logDecay!)], false, 32);
      return { out, state };
    },
    plain: linear,
  },
  "a decay a row, read before it is written": {
    decays: KEYS,
    queryHeads: HEADS,
    graph: (tokens, { logDecay, bonus }) => channelDecay(tokens, exp(logDecay!), bonus!),
    plain: (state, token) => {
      const seen = state.map((line, i) =>
        line.map((before, j) => before + token.bonus(i) * token.key[i]! * token.value[j]!),
      );
      return { next: written(state, token, token.value), seen };
    },
  },
  "the delta rule": {
    decays: 0,
    queryHeads: HEADS,
    graph: (tokens, { beta }) => deltaRule(tokens, beta!, undefined),
    plain: delta,
  },
  "the delta rule with a decay a head": {
    decays: 1,
    queryHeads: HEADS,
    graph: (tokens, { beta, logDecay }) => deltaRule(tokens, beta!, logDecay),
    plain: delta,
  },
};

/** Decays of all strengths from token to token: in one of three e^-20, in others a ten-thousandth. */
function logDecays(random: () => number, width: number): Value {
  const shape = width === 1 ? [BATCH, LENGTH, HEADS] : [BATCH, LENGTH, HEADS, width];
  const data = uniformValue(random, shape).data.map(
    () => -(20 ** (2 * random() - 1)) * 10 ** -(5 * random()),
  );
  return { shape, dtype: "f32", data: data.map((value) => (random() < 1 / 3 ? -20 + value : value)) };
}

function valuesOf({ decays, queryHeads }: Form): Values {
  const random = generator(3);
  const reach = 1 / Math.sqrt(KEYS);
  const values = {
    queries: uniformValue(random, [BATCH, LENGTH, queryHeads, KEYS]),
    keys: uniformValue(random, [BATCH, LENGTH, queryHeads, KEYS], -reach, reach),
    values: uniformValue(random, [BATCH, LENGTH, HEADS, VALUES]),
    beta: uniformValue(random, [BATCH, LENGTH, HEADS], 0, 1),
    bonus: uniformValue(random, [HEADS, KEYS]),
    logDecay: logDecays(random, Math.max(1, decays)),
  };
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, { ...value, data: value.data.map(Math.fround) }]),
  );
}

/** What every token reads, [B, T, H, V], and the last states, [B, H, K, V]. */
function recurrence({ decays, queryHeads, plain }: Form, values: Values): { out: number[]; state: number[] } {
  const row = (name: string, b: number, t: number, h: number): number[] => {
    const { shape, data } = values[name]!;
    const width = shape[3] ?? 1;
    const at = ((b * LENGTH + t) * shape[2]! + h) * width;
    return [...data.subarray(at, at + width)];
  };
  const out: number[][][][] = list(BATCH, () => list(LENGTH, () => []));
  const states = list(BATCH, (b) =>
    list(HEADS, (h) => {
      let state = zeros(KEYS, VALUES);
      for (let t = 0; t < LENGTH; t++) {
        const q = queryHeads === 1 ? 0 : h;
        const logs = row("logDecay", b, t, h);
        const { next, seen } = plain(state, {
          key: row("keys", b, t, q),
          value: row("values", b, t, h),
          decay: (i) => (decays === 0 ? 1 : Math.exp(logs[decays === 1 ? 0 : i]!)),
          beta: row("beta", b, t, h)[0]!,
          bonus: (i) => values.bonus!.data[h * KEYS + i]!,
        });
        state = next;
        out[b]![t]![h] = read(seen, row("queries", b, t, q));
      }
      return state;
    }),
  );
  return { out: out.flat(3), state: states.flat(3) };
}

describe.each(Object.keys(forms))("%s", (name) => {
  const form = forms[name]!;
  const values = valuesOf(form);
  const tensors = Object.fromEntries(
    Object.entries(values).map(([key, { shape }]) => [key, input(key, shape)]),
  );
  const mixed = form.graph(
    { queries: tensors.queries!, keys: tensors.keys!, values: tensors.values! },
    tensors,
  );

  test("the recurrence, to 1e-10 in float64", () => {
    const names = Object.keys(values);
    const [out, state] = run(
      (...given) => {
        const of = Object.fromEntries(given.map((tensor, i) => [names[i]!, tensor]));
        const { out, state } = form.graph({ queries: of.queries!, keys: of.keys!, values: of.values! }, of);
        return [out, state];
      },
      ...Object.values(values),
    );
    const expected = recurrence(form, values);
    expect(distance(out!.data, expected.out)).toBeLessThan(1e-10);
    expect(distance(state!.data, expected.state)).toBeLessThan(1e-10);
  });

  test("values to 1e-5 and gradients to 1e-4 in f32", async () => {
    const weights = literal(
      uniformValue(generator(4), mixed.out.shape).data.map(Math.fround),
      mixed.out.shape,
    );
    const scalar = sum(multiply(mixed.out, weights));
    const machine = await native(false);
    const whole = mismatch(machine, program({ out: mixed.out, state: mixed.state }), values, 1e-5);
    expect(whole && describeMismatch(whole)).toBeUndefined();
    const nodes = topologicalOrder([mixed.out]);
    const used = Object.keys(tensors).filter((key) => nodes.includes(tensors[key]!.node));
    const found = gradients(
      scalar,
      used.map((key) => tensors[key]!),
    );
    const backward = program(Object.fromEntries(used.map((key, i) => [`d ${key}`, found[i]!])));
    const wrong = mismatch(machine, backward, values, 1e-4);
    expect(wrong && describeMismatch(wrong)).toBeUndefined();
  });
});
