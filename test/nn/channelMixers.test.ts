// Channel mixers of two or three maps, and the activation alone, against their papers' equations in plain loops.
import { describe, expect, test } from "vitest";
import { geglu, swiglu } from "../../src/nn/gated.ts";
import { gelu, geluExact, relu, squaredRelu } from "../../src/nn/mlp.ts";
import { nonlinearity } from "../../src/nn/nonlinearity.ts";
import type { Primitive } from "../../src/nn/primitive.ts";
import { checkCausal, checkMixer, linear, type MixerCase, sigmoid, silu } from "./mixers.ts";

const geluTanh = (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

/** x·Φ(x), Φ as an integral by Simpson's rule. */
function geluOf(x: number): number {
  const parts = 2000;
  const density = (z: number) => Math.exp(-(z * z) / 2) / Math.sqrt(2 * Math.PI);
  let area = density(0) + density(x);
  for (let i = 1; i < parts; i++) area += (i % 2 === 0 ? 2 : 4) * density((x * i) / parts);
  return x * (0.5 + (area * x) / parts / 3);
}

const mlps: readonly (readonly [Primitive, (x: number) => number])[] = [
  [relu, (x) => Math.max(x, 0)],
  [squaredRelu, (x) => Math.max(x, 0) ** 2],
  [gelu, geluTanh],
  [geluExact, geluOf],
];

const mlpCases = mlps.map(
  ([primitive, activation]): MixerCase => ({
    primitive,
    settings: { feedforward: 5, bias: true },
    width: 3,
    length: 4,
    plain: (x, p) =>
      x.map((row) => linear(p, "down", linear(p, "up", row, 5, true).map(activation), 3, true)),
  }),
);

const gatedCases = (
  [
    [swiglu, silu],
    [geglu, geluTanh],
  ] as const
).map(
  ([primitive, activation]): MixerCase => ({
    primitive,
    settings: { feedforward: 5 },
    width: 3,
    length: 4,
    plain: (x, p) =>
      x.map((row) => {
        const up = linear(p, "up", row, 5);
        const hidden = linear(p, "gate", row, 5).map((value, i) => activation(value) * up[i]!);
        return linear(p, "down", hidden, 3);
      }),
  }),
);

describe.each([...mlpCases, ...gatedCases])("$primitive.name", (of) => {
  test("equals its paper's equations, gradients by differences", () => {
    checkMixer(of);
  });

  test("sees its own token alone", () => {
    checkCausal(of);
  });
});

test.each([
  ["relu", (x: number) => Math.max(x, 0)],
  ["squaredRelu", (x: number) => Math.max(x, 0) ** 2],
  ["gelu", geluTanh],
  ["geluExact", geluOf],
  ["silu", silu],
  ["sigmoid", sigmoid],
  ["tanh", Math.tanh],
] as const)("nonlinearity %s has no parameters", (name, f) => {
  const plain: MixerCase["plain"] = (x, p) => {
    expect(() => p("weight")).toThrow("no parameter");
    return x.map((row) => row.map(f));
  };
  checkMixer({ primitive: nonlinearity, settings: { function: name }, width: 3, length: 4, plain });
});
