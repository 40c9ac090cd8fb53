import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildChain } from "../../src/data/chain.ts";
import { choice, type LanguageGrammar, oneWord, sequence, text } from "../../src/data/grammar.ts";
import { createLanguage } from "../../src/data/language.ts";
import { storyLanguage } from "../../src/data/story.ts";
import { RequestError } from "../../src/errors.ts";
import { allDocuments, windowProbability } from "./bruteForce.ts";
import { trainNgram } from "./ngram.ts";

/** Four letters, two kinds of document, words that are prefixes of each other: what is hidden stays hidden long. */
const tiny: LanguageGrammar = {
  separator: "|",
  joint: " ",
  another: 0.1,
  documents: [
    { weight: 2, opening: oneWord(["a", "ab"]), sentence: sequence("b", choice([1, "a"], [3, ""])) },
    { weight: 1, opening: choice([1, "ab"], [1, "ba"]), sentence: text("a") },
  ],
};

function words(alphabet: readonly string[], length: number): string[] {
  if (length === 0) return [""];
  return words(alphabet, length - 1).flatMap((start) => alphabet.map((character) => start + character));
}

describe("the optimal predictor", () => {
  test("agrees with brute-force enumeration on every window of up to 6 characters", () => {
    const language = createLanguage({ grammar: tiny });
    const documents = allDocuments(tiny, 6);
    let checked = 0;
    for (let length = 1; length <= 6; length++) {
      for (const window of words(language.alphabet, length)) {
        const expected = windowProbability(documents, window);
        const tokens = Array.from(window, (character) => language.alphabet.indexOf(character));
        const loss = language.negativeLogLikelihood(tokens).reduce((sum, value) => sum + value, 0);
        // Documents of more than 6 further sentences, of probability 1e-7, are not enumerated.
        if (expected > 0) {
          expect(Math.abs(Math.exp(-loss) - expected)).toBeLessThan(1e-6);
          checked++;
        } else expect(Math.exp(-loss)).toBeLessThan(1e-6);
      }
    }
    expect(checked).toBeGreaterThan(200);
  });

  test("knows documents without sentences", () => {
    const grammar = { ...tiny, another: 0 };
    const language = createLanguage({ grammar });
    const documents = allDocuments(grammar, 0);
    for (const window of words(language.alphabet, 4)) {
      const tokens = Array.from(window, (character) => language.alphabet.indexOf(character));
      const loss = language.negativeLogLikelihood(tokens).reduce((sum, value) => sum + value, 0);
      expect(Math.exp(-loss)).toBeCloseTo(windowProbability(documents, window), 12);
    }
    expect(language.entropyRate).toBeGreaterThan(0);
  });

  test("gives probabilities that sum to 1 and says in advance what observe returns", () => {
    const language = createLanguage();
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const filter = language.createFilter();
        const out = new Float64Array(language.alphabet.length);
        for (const token of language.generate(seed, 300)) {
          filter.logProbabilities(out);
          const sum = out.reduce((total, value) => total + Math.exp(value), 0);
          expect(sum).toBeCloseTo(1, 12);
          const foretold = out[token]!;
          expect(filter.observe(token)).toBeCloseTo(foretold, 12);
        }
      }),
      { numRuns: 20, seed: 1 },
    );
  });

  test("gives minus infinity to the impossible and goes on", () => {
    const language = createLanguage();
    const encode = (characters: string): number[] =>
      Array.from(characters, (character) => language.alphabet.indexOf(character));
    const losses = language.negativeLogLikelihood(encode("the xAda the "));
    expect(losses[4]).toBe(Number.POSITIVE_INFINITY);
    expect(losses.filter((loss) => !Number.isFinite(loss)).length).toBe(2);
    const filter = language.createFilter();
    filter.observe(3);
    filter.reset();
    expect([...filter.logProbabilities()]).toEqual([...language.createFilter().logProbabilities()]);
    expect(language.negativeLogLikelihood([language.alphabet.length])[0]).toBe(Number.POSITIVE_INFINITY);
  });

  test("remembers name, thing, number and bracket", () => {
    const language = createLanguage();
    const expected = (context: string, next: string): number => {
      const filter = language.createFilter();
      for (const character of context) filter.observe(language.alphabet.indexOf(character));
      return Math.exp(filter.logProbabilities()[language.alphabet.indexOf(next)]!);
    };
    const opening = "\n\nRosa the farmer came to the barn with her rake. the goats eat. the hen yawns twice.";
    expect(expected(`${opening} s`, "h")).toBeCloseTo(1, 10);
    expect(expected(`${opening} she drops her `, "r")).toBeCloseTo(1, 10);
    expect(expected(`${opening} "eat or kick," says `, "R")).toBeCloseTo(1, 10);
    expect(expected(`${opening} the old goats [near the mule`, ")")).toBe(0);
    expect(expected(`${opening} the old goats [near the mules] eat`, "s")).toBe(0);
    expect(expected(`${opening} the old goat [near the mules] eat`, "s")).toBeCloseTo(1, 10);
    expect(expected(' "eat or kick," says ', "R")).toBeCloseTo(1 / 8, 2);
  });
});

describe("the generator", () => {
  test("repeats itself for equal seeds only", () => {
    const language = createLanguage();
    expect(language.generate(5, 1000)).toEqual(language.generate(5, 1000));
    expect(language.generate(5, 500)).toEqual(language.generate(5, 1000).subarray(0, 500));
    expect(language.generate(6, 1000)).not.toEqual(language.generate(5, 1000));
  });

  test("draws pairs and triples of characters as often as the filter says", () => {
    const language = createLanguage();
    const size = language.alphabet.length;
    const length = 400_000;
    const tokens = language.generate(11, length);
    for (const order of [1, 2, 3]) {
      const counts = new Map<number, number>();
      for (let at = 0; at + order <= length; at++) {
        let key = 0;
        for (let i = 0; i < order; i++) key = key * size + tokens[at + i]!;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      let covered = 0;
      for (const [key, count] of counts) {
        const gram = Array.from(
          { length: order },
          (_, i) => Math.floor(key / size ** (order - 1 - i)) % size,
        );
        const probability = Math.exp(-language.negativeLogLikelihood(gram).reduce((a, b) => a + b, 0));
        covered += probability;
        // Grams come in bursts (one story, one name), so their counts vary more than independent draws would.
        const spread = Math.sqrt((20 * probability) / length);
        expect(Math.abs(count / length - probability)).toBeLessThan(5 * spread + 20 / length);
      }
      expect(covered).toBeGreaterThan(0.9999);
    }
  });

  test("writes documents that look like text", () => {
    const language = createLanguage();
    expect(language.alphabet.length).toBeLessThanOrEqual(64);
    const stories = language.decode(language.generate(3, 20_000)).split("\n\n").slice(1, -1);
    expect(stories.length).toBeGreaterThan(30);
    for (const story of stories) expect(story).toMatch(/^[A-Z][a-z]+ the [a-z]+ came to the .*\.$/);
  });

  test.each([0, -1, 1.5, Number.NaN])("refuses a length of %d", (length) => {
    expect(() => createLanguage({ grammar: tiny }).generate(1, length)).toThrow(RequestError);
  });
});

describe("the entropy rate", () => {
  const language = createLanguage();

  test("is what exact filtering measures", () => {
    for (const seed of [21, 22, 23]) {
      const measured = language.estimateEntropyRate(seed, 300_000);
      expect(measured.standardError).toBeLessThan(0.002);
      expect(Math.abs(measured.value - language.entropyRate)).toBeLessThan(4 * measured.standardError);
    }
  });

  test("is exact because no document has two derivations", () => {
    // Two different paths that spell the same and meet again would be an ambiguity: search all pairs of states.
    const { offsets, targets, symbols, states } = buildChain(storyLanguage());
    const start = 0;
    const seen = new Set([start * states + start]);
    const pairs: [number, number][] = [[start, start]];
    for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
      const [left, right] = pair;
      for (let i = offsets[left]!; i < offsets[left + 1]!; i++) {
        for (let j = left === right ? i : offsets[right]!; j < offsets[right + 1]!; j++) {
          const a = targets[i]!;
          const b = targets[j]!;
          if (symbols[a] !== symbols[b]) continue;
          if (a === b) expect(left === right && i === j).toBe(true);
          const key = a * states + b;
          if (!seen.has(key)) {
            seen.add(key);
            pairs.push([a, b]);
          }
        }
      }
    }
    expect(seen.size).toBeGreaterThan(states);
  });

  test("is the lower, the longer the window", () => {
    const tokens = language.generate(31, 40_000);
    const losses = [16, 64, 256, 1024].map((length) => language.optimalLoss(tokens, length).value);
    for (let i = 1; i < losses.length; i++) expect(losses[i]!).toBeLessThan(losses[i - 1]! - 0.005);
    expect(losses[3]!).toBeGreaterThan(language.entropyRate - 0.01);
  });

  test("is beyond n-gram models by far, and no competitor is below the optimum", () => {
    const size = language.alphabet.length;
    const training = language.generate(41, 400_000);
    const held = language.generate(42, 30_000);
    const window = 128;
    const optimum = language.optimalLoss(held, window).value;
    const losses = [1, 2, 4, 8].map((order) => {
      const model = trainNgram(training, size, order);
      let sum = 0;
      for (let at = 1; at < held.length; at++) {
        const from = Math.floor((at - 1) / window) * window;
        sum += model.loss(held, at, from);
      }
      return sum / (held.length - 1);
    });
    const [unigram, bigram, fourgram, eightgram] = losses;
    expect(optimum).toBeLessThan(0.33);
    expect(unigram).toBeGreaterThan(2.5);
    expect(bigram).toBeGreaterThan(1.5);
    expect(fourgram).toBeGreaterThan(optimum + 0.3);
    expect(eightgram).toBeGreaterThan(optimum + 0.12);
  });

  test("a predictor that is nearly right is worse too", () => {
    const grammar = storyLanguage();
    const wrong = createLanguage({ grammar: { ...grammar, another: 0.8 } });
    const tokens = language.generate(51, 200_000);
    const best = language.optimalLoss(tokens, 256);
    const other = wrong.optimalLoss(tokens, 256);
    expect(other.value).toBeGreaterThan(best.value);
    expect(other.value).toBeLessThan(best.value + 0.001);
  });
});

describe("bad grammars", () => {
  const base = { separator: "|", joint: " ", another: 0.5 };
  const document = { weight: 1, opening: text("a"), sentence: text("b") };
  test.each<[string, LanguageGrammar]>([
    ["no separator", { ...base, separator: "", documents: [document] }],
    ["no joint", { ...base, joint: "", documents: [document] }],
    ["endless documents", { ...base, another: 1, documents: [document] }],
    ["no documents", { ...base, documents: [] }],
    ["a weight of zero", { ...base, documents: [{ ...document, weight: 0 }] }],
    ["an empty choice", { ...base, documents: [{ ...document, opening: choice() }] }],
    ["a character of two units", { ...base, documents: [{ ...document, opening: text("😀") }] }],
  ])("%s", (_, grammar) => {
    expect(() => createLanguage({ grammar })).toThrow(RequestError);
  });

  test("windows that cannot be scored", () => {
    const language = createLanguage({ grammar: tiny });
    expect(() => language.optimalLoss([1], 4)).toThrow(RequestError);
    expect(() => language.optimalLoss([1, 2, 3], 0)).toThrow(RequestError);
  });
});

test("two million characters in a second, a hundred thousand filtered in two", () => {
  const language = createLanguage();
  const begin = performance.now();
  const tokens = language.generate(61, 2_000_000);
  const generated = performance.now();
  language.negativeLogLikelihood(tokens.subarray(0, 100_000));
  const filtered = performance.now();
  expect(generated - begin).toBeLessThan(1000);
  expect(filtered - generated).toBeLessThan(2000);
});
