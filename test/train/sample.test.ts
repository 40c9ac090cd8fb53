import { describe, expect, test } from "vitest";
import { defineArchitecture } from "../../src/architecture/architecture.ts";
import { forward } from "../../src/architecture/forward.ts";
import { createReference } from "../../src/backend/reference.ts";
import { RequestError } from "../../src/errors.ts";
import { initialValues } from "../../src/nn/initialize.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { evaluate, input, type NdArray } from "../../src/tensor/index.ts";
import { createTextSampler, drawToken, type SamplingOptions } from "../../src/train/sample.ts";

describe("a token", () => {
  const logits = [Math.log(0.1), Math.log(0.5), Math.log(0.15), Math.log(0.25)];
  const shares = (temperature: number, topK: number) => {
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 10_000; i++) counts[drawToken(logits, temperature, topK, (i + 0.5) / 10_000)]!++;
    return counts.map((count) => count / 10_000);
  };
  const expectShares = (actual: number[], expected: number[]) =>
    expected.forEach((share, i) => {
      expect(actual[i]).toBeCloseTo(share, 3);
    });
  test("is drawn with the probabilities of the softmax", () => {
    expectShares(shares(1, 4), [0.1, 0.5, 0.15, 0.25]);
  });
  test("from the k most likely", () => {
    expectShares(shares(1, 2), [0, 2 / 3, 0, 1 / 3]);
    expectShares(shares(1, 1), [0, 1, 0, 0]);
  });
  test("at a temperature", () => {
    const squares = [0.01, 0.25, 0.0225, 0.0625];
    const total = squares.reduce((a, b) => a + b);
    expectShares(
      shares(0.5, 4),
      squares.map((square) => square / total),
    );
    expectShares(shares(0, 4), [0, 1, 0, 0]);
  });
});

describe("a text", () => {
  const architecture = defineArchitecture({
    vocabulary: 5,
    length: 4,
    width: 4,
    heads: 1,
    standardDeviation: 1,
  });
  const machine = createReference();
  const store = machine.createStore();
  const source = inputSource();
  forward(architecture, source, input("tokens", [1, 4], "i32"));
  const bound: Record<string, NdArray> = {};
  for (const [name, declaration] of source.declared) {
    const values = initialValues(name, declaration, 2);
    store.allocate(name, { shape: declaration.shape, dtype: "f32" });
    store.write(name, values);
    bound[name] = { shape: declaration.shape, data: Float64Array.from(values) };
  }
  const sampler = createTextSampler(machine, architecture, store);
  const collect = async (options: SamplingOptions) => {
    const text: number[] = [];
    for await (const token of sampler.sample(options)) text.push(token);
    return text;
  };

  test("without chance takes the most likely token after the last four, whatever comes before", async () => {
    const text = [3, 1];
    for (let i = 0; i < 8; i++) {
      const seen = text.slice(-4);
      const logits = forward(architecture, inputSource(), input("tokens", [1, seen.length], "i32"));
      const [result] = evaluate([logits], {
        ...bound,
        tokens: { shape: [1, seen.length], data: Float64Array.from(seen) },
      });
      const last = [...result!.data.slice(-5)];
      text.push(last.indexOf(Math.max(...last)));
    }
    expect(await collect({ prompt: [3, 1], tokens: 8, temperature: 0 })).toEqual(text.slice(2));
  });

  test("is the same from the same seed", async () => {
    const draw = (seed: number) => collect({ prompt: [0], tokens: 30, seed, temperature: 2 });
    expect(await draw(1)).toEqual(await draw(1));
    expect(await draw(1)).not.toEqual(await draw(2));
  });

  test("stops where it is told to", async () => {
    const controller = new AbortController();
    const text: number[] = [];
    for await (const token of sampler.sample({ prompt: [0], tokens: 100, signal: controller.signal })) {
      text.push(token);
      if (text.length === 3) controller.abort();
    }
    expect(text.length).toBe(3);
  });

  test.each<[Partial<SamplingOptions>, string]>([
    [{ prompt: [] }, "the prompt is empty"],
    [{ prompt: [5] }, "the prompt has token 5; expected 0 to 4"],
    [{ tokens: -1 }, "tokens is -1"],
    [{ temperature: -1 }, "temperature is -1"],
    [{ topK: 0 }, "topK is 0"],
    [{ seed: -1 }, "seed"],
  ])("refuses %j", async (options, message) => {
    const sampling = collect({ prompt: [0], tokens: 1, ...options });
    await expect(sampling).rejects.toThrow(RequestError);
    await expect(sampling).rejects.toThrow(message);
  });
});
