// Masked growth: with masks at 0 a network computes what it did, at 1 it is a plain one, and in between it is what masks on
// activations make of it, by an implementation of its own.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ArchitectureInput } from "../../src/architecture/architecture.ts";
import { forward } from "../../src/architecture/forward.ts";
import { RequestError } from "../../src/errors.ts";
import { type Masks, maskedSource, planMasks } from "../../src/growth/masks.ts";
import { growBy, growthMethod } from "../../src/growth/methods/methods.ts";
import { storedParameters } from "../../src/growth/plan.ts";
import type { GrowthStep } from "../../src/growth/steps.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { evaluate, input } from "../../src/tensor/index.ts";
import { generator } from "../tensor/harness.ts";
import { difference, type Net, network, type Values } from "./harness.ts";

function grow(net: Net, steps: readonly GrowthStep[], seed = 3) {
  const { architecture, values, masked } = growBy(growthMethod("masked"), net, steps, { seed });
  return { architecture, values: values as Values, masks: masked!.masks, behind: masked!.values as Values };
}

/** What the network sees of the numbers behind the masks. */
function seenAt(mask: number, { architecture, behind, masks }: ReturnType<typeof grow>): Net {
  const source = maskedSource(inputSource(), masks, input("mask", []));
  const seen = [...storedParameters(architecture)].map(
    ([name, declaration]) => [name, source.parameter(name, declaration)] as const,
  );
  const given = { ...behind, mask: { shape: [], data: Float64Array.of(mask) } };
  const found = evaluate(
    seen.map(([, tensor]) => tensor),
    given,
  );
  return {
    architecture,
    values: Object.fromEntries(seen.map(([name], i) => [name, found[i] as Values[string]])),
  };
}

const all: GrowthStep[] = [
  { grow: "settings", to: { feedforward: 17, heads: 4, valueWidth: 5 } },
  { grow: "width", to: 13 },
  { grow: "layers", add: 1, at: 1 },
  { grow: "width", to: 16 },
];
const networks: Record<string, Partial<ArchitectureInput>> = {
  "layer norms": { tie: true },
  "means of squares, gates": {
    norm: "rms",
    stripe: ["attention(heads: 2, positions: rope)", "swiglu(feedforward: 12)"],
  },
  "linear attention": { norm: "rms", stripe: ["gated-linear-attention(heads: 2)", "geglu(feedforward: 12)"] },
  "shared blocks with additions": { share: { period: 1 }, sources: ["lora(rank: 2)"] },
};

describe("masks", () => {
  for (const [name, settings] of Object.entries(networks)) {
    const steps = settings.share ? all.filter(({ grow }) => grow !== "layers") : all;
    const usable = name === "linear attention" ? steps.slice(1) : steps;
    it(`at 0 hide what is new, whatever it is, and at 1 nothing: ${name}`, () => {
      const small = network(settings);
      const larger = grow(small, usable);
      const hidden = seenAt(0, larger);
      expect(difference(small, hidden)).toBeLessThan(1e-12);
      for (const [parameter, { data }] of Object.entries(larger.values)) {
        // New entries of these may be anything.
        if ((larger.masks.get(parameter)?.scale ?? 1) !== 1) continue;
        const found = hidden.values[parameter]!.data;
        expect(Math.max(...data.map((value, i) => Math.abs(value - found[i]!)))).toBeLessThan(1e-14);
      }
      const random = generator(1);
      const others = Object.entries(larger.behind).map(([parameter, tensor]) => {
        const { axes = [], whole = false } = larger.masks.get(parameter) ?? {};
        const strides = tensor.shape.map((_, axis) =>
          tensor.shape.slice(axis + 1).reduce((a, b) => a * b, 1),
        );
        const isHidden = (i: number) =>
          whole || axes.some((places, axis) => places[Math.floor(i / strides[axis]!) % places.length] !== 0);
        return [
          parameter,
          { ...tensor, data: tensor.data.map((value, i) => (isHidden(i) ? 9 * random() : value)) },
        ];
      });
      const wild = { ...larger, behind: Object.fromEntries(others) as Values };
      expect(difference(small, seenAt(0, wild))).toBeLessThan(1e-12);
      expect(difference(small, seenAt(0.01, wild))).toBeGreaterThan(1e-6);
      expect(seenAt(1, larger).values).toEqual(larger.behind);
      expect(planMasks(small.architecture, usable)).toEqual(larger.masks);
    });
  }

  it("leave what makes up for copies as it is", () => {
    const small = network({ block: "post" });
    const steps: GrowthStep[] = [
      { grow: "settings", to: { feedforward: 20 } },
      { grow: "width", to: 16 },
    ];
    const larger = grow(small, steps);
    expect(difference(small, seenAt(0, larger))).toBeLessThan(1e-12);
    expect([...larger.masks.keys()]).toEqual(["block.0.gelu.down.weight", "block.1.gelu.down.weight"]);
    expect(() => grow(small, [{ grow: "width", to: 16 }])).toThrow(RequestError);
  });
});

const [D0, D, F0, F, H0, H, K0, K, V0, V] = [6, 9, 5, 8, 2, 3, 2, 4, 2, 3];
const EPSILON = 0.01;

/** Masks on activations, place by place: an implementation of its own, in which no weight is masked. */
function maskedLogits(
  { values }: Net,
  { norm, mask, tokens, blocks }: { norm: "rms" | "layer"; mask: number; tokens: number[]; blocks: number },
): number[][] {
  const range = (count: number) => Array.from({ length: count }, (_, i) => i);
  const total = (items: readonly number[]) => items.reduce((a, b) => a + b, 0);
  const of = (isOld: boolean) => (isOld ? 1 : mask);
  const active = (before: number, after: number) => before + mask * (after - before);
  const dot = (x: readonly number[], name: string): number[] => {
    const { data, shape } = values[`${name}.weight`]!;
    const bias = values[`${name}.bias`]?.data;
    return range(shape[1]!).map(
      (j) => total(x.map((value, i) => value * data[i * shape[1]! + j]!)) + (bias?.[j] ?? 0),
    );
  };
  /** What is written to the residual stream. */
  const written = (y: readonly number[]) => {
    const beginning = norm === "rms" ? 0 : total(y.slice(0, D0)) / D0;
    return y.map((value, j) => (j < D0 ? value : (1 - mask) * beginning + mask * value));
  };
  const normalized = (x: readonly number[], name: string, isNew: boolean) => {
    const count = isNew ? D : active(D0, D);
    const mean = norm === "rms" ? 0 : total(x) / D;
    const deviation = Math.sqrt((total(x.map((value) => (value - mean) ** 2)) + EPSILON * D0) / count);
    const { data } = values[`${name}.scale`]!;
    const bias = values[`${name}.bias`]?.data;
    return x.map(
      (value, j) => ((value - mean) / deviation) * data[j]! + (bias?.[j] ?? 0) * (isNew ? 1 : of(j < D0)),
    );
  };
  let stream = tokens.map((token) =>
    written([...values["embedding.tokens"]!.data.slice(token * D, (token + 1) * D)]),
  );
  for (let block = 0; block < blocks; block++) {
    // A block that is new is masked as one.
    const isNew = block === 1;
    const within = (isOld: boolean) => (isNew ? 1 : of(isOld));
    const result = (y: number[]) => (isNew ? y.map((value) => mask * value) : written(y));
    const attention = `block.${block}.attention`;
    const read = stream.map((x) => normalized(x, `${attention}.norm`, isNew));
    const [queries, keys, features] = ["query", "key", "value"].map((name) =>
      read.map((x) => dot(x, `${attention}.${name}`)),
    );
    const mixed = read.map((_, place) => {
      const heads = range(H).flatMap((head) => {
        const scores = range(place + 1).map((other) => {
          const products = range(K).map(
            (k) => within(k < K0) * queries![place]![head * K + k]! * keys![other]![head * K + k]!,
          );
          return Math.exp(total(products) / Math.sqrt(isNew ? K : active(K0, K)));
        });
        return range(V).map((v) => {
          const value =
            total(scores.map((score, other) => score * features![other]![head * V + v]!)) / total(scores);
          return within(head < H0 && v < V0) * value;
        });
      });
      return result(dot(heads, `${attention}.output`));
    });
    stream = stream.map((x, place) => x.map((value, j) => value + mixed[place]![j]!));
    const relu = `block.${block}.relu`;
    stream = stream.map((x) => {
      const up = dot(normalized(x, `${relu}.norm`, isNew), `${relu}.up`);
      const hidden = up.map((value, j) => within(j < F0) * Math.max(0, value));
      const down = result(dot(hidden, `${relu}.down`));
      return x.map((value, j) => value + down[j]!);
    });
  }
  return stream.map((x) => dot(normalized(x, "norm", false), "head"));
}

describe("half-way, masks of weights are those of activations", () => {
  for (const norm of ["rms", "layer"] as const) {
    it(`with ${norm} norms`, () => {
      fc.assert(
        fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(1000), (mask, seed) => {
          const settings = {
            norm,
            normEpsilon: EPSILON,
            width: D0,
            positions: "none",
            repeat: 2,
            bias: true,
          } as const;
          const stripe = [
            `attention(heads: ${H0}, headWidth: ${K0}, valueWidth: ${V0})`,
            `relu(feedforward: ${F0})`,
          ];
          const small = network({ ...settings, stripe }, seed);
          const larger = grow(
            small,
            [
              { grow: "settings", to: { feedforward: F, heads: H, headWidth: K, valueWidth: V } },
              { grow: "width", to: D },
              { grow: "layers", add: 1, at: 1 },
            ],
            seed,
          );
          const random = generator(seed);
          const moved = Object.entries(larger.behind).map(([name, tensor]) => [
            name,
            { ...tensor, data: tensor.data.map((value) => value + 0.3 * (random() - 0.5)) },
          ]);
          const behind = { ...larger, behind: Object.fromEntries(moved) as Values };
          const tokens = [3, 1, 6, 0, 2];
          const source = maskedSource(inputSource(), behind.masks, input("mask", []));
          const [found] = evaluate([forward(behind.architecture, source, input("tokens", [1, 5], "i32"))], {
            ...behind.behind,
            tokens: { shape: [1, 5], data: Float64Array.from(tokens) },
            mask: { shape: [], data: Float64Array.of(mask) },
          });
          const expected = maskedLogits(
            { ...behind, values: behind.behind },
            { norm, mask, tokens, blocks: 3 },
          ).flat();
          const scale = Math.max(...expected.map(Math.abs));
          expect(Math.max(...expected.map((value, i) => Math.abs(value - found!.data[i]!)))).toBeLessThan(
            1e-12 * scale,
          );
        }),
        { numRuns: 4, seed: 4 },
      );
    });
  }
});

it("masks of several steps are one", () => {
  const { architecture } = network({ norm: "rms" });
  const [once, twice] = [[12], [10, 12]].map(
    (widths): Masks =>
      planMasks(
        architecture,
        widths.map((to) => ({ grow: "width", to }) as const),
      ),
  );
  for (const [name, { axes, scale }] of once!) {
    expect(twice!.get(name)!.axes).toEqual(axes);
    expect(twice!.get(name)!.scale).toBeCloseTo(scale, 14);
  }
});
