// Token ids drawn from a small model.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defineArchitecture } from "../../src/architecture/architecture.ts";
import { forward } from "../../src/architecture/forward.ts";
import type { Machine } from "../../src/backend/machine.ts";
import { createRandom } from "../../src/data/random.ts";
import { RequestError } from "../../src/errors.ts";
import { initialValues } from "../../src/nn/initialize.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { evaluate, input, type NdArray } from "../../src/tensor/index.ts";
import { drawToken } from "../../src/train/draw.ts";
import { createTextSampler, type SamplingOptions } from "../../src/train/sample.ts";
import { type Backend, closeBackends, openBackends } from "../models/harness.ts";

let backends: Backend[];
beforeAll(async () => {
  backends = await openBackends();
}, 300_000);
afterAll(() => closeBackends(backends));

const architecture = defineArchitecture({
  vocabulary: 5,
  length: 40,
  width: 4,
  heads: 1,
  standardDeviation: 1,
});

const parameters: Record<string, NdArray> = {};
const source = inputSource();
forward(architecture, source, input("tokens", [1, 4], "i32"));
for (const [name, declaration] of source.declared) {
  parameters[name] = {
    shape: declaration.shape,
    data: Float64Array.from(initialValues(name, declaration, 2)),
  };
}

function samplerOn(machine: Machine, count?: number) {
  const store = machine.createStore();
  for (const [name, { shape, data }] of Object.entries(parameters)) {
    store.allocate(name, { shape, dtype: "f32" });
    store.write(name, data);
  }
  return createTextSampler(machine, architecture, store, count);
}

/** The texts of a sampler, token by token. */
async function collect(
  options: SamplingOptions,
  count = 1,
  machine = backends[0]!.machine,
): Promise<number[][]> {
  const texts: number[][] = Array.from({ length: count }, () => []);
  const sampler = samplerOn(machine, count);
  for await (const tokens of sampler.sample(options)) {
    for (const [i, token] of tokens.entries()) texts[i]!.push(token);
  }
  sampler.dispose();
  return texts;
}

/** The same without a cache: the whole text again for each token. */
function uncached({
  prompt,
  tokens,
  seed,
  ...cut
}: Required<Pick<SamplingOptions, "prompt" | "tokens" | "seed" | "temperature" | "topK" | "topP">>) {
  const random = createRandom(seed, 3);
  const text = Array.from(prompt);
  for (let i = 0; i < tokens; i++) {
    const logits = forward(architecture, inputSource(), input("tokens", [1, text.length], "i32"));
    const bound = { ...parameters, tokens: { shape: [1, text.length], data: Float64Array.from(text) } };
    text.push(drawToken(evaluate([logits], bound)[0]!.data.slice(-5), cut, random.uniform(i)));
  }
  return text.slice(prompt.length);
}

test("a text is the same with a cache as without, at the same seed", async () => {
  const prompts = [[3, 1], Array.from({ length: 17 }, (_, i) => i % 5)];
  const cuts = [
    { temperature: 0, topK: 5, topP: 1 },
    { temperature: 1.5, topK: 5, topP: 1 },
    { temperature: 1, topK: 3, topP: 0.9 },
  ];
  for (const prompt of prompts) {
    for (const cut of cuts) {
      const options = { prompt, tokens: 40 - prompt.length, seed: 6, ...cut };
      const expected = uncached(options);
      for (const { machine, title } of backends) {
        expect(await collect(options, 1, machine), title).toEqual([expected]);
      }
    }
  }
});

describe("a text", () => {
  test("goes on beyond the length of the model", async () => {
    const [text] = await collect({ prompt: [0], tokens: 100 });
    expect(text!.length).toBe(100);
  });

  test("is the same from the same seed, and another from another", async () => {
    const draw = (seed: number) => collect({ prompt: [0], tokens: 30, seed, temperature: 2 });
    expect(await draw(1)).toEqual(await draw(1));
    expect(await draw(1)).not.toEqual(await draw(2));
  });

  test("is the same whichever are drawn beside it", async () => {
    const options = { prompt: [0], tokens: 30, temperature: 2 };
    const together = await collect(options, 4);
    expect(new Set(together.map(String)).size).toBe(4);
    expect(await collect({ ...options, first: 2 }, 2)).toEqual(together.slice(2));
  });

  test("has no token that is not to be drawn", async () => {
    const [text] = await collect({ prompt: [4], tokens: 30, temperature: 5, vocabulary: 3 });
    expect([...new Set(text)].sort()).toEqual([0, 1, 2]);
  });

  test("stops where it is told to", async () => {
    const controller = new AbortController();
    let count = 0;
    const { signal } = controller;
    for await (const _ of samplerOn(backends[0]!.machine).sample({ prompt: [0], tokens: 100, signal })) {
      if (++count === 3) controller.abort();
    }
    expect(count).toBe(3);
  });

  test.each<[Partial<SamplingOptions>, string]>([
    [{ prompt: [] }, "the prompt is empty"],
    [{ prompt: [5] }, "the prompt has token 5; expected 0 to 4"],
    [{ prompt: new Array(41).fill(0) }, "the prompt has 41 tokens, and the model sees 40 at once"],
    [{ tokens: -1 }, "tokens is -1"],
    [{ temperature: -1 }, "temperature is -1"],
    [{ temperature: Number.NaN }, "temperature is NaN"],
    [{ topK: 0 }, "topK is 0"],
    [{ topP: 0 }, "topP is 0"],
    [{ topP: 1.1 }, "topP is 1.1"],
    [{ seed: -1 }, "seed"],
  ])("refuses %j", async (options, message) => {
    const sampling = collect({ prompt: [0], tokens: 1, ...options });
    await expect(sampling).rejects.toThrow(RequestError);
    await expect(sampling).rejects.toThrow(message);
  });
});
