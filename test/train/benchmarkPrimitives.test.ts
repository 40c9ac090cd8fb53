// The formulas of useful operations, held to the recorded speeds and shares of PyTorch and to the parameters that our
// settings declare.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { inputSource } from "../../src/nn/parameters.ts";
import { definePrimitive } from "../../src/nn/primitive.ts";
import { primitives } from "../../src/nn/primitives.ts";
import { rootScope } from "../../src/nn/scope.ts";
import { input, multiply } from "../../src/tensor/index.ts";
import { sizeOf } from "../../src/tensor/tensor.ts";
import { prepareCell } from "../../src/train/benchmarkCell.ts";
import { primitiveCases } from "../../src/train/benchmarkPrimitives.ts";

interface Anchors {
  readonly peakGflops: number;
  readonly rows: readonly {
    readonly name: string;
    readonly cells: readonly {
      readonly width: number;
      readonly length: number;
      readonly tokensPerSecond: number;
      readonly sharePercent: number;
    }[];
  }[];
}

const anchors = JSON.parse(readFileSync("bench/primitives.json", "utf8")) as Anchors;
const cases = primitiveCases();
const caseOf = (name: string) => cases.find((of) => of.name === name)!;
const flops = (name: string, d: number, T: number) => caseOf(name).useful!.perToken(d, T);

/** Every figure is rounded: tokens/s to three digits, the share to whole percents, the peak to whole GFLOP/s. */
function contradictions(of: (name: string, d: number, T: number) => number): string[] {
  return anchors.rows.flatMap(({ name, cells }) =>
    cells.flatMap(({ width, length, tokensPerSecond, sharePercent }) => {
      const digit = 10 ** (Math.floor(Math.log10(tokensPerSecond)) - 2);
      const share = (tokens: number, peak: number) => (300 * of(name, width, length) * tokens) / (peak * 1e9);
      const low = share(tokensPerSecond - digit / 2, anchors.peakGflops + 0.5);
      const high = share(tokensPerSecond + digit / 2, anchors.peakGflops - 0.5);
      const fits = low <= sharePercent + 0.5 && high >= sharePercent - 0.5;
      return fits ? [] : [`${name} ${width} x ${length}: ${low} to ${high}, printed ${sharePercent}`];
    }),
  );
}

describe("useful operations", () => {
  it("give the share that was recorded with every speed of PyTorch", () => {
    expect(anchors.rows.flatMap(({ cells }) => cells).length).toBeGreaterThanOrEqual(76);
    expect(contradictions(flops)).toEqual([]);
  });

  it.each([...new Set(anchors.rows.map(({ name }) => name))])(
    "of %s would not, if they were 5 %% off",
    (name) => {
      const off = (factor: number) =>
        contradictions((of, d, T) => flops(of, d, T) * (of === name ? factor : 1)).length;
      expect(off(1.05)).toBeGreaterThan(0);
      expect(off(0.95)).toBeGreaterThan(0);
    },
  );

  // What the formulas have beside two operations for every weight that multiplies a token.
  const seen = (T: number, window: number) => {
    let pairs = 0;
    for (let t = 0; t < T; t++) for (let s = 0; s <= t; s++) if (t - s < window) pairs++;
    return pairs / T;
  };
  const window = (T: number) => (T <= 128 ? 32 : 256);
  const transforms = (T: number) => 10 * Math.log2(2 * T) + 6;
  const mixing: Readonly<Record<string, (d: number, T: number, h: number) => number>> = {
    attention: (d, T) => 4 * d * seen(T, T),
    "sliding-attention": (d, T) => 4 * d * seen(T, window(T)),
    "relative-attention": (d, T) => 6 * d * seen(T, T),
    "linear-attention": (d, _, h) => (4 * d * d) / h,
    "gated-linear-attention": (d, _, h) => (5 * d * d) / h,
    retnet: (d, _, h) => (10 * d * d) / h,
    mamba: (d) => 7 * 2 * d * 16,
    mamba2: (d) => 5 * 2 * d * 64,
    "rwkv4-time": (d) => 11 * d,
    "rwkv5-time": (d, _, h) => (5 * d * d) / h,
    "rwkv6-time": (d, _, h) => (5 * d * d) / h,
    "delta-net": (d, _, h) => (6 * d * d) / h,
    "gated-delta-net": (d, _, h) => (7 * d * d) / h,
    hyena: (d, T) => d * transforms(T),
    "mh-hyena": (d, T) => Math.min((4 * d + 8) * seen(T, T), (d * d * (transforms(T) + 3)) / 8),
    "hyena-experts": (d, T) => d * transforms(T) + d / 2,
    "min-gru": (d) => 4 * d,
    "rg-lru": (d) => 4 * d,
    lstm: (d) => 10 * d,
  };

  it.each(cases.filter(({ useful }) => useful !== null).map(({ name }) => name))(
    "of %s count the weights that it declares",
    (name) => {
      for (const [d, T] of [
        [64, 24],
        [128, 128],
        [192, 160],
        [512, 640],
      ] as const) {
        const source = inputSource();
        const { module } = prepareCell(caseOf(name), d, T);
        module.apply(rootScope({ source }), input("x", [1, T, d]));
        const weights = [...source.declared]
          .filter(([of, { role }]) => role === "hidden" || of.endsWith("convolution.weight"))
          .filter(([of]) => !/^(filter|distance)\./.test(of))
          .reduce((total, [, { shape, activeShare = 1 }]) => total + activeShare * sizeOf(shape), 0);
        const rest = mixing[name]?.(d, T, d / 64) ?? 0;
        expect(flops(name, d, T), `${d} x ${T}`).toBeCloseTo(2 * weights + rest, 6);
      }
    },
  );
});

describe("cases", () => {
  it("have names of their own and cover every primitive", () => {
    const names = cases.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const covered = new Set(cases.map(({ primitive }) => primitive.name));
    for (const name of primitives.keys()) expect(covered).toContain(name);
  });

  it("take a primitive from elsewhere with its defaults", () => {
    const halve = definePrimitive({
      name: "halve",
      settings: {},
      resolve: (settings) => settings,
      causal: () => true,
      apply: (_settings, _surroundings, _scope, x) => multiply(x, 0.5),
    });
    const added = primitiveCases(new Map([...primitives, ["halve", halve]])).at(-1)!;
    expect(added).toMatchObject({ name: "halve", primitive: halve, useful: null });
  });
});
