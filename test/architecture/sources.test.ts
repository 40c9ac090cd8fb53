// Parameter sources under whole architectures: what each counts, what each is equal to at its limit, that all of them learn,
// and that decoding sees what training saw.
import { describe, expect, test } from "vitest";
import {
  type Architecture,
  type ArchitectureInput,
  defineArchitecture,
  type SourceItem,
} from "../../src/architecture/architecture.ts";
import { count, countedMatrices, countedParameters } from "../../src/architecture/count.ts";
import { sourceModules } from "../../src/architecture/sources.ts";
import { RequestError } from "../../src/errors.ts";
import { initialValues } from "../../src/nn/initialize.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { wrapSources } from "../../src/nn/sources/sources.ts";
import { evaluate, sizeOf } from "../../src/tensor/index.ts";
import { distance } from "../tensor/harness.ts";
import {
  attentionBlock,
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
  type Values,
  WIDTH,
} from "./sourced.ts";

const isMatrix = (name: string) => name.startsWith("block.") && !name.includes("norm");

describe("counts", () => {
  const plain = outside + REPEAT * (attentionBlock + feedforward + norms);
  test.each<[string, readonly SourceItem[], number]>([
    ["none", [], plain],
    ["all blocks", ["share"], outside + attentionBlock + feedforward + REPEAT * norms],
    [
      "all blocks, norms too",
      [{ source: "share", norms: "shared" }],
      outside + attentionBlock + feedforward + norms,
    ],
    ["a period of two", ["share(period: 2)"], outside + 2 * (attentionBlock + feedforward) + REPEAT * norms],
    [
      "groups",
      [{ source: "share", groups: [1, 2, 1] }],
      outside + 3 * (attentionBlock + feedforward) + REPEAT * norms,
    ],
    ["low-rank additions", ["lora(rank: 3)"], plain + REPEAT * 3 * (4 * 2 * WIDTH + 3 * (WIDTH + 12))],
    ["maps", ["maps(groups: 4)"], plain + REPEAT * 7 * 16],
    ["a bank", ["bank(size: 500)"], outside + 500 + REPEAT * norms],
    ["ternary", ["ternary"], plain],
  ])("%s", (_, sources, expected) => {
    expect(countedParameters(define(sources)).total).toBe(expected);
    expect(count(define(sources)).parameters.total).toBe(expected);
  });

  test("papers' operations are those of the matrices that tokens are multiplied with, however they are stored", () => {
    const { kaplan, chinchilla } = count(define([])).flopsPerToken;
    expect(kaplan).toBe(6 * REPEAT * (attentionBlock + feedforward) + 6 * REPEAT * LENGTH * WIDTH);
    const all = [["share"], ["lora(rank: 3)"], ["maps"], ["bank(size: 500)"], ["mpo(rank: 2)"], ["ternary"]];
    for (const sources of [...all, ["share(period: 2)", "lora(rank: 3)"]]) {
      expect(count(define(sources)).flopsPerToken).toMatchObject({ kaplan, chinchilla });
      expect(countedMatrices(define(sources))).toBe(REPEAT * (attentionBlock + feedforward));
    }
  });

  test("an addition to experts is active where they are", () => {
    const stripe = "[moe(experts: 4, chosen: 1, feedforward: 12)]";
    const active = (sources: readonly SourceItem[]) => countedParameters(define(sources, { stripe })).active;
    // Router, up, down: a left factor has rows for each expert, of which a token meets one; the right one is for all.
    const router = 2 * (WIDTH + 4);
    expect(active(["lora(rank: 2)"]) - active([])).toBe(REPEAT * (router + 2 * 2 * (WIDTH + 12)));
  });

  test("factors: outer ones of every block, one centre for all", () => {
    // 8 = 2 · 2 · 2 and 12 = 3 · 2 · 2: [8, 8] is [1,2,2,r] · [r,1,1,r] · [r,2,2,r] · [r,1,1,r] · [r,2,2,1].
    const square = { outer: 8 + 4 + 4 + 8, center: 16 };
    // [8, 12] and [12, 8].
    const oblong = { outer: 12 + 4 + 4 + 8, center: 16 };
    const total = (of: "outer" | "center") => 4 * square[of] + 3 * oblong[of];
    expect(countedParameters(define(["mpo(rank: 2)"])).total).toBe(
      outside + REPEAT * (norms + total("outer")) + total("center"),
    );
  });

  test("as `share` says, whatever it is next to", () => {
    const given = defineArchitecture({ ...small, share: { period: 1 }, sources: ["lora(rank: 2)"] });
    expect(given.sources).toEqual([
      { source: "share", period: 1, norms: "individual" },
      { source: "lora", rank: 2 },
    ]);
    expect(defineArchitecture(given)).toEqual(given);
    const lora = REPEAT * 2 * (4 * 2 * WIDTH + 3 * (WIDTH + 12));
    expect(countedParameters(given).total).toBe(
      outside + attentionBlock + feedforward + REPEAT * norms + lora,
    );
  });
});

describe("at its limit a source is the plain network", () => {
  const plain = define([]);
  const dense = startOf(plain);
  const expected = logitsOf(plain, dense);
  const slopes = gradientsOf(plain, dense);

  test.each<[string, SourceItem]>([
    ["a period of all blocks", `share(period: ${REPEAT})`],
    ["groups of one", { source: "share", groups: [1, 1, 1, 1] }],
  ])("%s", (_, source) => {
    expect(logitsOf(define([source]), dense)).toEqual(expected);
  });

  test("shared blocks are equal blocks, and their gradients are added", () => {
    const shared = define(["share(period: 2)"]);
    const values = startOf(shared);
    const copied = Object.fromEntries(
      Object.keys(dense).map((name) => {
        const block = Number(/^block\.(\d)/.exec(name)?.[1] ?? 0);
        const from = isMatrix(name) ? name.replace(/^block\.\d/, `block.${block % 2}`) : name;
        return [name, values[from]!];
      }),
    );
    expect(distance(logitsOf(shared, values), logitsOf(plain, copied))).toBeLessThan(1e-12);
    const [ofShared, ofCopied] = [gradientsOf(shared, values), gradientsOf(plain, copied)];
    for (const name of Object.keys(values).filter(isMatrix)) {
      const other = ofCopied[name.replace(/^block\.(\d)/, (_, block) => `block.${Number(block) + 2}`)]!;
      const sum = ofCopied[name]!.data.map((value, i) => value + other.data[i]!);
      expect(distance(ofShared[name]!.data, sum)).toBeLessThan(1e-10);
    }
  });

  test("additions of full rank make any matrix of shared ones", () => {
    const shared = define(["share", "lora(rank: 8)"]);
    const values = { ...startOf(shared) };
    for (const [name, { shape, data }] of Object.entries(dense)) {
      if (!isMatrix(name)) {
        values[name] = { shape, data };
        continue;
      }
      const base = values[name.replace(/^block\.\d/, "block.0")]!.data;
      const difference = Float64Array.from(data, (value, i) => value - base[i]!);
      const [rows, columns] = shape as [number, number];
      const identity = Float64Array.from({ length: 64 }, (_, i) => (i % 9 === 0 ? 1 : 0));
      const [left, right] = rows === 8 ? [identity, difference] : [difference, identity];
      values[`${name}.lora.left`] = { shape: [rows, 8], data: left };
      values[`${name}.lora.right`] = { shape: [8, columns], data: right };
    }
    expect(distance(logitsOf(shared, values), expected)).toBeLessThan(1e-12);
  });

  test("additions that begin with zeros change nothing", () => {
    const values: Values = { ...dense };
    for (const [name, { shape, initializer }] of graph(define(["lora(rank: 2)"])).source.declared) {
      if (initializer.kind === "constant" && name.includes("lora")) {
        values[name] = { shape, data: new Float64Array(sizeOf(shape)) };
      } else values[name] ??= { shape, data: new Float64Array(sizeOf(shape)).fill(0.3) };
    }
    expect(logitsOf(define(["lora(rank: 2)"]), values)).toEqual(expected);
  });

  test("maps that begin as the identity change nothing", () => {
    const architecture = define(["maps(groups: 4)"]);
    const values: Values = { ...dense };
    for (const [name, declaration] of graph(architecture).source.declared) {
      values[name] ??= {
        shape: declaration.shape,
        data: Float64Array.from(initialValues(name, declaration, 0)),
      };
    }
    expect(distance(logitsOf(architecture, values), expected)).toBeLessThan(1e-12);
  });

  test("a bank as large as the network only stores it in another order", () => {
    const size = REPEAT * (attentionBlock + feedforward);
    const architecture = define([`bank(size: ${size})`]);
    const values = startOf(architecture);
    const base = gradientsOf(architecture, values);
    const stored = values.bank!.data;
    const shown = cut(architecture, values);
    expect(distance(logitsOf(plain, shown), logitsOf(architecture, values))).toBeLessThan(1e-12);
    const norm = (data: ArrayLike<number>) => Math.sqrt(Array.from(data).reduce((s, v) => s + v * v, 0));
    const matrices = Object.keys(shown).filter(isMatrix);
    const squared = matrices.reduce((sum, name) => sum + norm(shown[name]!.data) ** 2, 0);
    expect(Math.sqrt(squared)).toBeCloseTo(0.3 * norm(stored), 10);
    const denseSlopes = gradientsOf(plain, shown);
    const ofMatrices = matrices.reduce((sum, name) => sum + norm(denseSlopes[name]!.data) ** 2, 0);
    expect(0.3 * Math.sqrt(ofMatrices)).toBeCloseTo(norm(base.bank!.data), 10);
  });

  test("factors of full rank make any matrix", () => {
    const architecture = define([{ source: "mpo", center: "individual" }]);
    const values: Values = {};
    const { declared } = graph(architecture).source;
    for (const [name, { shape }] of declared) {
      const at = /^(.*)\.mpo\.(\d)$/.exec(name);
      if (at === null) {
        values[name] = dense[name]!;
        continue;
      }
      const [a, i, j, b] = shape as [number, number, number, number];
      const data = new Float64Array(a * i * j * b);
      if (at[2] === "0") {
        // The bond says which row and column.
        for (let place = 0; place < i * j; place++) data[place * b + place] = 1;
      } else if (at[2] === "4") {
        for (let place = 0; place < i * j; place++) data[place * i * j + place] = 1;
      } else if (at[2] === "2") {
        const matrix = dense[at[1]!]!;
        const [rows, columns] = matrix.shape as [number, number];
        const shapeOf = (k: number) =>
          declared.get(`${at[1]}.mpo.${k}`)!.shape as [number, number, number, number];
        const [, , firstColumns] = shapeOf(0);
        const [, lastRows, lastColumns] = shapeOf(4);
        for (let row = 0; row < rows; row++) {
          for (let column = 0; column < columns; column++) {
            const left =
              Math.floor(row / (i * lastRows)) * firstColumns + Math.floor(column / (j * lastColumns));
            const right = (row % lastRows) * lastColumns + (column % lastColumns);
            const [middleRow, middleColumn] = [
              Math.floor(row / lastRows) % i,
              Math.floor(column / lastColumns) % j,
            ];
            data[((left * i + middleRow) * j + middleColumn) * b + right] =
              matrix.data[row * columns + column]!;
          }
        }
      } else for (let bond = 0; bond < a; bond++) data[bond * b + bond] = 1;
      values[name] = { shape, data };
    }
    expect(distance(logitsOf(architecture, values), expected)).toBeLessThan(1e-12);
  });

  test("ternary matrices are -s, 0 and s, with the gradients of the matrix they stand for", () => {
    const architecture = define(["ternary"]);
    const rounded: Values = Object.fromEntries(
      Object.entries(dense).map(([name, { shape, data }]) => {
        if (!isMatrix(name)) return [name, { shape, data }];
        const scale = data.reduce((sum, value) => sum + Math.abs(value), 0) / data.length + 1e-5;
        const to = (value: number) => Math.max(-1, Math.min(1, Math.round(value / scale))) * scale;
        return [name, { shape, data: data.map(to) }];
      }),
    );
    expect(distance(logitsOf(architecture, dense), logitsOf(plain, rounded))).toBeLessThan(1e-12);
    const [through, straight] = [gradientsOf(architecture, dense), gradientsOf(plain, rounded)];
    for (const name of Object.keys(dense)) {
      expect(distance(through[name]!.data, straight[name]!.data), name).toBeLessThan(1e-10);
    }
    expect(
      distance(
        through["block.0.attention.query.weight"]!.data,
        slopes["block.0.attention.query.weight"]!.data,
      ),
    ).toBeGreaterThan(1e-4);
  });
});

/** The parameters that an architecture's primitives see. */
function cut(architecture: Architecture, values: Values): Values {
  const { declared } = graph({ ...architecture, sources: [] }).source;
  const surroundings = { repeat: REPEAT, parameters: () => declared };
  const source = wrapSources(sourceModules(architecture.sources), surroundings, inputSource());
  const names = [...declared.keys()];
  const seen = evaluate(
    names.map((name) => source.parameter(name, declared.get(name)!)),
    values,
  );
  return Object.fromEntries(names.map((name, i) => [name, seen[i]!]));
}

describe("refused in one line", () => {
  test.each<[string, Partial<ArchitectureInput>, string]>([
    [
      "an unknown source",
      { sources: ["lorra(rank: 2)"] },
      'architecture: sources[0] is "lorra"; expected one of share, lora, maps, bank, mpo, ternary; did you mean lora?',
    ],
    [
      "an unknown setting",
      { share: { periods: 2 } },
      'architecture: share: unknown key "periods"; did you mean "period"?',
    ],
    [
      "a rank above a matrix",
      { sources: ["lora(rank: 9)"] },
      "architecture: lora: rank is 9, and no matrix of the blocks has a rank above 8; expected at most that",
    ],
    [
      "a period beyond the blocks",
      { share: { period: 5 } },
      "architecture: share: period is 5, and the stripe is repeated 4 times; expected at most 4",
    ],
    [
      "groups of other blocks",
      { share: { groups: [2, 3] } },
      "architecture: share: groups [2,3] have 5 blocks together, and the stripe is repeated 4 times; expected sizes that sum to 4",
    ],
    [
      "blocks of different shape",
      {
        ...{ repeat: 1, share: {} },
        stripe: "[attention(heads: 2), gelu(feedforward: 12), attention(heads: 2), gelu(feedforward: 16)]",
      },
      "architecture: share: block.0.gelu.up.weight is [8,12] and block.0.gelu2.up.weight is [8,16], and blocks of different " +
        "shape cannot share; repetitions of the stripe share: give blocks of one shape as a stripe that is repeated",
    ],
    [
      "a bond above what is exact",
      { sources: ["mpo(rank: 65)"] },
      "architecture: mpo: rank is 65, and 6 makes every matrix of the blocks exact; expected at most that, or no rank",
    ],
    [
      "two ways to share",
      { share: { period: 2, groups: [4] } },
      "architecture: share: period and groups are two ways to share; give one of them",
    ],
    [
      "a bank larger than what it is for",
      { sources: ["bank(size: 100000)"] },
      "architecture: bank: size is 100000, and the matrices of the blocks have 2176 numbers; expected at most 2176",
    ],
    [
      "sharing twice",
      { share: {}, sources: ["share"] },
      "architecture: share is given, and is one of the sources too; leave out one of them",
    ],
    [
      "a source twice",
      { sources: ["lora(rank: 1)", "maps", { source: "lora", rank: 2 }] },
      "architecture: sources[2]: lora is one of the sources already; expected each at most once",
    ],
    [
      "no list",
      { sources: "lora" as never },
      'architecture: sources is "lora"; expected a list of sources, such as ["lora(rank: 8)"]',
    ],
  ])("%s", (_, more, line) => {
    expect(() => defineArchitecture({ ...small, ...more })).toThrow(new RequestError(line));
  });
});
