// Models whose loss is known: one that knows nothing, one that knows all there is to know, and one computed again by the
// plain decoder in float64.
import { describe, expect, test } from "vitest";
import { type ArchitectureInput, defineArchitecture } from "../../src/architecture/architecture.ts";
import { forward } from "../../src/architecture/forward.ts";
import { createReference } from "../../src/backend/reference.ts";
import { charactersOf, characterTokenizer } from "../../src/data/characterTokenizer.ts";
import type { EvaluationText } from "../../src/data/evaluationText.ts";
import { createRandom } from "../../src/data/random.ts";
import { tokenBytes } from "../../src/data/tokenBytes.ts";
import { RequestError, WorkError } from "../../src/errors.ts";
import { initialValues } from "../../src/nn/initialize.ts";
import { inputSource, type ParameterDeclaration } from "../../src/nn/parameters.ts";
import { input } from "../../src/tensor/index.ts";
import { evaluateText, type ScoringOptions } from "../../src/train/evaluateText.ts";
import { plainLogits } from "../architecture/plainDecoder.ts";

const machine = createReference();

function modelOf(
  given: ArchitectureInput,
  values: (name: string, declaration: ParameterDeclaration) => ArrayLike<number>,
) {
  const architecture = defineArchitecture(given);
  const source = inputSource();
  forward(architecture, source, input("tokens", [1, architecture.length], "i32"));
  const store = machine.createStore();
  const parameters: Record<string, { shape: readonly number[]; data: Float64Array }> = {};
  for (const [name, declaration] of source.declared) {
    const data = Float64Array.from(values(name, declaration));
    store.allocate(name, { shape: declaration.shape, dtype: "f32" });
    store.write(name, data);
    parameters[name] = { shape: declaration.shape, data };
  }
  return { architecture, store, parameters };
}

function textOf(content: string, alphabet = charactersOf(content)): EvaluationText {
  const tokenizer = characterTokenizer(alphabet, { unknown: false });
  const bytes = new TextEncoder().encode(content);
  const tokens = tokenizer.encode(bytes);
  return {
    name: "text",
    part: "whole",
    tokens,
    bytes: tokenBytes(tokenizer, bytes, tokens),
    notes: [],
    language: null,
  };
}

type TestModel = ReturnType<typeof modelOf>;

async function evaluate(
  { architecture, store }: TestModel,
  text: EvaluationText,
  options: ScoringOptions = {},
) {
  for await (const event of evaluateText(machine, architecture, store, text, options)) {
    if (event.kind === "end") return event.result!;
  }
  throw new Error("no end");
}

const zeros = (_: string, { shape }: ParameterDeclaration) =>
  new Float64Array(shape.reduce((size, length) => size * length, 1));

describe("a model that knows nothing", () => {
  const model = modelOf({ vocabulary: 5, length: 6, width: 4, heads: 1 }, zeros);
  const text = textOf("aabéa€a".repeat(9), "abcé€");

  test("loses the logarithm of the vocabulary, with no uncertainty", async () => {
    const result = await evaluate(model, text);
    for (const end of ["value", "low", "high"] as const) {
      expect(result.loss[end]).toBeCloseTo(Math.log(5), 12);
      expect(result.perplexity[end]).toBeCloseTo(5, 11);
    }
    expect(result).toMatchObject({ tokens: 62, complete: true, part: "whole", length: 6, stride: 6 });
  });

  test("in bits a byte: of all the bytes but the first token's", async () => {
    const result = await evaluate(model, text);
    const all = 9 * 10 - 1;
    expect(result.bytes).toBe(all);
    expect(result.bytesExact).toBe(true);
    expect(result.bitsPerByte.value).toBeCloseTo((62 * Math.log2(5)) / all, 12);
    expect(result.bitsPerByte.high).toBeGreaterThan(result.bitsPerByte.value);
  });

  test("guesses the first of all tokens, which are as likely", async () => {
    const targets = "aabéa€a".repeat(9).slice(1);
    const share = [...targets].filter((character) => character === "a").length / 62;
    expect((await evaluate(model, text)).accuracy.value).toBeCloseTo(share, 12);
  });
});

describe("a model that knows the chain its text was drawn from", () => {
  const chain = [
    [0.7, 0.2, 0.1],
    [0.1, 0.1, 0.8],
    [0.25, 0.5, 0.25],
  ];
  // One-hot features; the norm makes of them √width times as much, but for the small number under its root.
  const scale = 1 / Math.sqrt(1 / 4 + 1e-5);
  const model = modelOf(
    { vocabulary: 3, length: 8, width: 4, heads: 1, norm: "rms", positions: "none" },
    (name, declaration) => {
      const values = zeros(name, declaration);
      if (name.endsWith("scale")) values.fill(1);
      for (let i = 0; i < 3; i++) {
        if (name === "embedding.tokens") values[i * 4 + i] = 1;
        if (name === "head.weight")
          for (let j = 0; j < 3; j++) values[i * 3 + j] = Math.log(chain[i]![j]!) / scale;
      }
      return values;
    },
  );
  const random = createRandom(3, 0);
  const tokens = new Uint16Array(4001);
  for (let i = 1; i < tokens.length; i++) {
    const [first, second] = chain[tokens[i - 1]!]!;
    const uniform = random.uniform(i);
    tokens[i] = uniform < first! ? 0 : uniform < first! + second! ? 1 : 2;
  }
  const text = textOf(Array.from(tokens, (token) => "abc"[token]).join(""), "abc");
  const entropyRate = () => {
    // Stationary: found by walking long enough.
    let state = [1 / 3, 1 / 3, 1 / 3];
    for (let i = 0; i < 200; i++) {
      state = [0, 1, 2].map((j) => state.reduce((sum, p, k) => sum + p * chain[k]![j]!, 0));
    }
    return -state.reduce(
      (sum, p, i) => sum + p * chain[i]!.reduce((inner, q) => inner + q * Math.log(q), 0),
      0,
    );
  };

  test("loses exactly what the chain says, token by token", async () => {
    let loss = 0;
    let hits = 0;
    for (let i = 1; i < tokens.length; i++) {
      const row = chain[tokens[i - 1]!]!;
      loss -= Math.log(row[tokens[i]!]!);
      if (row.indexOf(Math.max(...row)) === tokens[i]) hits++;
    }
    const result = await evaluate(model, text);
    expect(result.loss.value).toBeCloseTo(loss / 4000, 10);
    expect(result.accuracy.value).toBeCloseTo(hits / 4000, 12);
  });

  test("and its interval holds the entropy rate of the chain", async () => {
    const { loss, interval } = await evaluate(model, text, { batch: 100 });
    expect(interval).toMatchObject({ items: 30, level: 0.95, tokensPerItem: 133 });
    expect(loss.low!).toBeLessThan(entropyRate());
    expect(loss.high!).toBeGreaterThan(entropyRate());
    expect(loss.high! - loss.low!).toBeLessThan(0.1);
  });

  test("whatever the stride, since one token back is all it looks at", async () => {
    const whole = await evaluate(model, text, { limit: 300 });
    for (const stride of [1, 3]) {
      const result = await evaluate(model, text, { limit: 300, stride, batch: 50 });
      expect(result.loss.value).toBeCloseTo(whole.loss.value, 10);
      expect(result.tokens).toBe(300);
    }
  });
});

describe("against a plain decoder in float64", () => {
  const given = {
    vocabulary: 6,
    length: 5,
    width: 8,
    heads: 2,
    norm: "rms",
    positions: "rope",
    standardDeviation: 1,
  } as const;
  const model = modelOf(given, (name, declaration) => initialValues(name, declaration, 4));
  const options = { ...given, repeat: 1, kvHeads: 2, window: null, activation: "gelu", tie: false } as const;
  const content = "abcdefdcabfeacbd";
  const text = textOf(content);
  test.each([5, 2, 1])("stride %i", async (stride) => {
    const ids = [...text.tokens];
    let loss = 0;
    let hits = 0;
    const logSumExp = (row: readonly number[]) => {
      const top = Math.max(...row);
      return top + Math.log(row.reduce((sum, x) => sum + Math.exp(x - top), 0));
    };
    for (let target = 1; target < ids.length; target++) {
      // The window that scores it: the first, or the earliest that reaches so far.
      const window = target <= 5 ? 0 : Math.ceil((target - 5) / stride);
      const seen = ids.slice(window * stride, target);
      const row = plainLogits(options, model.parameters, seen).at(-1)!;
      loss += logSumExp(row) - row[ids[target]!]!;
      if (row.indexOf(Math.max(...row)) === ids[target]) hits++;
    }
    const result = await evaluate(model, text, { stride, batch: 3 });
    expect(result.loss.value).toBeCloseTo(loss / 15, 9);
    expect(result.accuracy.value).toBeCloseTo(hits / 15, 12);
  });

  test("more context changes the loss: the stride is not without effect", async () => {
    const [wide, narrow] = [await evaluate(model, text), await evaluate(model, text, { stride: 1 })];
    expect(Math.abs(wide.loss.value - narrow.loss.value)).toBeGreaterThan(1e-3);
  });
});

describe("on the way", () => {
  const model = modelOf({ vocabulary: 2, length: 4, width: 4, heads: 1 }, zeros);
  const text = textOf("ab".repeat(200));

  test("it tells how far it is, and an interrupt leaves the beginning's figures", async () => {
    const stop = new AbortController();
    const events = [];
    const options = { batch: 10, signal: stop.signal };
    for await (const event of evaluateText(machine, model.architecture, model.store, text, options)) {
      events.push(event);
      if (event.kind === "progress" && event.tokens >= 80) stop.abort();
    }
    expect(events[0]).toEqual({
      kind: "start",
      ...{ data: "text", part: "whole", tokens: 399, length: 4, stride: 4, notes: [] },
    });
    expect(events.slice(1, 3)).toEqual([
      { kind: "progress", tokens: 40, of: 399, loss: expect.closeTo(Math.log(2), 12) },
      { kind: "progress", tokens: 80, of: 399, loss: expect.closeTo(Math.log(2), 12) },
    ]);
    expect(events.at(-1)).toMatchObject({ kind: "end", result: { complete: false, tokens: 80 } });
  });

  test("an interrupt before anything leaves nothing", async () => {
    const signal = AbortSignal.abort();
    const events = [];
    for await (const event of evaluateText(machine, model.architecture, model.store, text, { signal })) {
      events.push(event);
    }
    expect(events.at(-1)).toEqual({ kind: "end", result: null });
  });

  test("nothing is left in the store", async () => {
    const before = model.store.names();
    await evaluate(model, text);
    expect(model.store.names()).toEqual(before);
  });

  test("one window has no interval", async () => {
    const { loss, interval } = await evaluate(model, textOf("ab"));
    expect(loss).toEqual({ value: expect.closeTo(Math.log(2), 12), low: null, high: null });
    expect(interval.items).toBe(1);
  });

  test.each<[string, ScoringOptions, RegExp]>([
    ["a", {}, /the text has 1 token, at least 2/],
    ["ab", { limit: 0 }, /limit is 0; expected a whole number of tokens, at least 1/],
    ["ab", { batch: 0 }, /batch is 0/],
    ["ab", { stride: 5 }, /stride is 5; expected a whole number from 1 to the model's length 4/],
  ])("%j with %j is refused", async (content, options, message) => {
    const text = textOf(content, "ab");
    await expect(evaluate(model, text, options)).rejects.toThrow(RequestError);
    await expect(evaluate(model, text, options)).rejects.toThrow(message);
  });

  test("numbers out of range are told, not averaged", async () => {
    const broken = modelOf({ vocabulary: 2, length: 4, width: 4, heads: 1 }, (name, declaration) =>
      zeros(name, declaration).fill(name === "head.weight" ? Number.NaN : 1),
    );
    await expect(evaluate(broken, text)).rejects.toThrow(WorkError);
    await expect(evaluate(broken, text)).rejects.toThrow(/the loss of token 1 of text is NaN/);
  });
});
