// Counts of architectures against hand calculation, the papers' figures, and the whole graph.
import { describe, expect, test } from "vitest";
import { type ArchitectureInput, defineArchitecture } from "../../src/architecture/architecture.ts";
import { count, countParameters, graphFlops } from "../../src/architecture/count.ts";
import { forward } from "../../src/architecture/forward.ts";
import { presetArchitecture } from "../../src/architecture/presets.ts";
import { RequestError } from "../../src/errors.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { primitives } from "../../src/nn/primitives.ts";
import { rootScope } from "../../src/nn/scope.ts";
import { crossEntropy, gradients, input, reshape } from "../../src/tensor/index.ts";

const base = { vocabulary: 11, length: 8, width: 12, heads: 3 };

const shapes: Record<string, ArchitectureInput> = {
  plain: { ...base, layers: 7 },
  "parallel, with ends": {
    ...base,
    block: "parallel",
    first: ["attention", "relu"],
    stripe: ["attention", "swiglu"],
    last: ["attention", "geglu"],
    repeat: 5,
    positions: "rope",
    norm: "rms",
  },
  "post-norm, tied": { ...base, block: "post", layers: 4, tie: true, bias: true, headBias: true },
};

describe.each(Object.entries(shapes))("%s: counting a few repetitions is counting all", (_, shape) => {
  const architecture = defineArchitecture(shape);
  const { length, vocabulary } = architecture;
  const source = inputSource();
  const logits = forward(architecture, source, input("tokens", [1, length], "i32"));
  const targets = input("targets", [length], "i32");
  const { loss } = crossEntropy(reshape(logits, [length, vocabulary]), targets);
  const backward = gradients(loss, [...source.tensors.values()]);
  const counted = count(architecture);

  test("floating-point operations", () => {
    expect(counted.flopsPerToken.forward).toBe(graphFlops([logits]) / length);
    expect(counted.flopsPerToken.training).toBe(graphFlops([loss, ...backward]) / length);
  });

  test("parameters, by module, in order", () => {
    const whole = countParameters(source.declared);
    expect(counted.parameters).toEqual(whole);
    expect(Object.keys(counted.parameters.byModule)).toEqual(Object.keys(whole.byModule));
    const { total, weights, biases, embedding, nonEmbedding, byModule } = counted.parameters;
    expect(weights + biases).toBe(total);
    expect(embedding + nonEmbedding).toBe(total);
    expect(Object.values(byModule).reduce((a, b) => a + b)).toBe(total);
  });

  test("activations, three repetitions on", () => {
    const bytes = (repeat: number) => count({ ...architecture, repeat }).activationBytes;
    expect(bytes(7) - bytes(6)).toBe(bytes(3) - bytes(2));
    expect(bytes(2)).toBeGreaterThan(bytes(1));
  });
});

test.each([...primitives.values()].map((primitive) => [primitive.name, primitive] as const))(
  "%s shares no parameter with the norm of its block",
  (name, primitive) => {
    const surroundings = { width: 64, length: 8, standardDeviation: 0.02 };
    const source = inputSource();
    const scope = rootScope({ source });
    primitive.configure(name, {}, surroundings).apply(scope, input("x", [1, 8, 64]));
    const alone = countParameters(source.declared).total;
    const architecture = defineArchitecture({
      vocabulary: 2,
      length: 8,
      width: 64,
      norm: "rms",
      stripe: [name],
    });
    expect(count(architecture).parameters.byModule[`block.0.${name}`]).toBe(alone + 64);
  },
);

test("state: keys and values of every layer, of the window alone where there is one", () => {
  const architecture = defineArchitecture({
    ...base,
    kvHeads: 1,
    stripe: ["attention", { primitive: "attention", window: 3 }, "gelu"],
    repeat: 2,
  });
  const { stateElements, kvCacheBytes } = count(architecture);
  expect(stateElements.byLayer.map(({ layer, kept }) => [layer, kept])).toEqual([
    ["block.0.attention", 2 * 4 * 8],
    ["block.0.attention2", 2 * 4 * 3],
    ["block.1.attention", 2 * 4 * 8],
    ["block.1.attention2", 2 * 4 * 3],
  ]);
  expect(stateElements.kept).toBe(2 * (64 + 24));
  expect(stateElements.mad).toBe(stateElements.kept);
  expect(kvCacheBytes).toBe(4 * stateElements.kept);
});

test("a perceptron of one input place keeps its hidden units for the backward pass", () => {
  const { parameters, flopsPerToken, kvCacheBytes } = count(presetArchitecture("mlp-3-4-2"));
  expect(parameters).toMatchObject({ total: 26, weights: 20, biases: 6, embedding: 0 });
  expect(flopsPerToken.forward).toBe(2 * 20 + 6 + 4);
  expect(kvCacheBytes).toBe(0);
});

describe("another length", () => {
  test("is counted; up to the table of positions, or beyond where there is none", () => {
    const learned = defineArchitecture({ ...base, layers: 2 });
    const rotary = defineArchitecture({ ...base, heads: 3, layers: 2, positions: "rope" });
    expect(count(learned, 4).parameters.total).toBe(count(learned).parameters.total);
    expect(count(learned, 4).flopsPerToken.forward).toBeLessThan(count(learned).flopsPerToken.forward);
    expect(count(rotary, 64).stateElements.kept).toBe(8 * count(rotary).stateElements.kept);
    expect(() => count(learned, 9)).toThrow(RequestError);
    expect(() => count(learned, 9)).toThrow(/^length 9 is beyond the 8 positions .* expected at most 8/);
  });
});

test("Kaplan's and Chinchilla's conventions of a GPT, by hand", () => {
  const [layers, width, length] = [5, 12, 8];
  const { flopsPerToken, parameters } = count(defineArchitecture({ ...base, layers, bias: true }));
  const matrices = 12 * layers * width ** 2;
  expect(flopsPerToken.sixN).toBe(6 * parameters.total);
  expect(flopsPerToken.kaplan).toBe(6 * matrices + 6 * layers * length * width);
  expect(flopsPerToken.chinchilla).toBe(6 * matrices + 3 * layers * (4 * length * width + 3 * 3 * length));
});
