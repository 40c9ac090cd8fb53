// Texts token by token with caches against the whole window again at every token, on every backend.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Architecture,
  type ArchitectureInput,
  defineArchitecture,
} from "../../src/architecture/architecture.ts";
import { forward } from "../../src/architecture/forward.ts";
import type { Machine } from "../../src/backend/machine.ts";
import { RequestError } from "../../src/errors.ts";
import { initialValues } from "../../src/nn/initialize.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { evaluate, input, type NdArray } from "../../src/tensor/index.ts";
import { createDecoder } from "../../src/train/decoder.ts";
import { type Backend, closeBackends, openBackends } from "../models/harness.ts";
import { generator } from "../tensor/harness.ts";

let backends: Backend[];
beforeAll(async () => {
  backends = await openBackends();
}, 300_000);
afterAll(() => closeBackends(backends));

const VOCABULARY = 7;
const BATCH = 2;

const cases: Record<string, Omit<ArchitectureInput, "vocabulary">> = {
  "learned positions, GELU": { length: 18, width: 8, layers: 2, heads: 2, feedforward: 12 },
  "rotary positions, grouped heads, SwiGLU, tied": {
    length: 17,
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
  "a window, rotary positions, biases": {
    length: 20,
    width: 8,
    heads: 2,
    activation: "relu",
    bias: true,
    positions: "rope",
    window: 6,
  },
  "parallel blocks between other ones, by distance": {
    length: 12,
    width: 8,
    stripe: "[attention(heads: 2), relu] + [relative-attention(heads: 2), gelu] × 2 + gelu",
    positions: "none",
    block: "parallel",
  },
  "norms after the sums, a bias at the head": {
    length: 12,
    width: 8,
    heads: 2,
    layers: 2,
    block: "post",
    norm: "layerUnbiased",
    headBias: true,
  },
  "no positions at all": {
    length: 12,
    width: 8,
    stripe: ["mamba", "gelu"],
    positions: "none",
  },
  "one token at a time": { length: 1, width: 4, heads: 1 },
};

function parametersOf(architecture: Architecture): Map<string, NdArray> {
  const source = inputSource();
  forward(architecture, source, input("tokens", [1, 1], "i32"));
  return new Map(
    [...source.declared].map(([name, declaration]) => [
      name,
      { shape: declaration.shape, data: Float64Array.from(initialValues(name, declaration, 4)) },
    ]),
  );
}

function storeOf(machine: Machine, parameters: ReadonlyMap<string, NdArray>) {
  const store = machine.createStore();
  for (const [name, { shape, data }] of parameters) {
    store.allocate(name, { shape, dtype: "f32" });
    store.write(name, data);
  }
  return store;
}

/** Logits after the last of `text`, by the whole graph. */
function plainLogits(
  architecture: Architecture,
  parameters: ReadonlyMap<string, NdArray>,
  text: readonly number[],
) {
  const logits = forward(architecture, inputSource(), input("tokens", [1, text.length], "i32"));
  const tokens = { shape: [1, text.length], data: Float64Array.from(text) };
  const [result] = evaluate([logits], { ...Object.fromEntries(parameters), tokens });
  return [...result!.data.slice(-VOCABULARY)];
}

/** What the model sees of a text: at most `length` tokens; one more, and the later half of them begins a window. */
function windowOf(text: readonly number[], prompt: number, length: number): readonly number[] {
  let start = 0;
  for (let end = prompt + 1; end <= text.length; end++) {
    if (end - start > length) start = end - Math.ceil(length / 2);
  }
  return text.slice(start);
}

describe.each(Object.entries(cases))("%s", (_, given) => {
  const architecture = defineArchitecture({ vocabulary: VOCABULARY, standardDeviation: 0.6, ...given });
  const { length } = architecture;
  const parameters = parametersOf(architecture);
  const random = generator(8);
  const texts = Array.from({ length: BATCH }, () =>
    Array.from({ length: 2 * length + 2 }, () => Math.floor(VOCABULARY * random())),
  );

  // A token alone, so many that they are read at once, and all the model sees.
  test.each([...new Set([1, Math.min(16, length), length])])("after a prompt of %i", async (prompt) => {
    const expected = texts.map((text) =>
      Array.from({ length: text.length - prompt + 1 }, (_, i) =>
        plainLogits(architecture, parameters, windowOf(text.slice(0, prompt + i), prompt, length)),
      ),
    );
    expect(Math.max(...expected.flat(2).map(Math.abs))).toBeGreaterThan(0.5);
    for (const { machine, tolerance, title } of backends) {
      const decoder = createDecoder(machine, architecture, storeOf(machine, parameters), BATCH);
      for (let i = 0; prompt + i <= texts[0]!.length; i++) {
        const logits = Array.from(
          await (i === 0
            ? decoder.begin(texts.map((text) => text.slice(0, prompt)))
            : decoder.next(texts.map((text) => text[prompt + i - 1]!))),
        );
        expected
          .flatMap((of) => of[i]!)
          .forEach((value, place) => {
            expect(Math.abs(logits[place]! - value), `token ${prompt + i} on ${title}`).toBeLessThan(
              10 * tolerance,
            );
          });
      }
      decoder.dispose();
    }
  });
});

test("a second text knows nothing of the first", async () => {
  const architecture = defineArchitecture({
    vocabulary: VOCABULARY,
    standardDeviation: 0.6,
    ...cases["a window, rotary positions, biases"]!,
  });
  const parameters = parametersOf(architecture);
  for (const { machine } of backends) {
    const decoder = createDecoder(machine, architecture, storeOf(machine, parameters), 1);
    const write = async () => {
      const rows = [[...(await decoder.begin([[1, 2, 3]]))]];
      for (const token of [4, 5, 6, 0, 1, 2, 3]) rows.push([...(await decoder.next([token]))]);
      return rows;
    };
    const first = await write();
    expect(await write()).toEqual(first);
    const beginning = Array.from({ length: 20 }, (_, i) => i % VOCABULARY);
    const read = async (count: number) => [...(await decoder.begin([beginning.slice(0, count)]))];
    const sixteen = await read(16);
    for (const count of [17, 18, 19, 20]) expect(await read(count)).not.toEqual(sixteen);
    expect(await read(16)).toEqual(sixteen);
    decoder.dispose();
  }
});

test("what is disposed leaves the parameters alone in the store", () => {
  const architecture = defineArchitecture({ vocabulary: VOCABULARY, length: 4, width: 4, heads: 1 });
  const parameters = parametersOf(architecture);
  for (const { machine } of backends) {
    const store = storeOf(machine, parameters);
    createDecoder(machine, architecture, store, 3).dispose();
    expect(store.names()).toEqual([...parameters.keys()]);
  }
});

test("a model that looks ahead is refused", () => {
  const architecture = defineArchitecture({
    vocabulary: VOCABULARY,
    length: 4,
    width: 4,
    heads: 1,
    causal: false,
  });
  const { machine } = backends[0]!;
  expect(() => createDecoder(machine, architecture, machine.createStore(), 1)).toThrow(RequestError);
});
