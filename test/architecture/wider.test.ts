// Blocks applied again, paths beside each other, nested widths and relaxed sharing: what each counts, and what it is equal to.
import { describe, expect, test } from "vitest";
import { type ArchitectureInput, defineArchitecture } from "../../src/architecture/architecture.ts";
import { count, countedParameters } from "../../src/architecture/count.ts";
import { cutNested } from "../../src/architecture/cutNested.ts";
import { decodingNames, decodingState, prefillProgram } from "../../src/architecture/decode.ts";
import { forward } from "../../src/architecture/forward.ts";
import { relaxNetwork } from "../../src/architecture/relaxed.ts";
import { relaxedSelections } from "../../src/architecture/relaxedSelections.ts";
import type { Architecture } from "../../src/architecture/schema.ts";
import { RequestError } from "../../src/errors.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { isBlockMatrix, matrixShape } from "../../src/nn/sources/source.ts";
import { diagramText } from "../../src/report/diagram.ts";
import { evaluate, gradients, input, literal, multiply, sum } from "../../src/tensor/index.ts";
import { distance } from "../tensor/harness.ts";
import {
  attentionBlock,
  BATCH,
  define,
  feedforward,
  gradientsOf,
  graph,
  LENGTH,
  logitsOf,
  norms,
  outside,
  REPEAT,
  small,
  startOf,
  tokens,
  type Values,
  WIDTH,
} from "./sourced.ts";

const stripes = {
  attention: ["attention(heads: 2)", "swiglu(feedforward: 12)"],
  hyena: ["hyena(filterWidth: 4)", "gelu(feedforward: 12, bias: true)"],
  mamba: ["mamba(state: 4)", "moe(experts: 4, feedforward: 12)"],
} as const;
const block = attentionBlock + feedforward;
const renamed = (values: Values, rename: (name: string) => string): Values =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [rename(name), value]));

describe("blocks applied several times", () => {
  test("count the block once, and each map between", () => {
    const plain = outside + REPEAT * (block + norms);
    expect(countedParameters(define([], { loop: { times: 3, between: "none" } })).total).toBe(plain);
    // A norm, two matrices with biases, two coefficients.
    const map = 2 * WIDTH + 2 * (WIDTH ** 2 + WIDTH) + 2;
    const mapped = define([], { loop: { times: 3 } });
    expect(countedParameters(mapped).total).toBe(plain + REPEAT * 2 * map);
    expect(countedParameters(define(["share"], { loop: { times: 3 } })).total).toBe(
      outside + block + REPEAT * (norms + 2 * map),
    );
    expect(count(mapped).parameters.total).toBe(plain + REPEAT * 2 * map);
    expect(diagramText(mapped, "looped")).toContain(`× 4, each 3 times, maps between · ${2 * map}`);
  });

  test.each(Object.entries(stripes))(
    "%s: without maps they are blocks that share everything",
    (_, stripe) => {
      const looped = define([], { stripe, repeat: 2, loop: { times: 2, between: "none" } });
      const shared = define([{ source: "share", groups: [2, 2], norms: "shared" }], { stripe });
      const values = startOf(looped);
      const asShared = renamed(values, (name) => name.replace("block.1.", "block.2."));
      expect(logitsOf(looped, values)).toEqual(logitsOf(shared, asShared));
      const slopes = gradientsOf(shared, asShared);
      for (const [name, { data }] of Object.entries(gradientsOf(looped, values))) {
        expect(data, name).toEqual(slopes[name.replace("block.1.", "block.2.")]!.data);
      }
      expect(count(looped).flopsPerToken.forward).toBe(count(shared).flopsPerToken.forward);
      expect(count(looped).stateElements.kept).toBe(count(shared).stateElements.kept);
    },
  );

  test("a map that adds nothing is none, and one that adds something is not", () => {
    const looped = define([], { loop: { times: 2 } });
    const values = startOf(looped);
    const without = logitsOf(define([], { loop: { times: 2, between: "none" } }), values);
    expect(distance(logitsOf(looped, values), without)).toBeGreaterThan(1e-3);
    for (const [name, { shape }] of Object.entries(values)) {
      if (/between\.1\.(?:kept|added)$/.test(name)) {
        values[name] = { shape, data: Float64Array.of(name.endsWith("kept") ? 1 : 0) };
      }
    }
    expect(logitsOf(looped, values)).toEqual(without);
  });
});

describe("paths", () => {
  test("count every copy, its norm and its weight", () => {
    const two = define([], { paths: 2 });
    const expected = outside + REPEAT * (2 * block + norms + 2 * (2 * 2 * WIDTH + 2));
    expect(countedParameters(two).total).toBe(expected);
    expect(count(two).stateElements.kept).toBe(2 * count(define([])).stateElements.kept);
    expect(diagramText(two, "two")).toContain("2 paths of attention(heads: 2) → layer norms");
  });

  test.each(Object.entries(stripes))("%s: one path without norm is the plain network", (_, stripe) => {
    const single = define([], { stripe, paths: { count: 1, norm: "none" } });
    const values = startOf(define([], { stripe }));
    const named: Values = renamed(values, (name) =>
      name.replace(/^(block\.\d\.[^.]+)\.(?!norm\.)/, "$1.paths.0."),
    );
    for (const place of stripe.map((place) => place.replace(/\(.*/, ""))) {
      for (let i = 0; i < REPEAT; i++) {
        named[`block.${i}.${place}.pathWeights`] = { shape: [1], data: Float64Array.of(1) };
      }
    }
    expect(logitsOf(single, named)).toEqual(logitsOf(define([], { stripe }), values));
  });

  test.each(Object.entries(stripes))("%s: a prompt read at once gives what all tokens give", (_, stripe) => {
    const two = define([], { stripe, paths: 2, loop: { times: 2 } });
    const program = prefillProgram(two, BATCH, LENGTH)!;
    expect(Object.keys(program.updates).sort()).toEqual([...decodingState(two, BATCH).keys()].sort());
    const values = startOf(two);
    const [last] = evaluate([program.outputs[decodingNames.logits]!], {
      ...values,
      [decodingNames.prompt]: tokens,
    });
    const all = logitsOf(two, values);
    const size = all.length / BATCH;
    const expected = [1, 2].flatMap((end) => [...all.subarray(end * size - size / LENGTH, end * size)]);
    expect(distance(last!.data, expected)).toBeLessThan(1e-9);
  });

  test("two equal paths are one with the sum of their weights", () => {
    const two = define([], { paths: { count: 2, norm: "rms" } });
    const values = startOf(two);
    for (const name of Object.keys(values)) {
      values[name] = values[name.replace(/(paths|pathNorm)\.1\./, "$1.0.")]!;
      if (name.endsWith("pathWeights")) values[name] = { shape: [2], data: Float64Array.of(0.3, 0.4) };
    }
    const single = define([], { paths: { count: 1, norm: "rms" } });
    const summed: Values = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [
        name,
        name.endsWith("pathWeights") ? { shape: [1], data: Float64Array.of(0.7) } : value,
      ]),
    );
    expect(distance(logitsOf(two, values), logitsOf(single, summed))).toBeLessThan(1e-12);
  });
});

describe("nested widths", () => {
  const nested = [1 / 3, 2 / 3, 1];
  /** The logits while a width is trained, and the gradients of their weighted sum. */
  const trained = (architecture: Architecture, values: Values, key: number) => {
    const source = inputSource();
    const randomKey = literal([key, 0], [2], "u32");
    const logits = forward(architecture, source, input("tokens", [BATCH, LENGTH], "i32"), { randomKey });
    const loss = sum(multiply(logits, logits));
    const [found, ...slopes] = evaluate([logits, ...gradients(loss, [...source.tensors.values()])], {
      ...values,
      tokens,
    });
    return {
      logits: found!.data,
      slopes: Object.fromEntries([...source.declared.keys()].map((name, i) => [name, slopes[i]!])),
    };
  };

  test.each(Object.entries(stripes))(
    "%s: each step trains one width, and it is the network cut out",
    (_, stripe) => {
      const architecture = define([], { stripe, nested });
      const values = startOf(architecture);
      const cut = nested.map((share) => cutNested(architecture, values, share));
      const logits = cut.map((network) => logitsOf(network.architecture, network.values));
      const met = new Set<number>();
      for (let key = 0; key < 12; key++) {
        const step = trained(architecture, values, key);
        const at = logits.findIndex((expected) => distance(step.logits, expected) < 1e-9);
        expect(at).toBeGreaterThanOrEqual(0);
        met.add(at);
        const hidden = step.slopes[Object.keys(step.slopes).find((name) => name.endsWith("up.weight"))!]!;
        const columns = hidden.shape.at(-1)!;
        hidden.data.forEach((slope, i) => {
          if (i % columns >= columns * nested[at]!) expect(slope).toBe(0);
        });
      }
      expect([...met].sort()).toEqual([0, 1, 2]);
      // The whole is what is evaluated.
      expect(logitsOf(architecture, values)).toEqual(logits[2]);
    },
  );

  test("a cut network has the parameters of a small one, and shared parameters become its own", () => {
    const architecture = define(["share", "lora(rank: 2)"], { nested: [0.5, 1] });
    expect(countedParameters(architecture).total).toBe(
      countedParameters(define(["share", "lora(rank: 2)"])).total,
    );
    const { architecture: half, values } = cutNested(architecture, startOf(architecture), 0.5);
    expect(half).toEqual(define([], { stripe: ["attention(heads: 2)", "swiglu(feedforward: 6)"] }));
    const numbers = Object.values(values).reduce((total, { data }) => total + data.length, 0);
    expect(numbers).toBe(countedParameters(half).total);
    const whole = cutNested(architecture, startOf(architecture), 1);
    expect(
      distance(logitsOf(whole.architecture, whole.values), logitsOf(architecture, startOf(architecture))),
    ).toBeLessThan(1e-12);
  });

  test("blocks of several widths: equal shares are one share, and each block has its own", () => {
    const architecture = define([], { nested: [0.25, 0.5, 1] });
    const values = startOf(architecture);
    const one = cutNested(architecture, values, 0.5);
    const equal = cutNested(architecture, values, [0.5, 0.5, 0.5, 0.5]);
    expect(logitsOf(equal.architecture, equal.values)).toEqual(logitsOf(one.architecture, one.values));
    const mixed = cutNested(architecture, values, [0.25, 0.5, 1, 0.25]);
    expect(countedParameters(mixed.architecture).total).toBe(
      outside + REPEAT * (attentionBlock + norms) + feedforward * 2,
    );
    expect(defineArchitecture(mixed.architecture)).toEqual(mixed.architecture);
    // Zeros where the mixture has nothing give the same.
    const zeroed: Values = Object.fromEntries(
      Object.entries(values).map(([name, { shape, data }]) => {
        const keeps = 12 * [0.25, 0.5, 1, 0.25][Number(/^block\.(\d)/.exec(name)?.[1])]!;
        if (!/swiglu\.(?:up|gate)\.weight$/.test(name)) return [name, { shape, data }];
        return [name, { shape, data: data.map((value, i) => (i % 12 < keeps ? value : 0)) }];
      }),
    );
    expect(distance(logitsOf(mixed.architecture, mixed.values), logitsOf(architecture, zeroed))).toBeLessThan(
      1e-12,
    );
  });

  test.each<[number | readonly number[], string]>([
    [
      0.3,
      "architecture: nested has 0.3, and 0.3 of the 12 hidden features of swiglu are 3.5999999999999996; expected shares that give whole numbers",
    ],
    [
      [1, 1],
      "cut: 2 shares are given, and the stripe is repeated 4 times; expected one for each, or one number",
    ],
    [
      2,
      "cut: shares are 2; expected numbers above 0 and up to 1, one or one for each repetition of the stripe",
    ],
  ])("a cut at %s is refused", (shares, line) => {
    const architecture = define([]);
    expect(() => cutNested(architecture, startOf(architecture), shares)).toThrow(new RequestError(line));
  });
});

/** The largest rank that a matrix of the blocks can have. */
function fullRank(stripe: readonly string[]): number {
  const matrices = [...graph(define([], { stripe })).source.declared].filter(([name, declaration]) =>
    isBlockMatrix(name, declaration),
  );
  return Math.max(...matrices.map(([, declaration]) => Math.min(...matrixShape(declaration))));
}

describe("relaxed sharing of a trained network", () => {
  test.each([
    ["attention", ["attention(heads: 2)", "swiglu(feedforward: 12)"]],
    ["hyena", ["hyena(filterWidth: 4)", "gelu(feedforward: 12, bias: true)"]],
    ["mamba", ["mamba(state: 4)", "swiglu(feedforward: 12)"]],
  ])("%s: the nearer the higher the rank", (_, stripe) => {
    const plain = define([], { stripe });
    const trained = startOf(plain);
    // What is no matrix has no addition.
    for (const [name, { shape, role }] of graph(plain).source.declared) {
      const isShared = name.startsWith("block.") && !/^block\.\d\.[^.]+\.norm\./.test(name);
      if (isShared && (role !== "hidden" || shape.length < 2)) {
        trained[name] = trained[name.replace(/^block\.\d/, "block.0")]!;
      }
    }
    const expected = logitsOf(plain, trained);
    for (const selection of relaxedSelections) {
      const [low, middle, full] = [1, 4, 16].map((rank) => {
        const shared = define(["share(period: 2)", `lora(rank: ${Math.min(rank, fullRank(stripe))})`], {
          stripe,
        });
        const { values, missing } = relaxNetwork(shared, trained, selection);
        return { missing, error: distance(logitsOf(shared, values), expected) };
      });
      expect(low!.missing).toBeGreaterThan(middle!.missing);
      expect(middle!.missing).toBeGreaterThan(full!.missing);
      expect(full!.missing).toBeLessThan(1e-20);
      expect(low!.error).toBeGreaterThan(1e-3);
      expect(full!.error).toBeLessThan(1e-6);
    }
  });

  test("shared values are those of the selection", () => {
    const trained = startOf(define([]));
    const shared = define([{ source: "share", period: 2 }, "lora(rank: 1)"]);
    const at = (k: number) => `block.${k}.attention.query.weight`;
    const first = (selection: (typeof relaxedSelections)[number], k: number) =>
      relaxNetwork(shared, trained, selection).values[at(k)]!.data[0];
    expect(first("stepwise", 0)).toBe(trained[at(0)]!.data[0]);
    expect(first("stepwise", 1)).toBe(trained[at(3)]!.data[0]);
    expect(first("lower", 1)).toBe(trained[at(1)]!.data[0]);
    expect(first("average", 1)).toBeCloseTo((trained[at(1)]!.data[0]! + trained[at(3)]!.data[0]!) / 2, 12);
  });

  test("other sources and absent parameters are refused", () => {
    expect(() => relaxNetwork(define(["share"]), {})).toThrow(
      new RequestError("relax: the architecture's sources are share; expected share and lora, and no other"),
    );
    expect(() => relaxNetwork(define(["share", "lora(rank: 1)"]), {})).toThrow(
      new RequestError('relax: parameter "embedding.tokens" is absent; expected [5,8]'),
    );
  });
});

describe("refused in one line", () => {
  test.each<[Partial<ArchitectureInput>, string]>([
    [
      { loop: 2 as never },
      'architecture: loop is 2; expected settings such as {"times": 2, "between": "projection"}',
    ],
    [{ loop: { times: 1 } }, "architecture: loop: times is 1; expected a whole number of at least 2"],
    [
      { loop: { times: 9999 } },
      "architecture: with its loop and paths, the stripe of 2 repeated 4 times has 79992 primitives; expected at most 10000",
    ],
    [{ paths: 0 }, "architecture: paths: count is 0; expected a whole number of at least 1"],
    [
      { paths: "two" as never },
      'architecture: paths is "two"; expected a number of paths, or settings such as {"count": 2, "norm": "layer"}',
    ],
    [
      { nested: [0.5] },
      "architecture: nested is [0.5]; expected up to 16 shares of the feed-forward width, ascending to 1, such as [0.25, 0.5, 1]",
    ],
    [
      { nested: [1, 0.5] },
      "architecture: nested is [1,0.5]; expected up to 16 shares of the feed-forward width, ascending to 1, such as [0.25, 0.5, 1]",
    ],
    [
      { nested: [0.125, 1] },
      "architecture: nested has 0.125, and 0.125 of the 12 hidden features of swiglu are 1.5; expected shares that give whole numbers",
    ],
    [
      { nested: [0.5, 1], stripe: ["attention(heads: 2)"] },
      "architecture: nested is given, but no primitive of the stripe has a feed-forward width; leave it out or change the stripe",
    ],
    [
      { nested: [0.5, 1], stripe: ["moe-mlp"] },
      "architecture: nested is given, and moe-mlp keeps its experts in one matrix that has no narrower part; use another primitive, or leave nested out",
    ],
  ])("%j", (more, line) => {
    expect(() => defineArchitecture({ ...small, ...more })).toThrow(new RequestError(line));
  });
});
