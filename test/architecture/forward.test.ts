// Forward, loss and gradients of small decoders against plain loops and finite differences.
import { describe, expect, test } from "vitest";
import { type ArchitectureInput, defineArchitecture } from "../../src/architecture/architecture.ts";
import { forward } from "../../src/architecture/forward.ts";
import { initialValues } from "../../src/nn/initialize.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { crossEntropy, evaluate, gradients, input, type NdArray, reshape } from "../../src/tensor/index.ts";
import { generator } from "../tensor/harness.ts";
import { type PlainOptions, plainLogits, plainLoss } from "./plainDecoder.ts";

const BATCH = 2;
const LENGTH = 5;
const VOCABULARY = 7;

const cases: Record<string, Omit<ArchitectureInput, "vocabulary" | "length">> = {
  "GPT: layer norm, learned positions, GELU": { width: 8, layers: 2, heads: 2, feedforward: 12 },
  "RMSNorm, RoPE, grouped heads, SwiGLU, tied": {
    width: 12,
    layers: 2,
    heads: 6,
    kvHeads: 2,
    activation: "swiglu",
    feedforward: 10,
    norm: "rms",
    positions: "rope",
    tie: true,
  },
  "biases, window, no positions, ReLU": {
    width: 6,
    layers: 1,
    heads: 3,
    activation: "relu",
    feedforward: 7,
    bias: true,
    positions: "none",
    window: 2,
  },
  "wide heads, turned in part": {
    width: 6,
    layers: 1,
    heads: 2,
    headWidth: 8,
    rotaryShare: 0.5,
    feedforward: 4,
    positions: "rope",
  },
  "squared ReLU": { width: 4, layers: 1, heads: 1, activation: "squaredRelu", feedforward: 6 },
  GEGLU: { width: 4, layers: 1, heads: 2, activation: "geglu", feedforward: 6, norm: "rms" },
};

/** A model with parameters far from zero, its plain twin, and a batch with ignored targets. */
function setUp(given: Omit<ArchitectureInput, "vocabulary" | "length">) {
  const architecture = defineArchitecture({
    vocabulary: VOCABULARY,
    length: LENGTH,
    standardDeviation: 0.5,
    ...given,
  });
  const source = inputSource();
  const logits = forward(architecture, source, input("tokens", [BATCH, LENGTH], "i32"));
  const random = generator(5);
  const parameters: Record<string, NdArray> = {};
  for (const [name, declaration] of source.declared) {
    const data = Float64Array.from(
      initialValues(name, declaration, 1),
      (value) => value + 0.2 * (random() - 0.5),
    );
    parameters[name] = { shape: declaration.shape, data };
  }
  const whole = (low: number) =>
    Array.from({ length: BATCH * LENGTH }, () => low + Math.floor((VOCABULARY - low) * random()));
  const tokens = whole(0);
  const targets = whole(0);
  targets[3] = -1;
  const [entry] = architecture.stripe as unknown as [
    { heads: number; kvHeads: number; headWidth: number; rotaryShare: number; window: number | null },
  ];
  const plain: PlainOptions = {
    width: architecture.width,
    repeat: architecture.repeat,
    heads: entry.heads,
    kvHeads: entry.kvHeads,
    headWidth: entry.headWidth,
    rotaryShare: entry.rotaryShare,
    window: entry.window,
    activation: architecture.stripe[1]!.primitive as PlainOptions["activation"],
    norm: architecture.norm as PlainOptions["norm"],
    positions: architecture.positions as PlainOptions["positions"],
    tie: architecture.tie,
  };
  const sequences = Array.from({ length: BATCH }, (_, b) => ({
    tokens: tokens.slice(b * LENGTH, (b + 1) * LENGTH),
    targets: targets.slice(b * LENGTH, (b + 1) * LENGTH),
  }));
  const bound = {
    ...parameters,
    tokens: { shape: [BATCH, LENGTH], data: Float64Array.from(tokens) },
    targets: { shape: [BATCH * LENGTH], data: Float64Array.from(targets) },
  };
  return { source, logits, parameters, plain, sequences, bound };
}

describe.each(Object.entries(cases))("%s", (_, given) => {
  const { source, logits, parameters, plain, sequences, bound } = setUp(given);
  const flat = reshape(logits, [BATCH * LENGTH, VOCABULARY]);
  const { loss } = crossEntropy(flat, input("targets", [BATCH * LENGTH], "i32"));

  test("logits", () => {
    const expected = sequences.flatMap(({ tokens }) => plainLogits(plain, parameters, tokens).flat());
    const [actual] = evaluate([logits], bound);
    expect(Math.max(...actual!.data.map(Math.abs))).toBeGreaterThan(0.1);
    expected.forEach((value, i) => {
      expect(actual!.data[i]).toBeCloseTo(value, 11);
    });
  });

  test("loss", () => {
    expect(evaluate([loss], bound)[0]!.data[0]).toBeCloseTo(plainLoss(plain, parameters, sequences), 12);
  });

  test("gradients against finite differences of the plain model", () => {
    const names = [...source.declared.keys()];
    const actual = evaluate(gradients(loss, [...source.tensors.values()]), bound);
    const step = 1e-4;
    names.forEach((name, p) => {
      const { shape, data } = parameters[name]!;
      const places = new Set([0, Math.floor(data.length / 2), data.length - 1]);
      for (const place of places) {
        const at = (move: number) => {
          const moved = Float64Array.from(data);
          moved[place]! += move;
          return plainLoss(plain, { ...parameters, [name]: { shape, data: moved } }, sequences);
        };
        const near = (at(step) - at(-step)) / (2 * step);
        const far = (at(2 * step) - at(-2 * step)) / (4 * step);
        const numeric = (4 * near - far) / 3;
        expect(Math.abs(actual[p]!.data[place]! - numeric), `${name}[${place}]`).toBeLessThan(1e-8);
      }
    });
  });
});

test("dropout drops with a key and not without", () => {
  const architecture = defineArchitecture({ vocabulary: 7, length: 4, width: 8, heads: 2, dropout: 0.5 });
  const tokens = input("tokens", [1, 4], "i32");
  const source = inputSource();
  const plain = forward(architecture, source, tokens);
  const dropped = forward(architecture, source, tokens, { randomKey: input("key", [2], "u32") });
  const bound: Record<string, NdArray> = { tokens: { shape: [1, 4], data: Float64Array.of(1, 2, 3, 4) } };
  for (const [name, declaration] of source.declared) {
    bound[name] = { shape: declaration.shape, data: Float64Array.from(initialValues(name, declaration, 1)) };
  }
  const withKey = (key: number) => {
    const data = Float64Array.of(key, 0);
    return [...evaluate([dropped], { ...bound, key: { shape: [2], data } })[0]!.data];
  };
  expect(withKey(1)).toEqual(withKey(1));
  expect(withKey(1)).not.toEqual(withKey(2));
  expect(withKey(1)).not.toEqual([...evaluate([plain], bound)[0]!.data]);
});
