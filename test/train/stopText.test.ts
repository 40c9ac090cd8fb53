import fc from "fast-check";
import { expect, test } from "vitest";
import { createStopText } from "../../src/train/stopText.ts";

function run(words: readonly string[], pieces: readonly string[]): { given: string[]; found: boolean } {
  const stop = createStopText(words);
  const given: string[] = [];
  for (const piece of pieces) {
    const { text, found } = stop.push(piece);
    given.push(text);
    if (found) return { given, found };
  }
  return { given: [...given, stop.end()], found: false };
}

test("a text ends before the first of the words", () => {
  expect(run(["stop"], ["do not st", "op here"])).toEqual({ given: ["do not ", ""], found: true });
  expect(run(["end", "d o"], ["an", "d on"])).toEqual({ given: ["an", ""], found: true });
});

test("what may begin a word is held back, and given where it does not", () => {
  expect(run(["\n\n"], ["a\n", "b\n"])).toEqual({ given: ["a", "\nb", "\n"], found: false });
  expect(run(["abab"], ["aba", "c"])).toEqual({ given: ["", "abac", ""], found: false });
});

test("without words nothing is held back", () => {
  expect(run([], ["a", "b"])).toEqual({ given: ["a", "b", ""], found: false });
});

test("is the text up to the earliest word, however it is cut", () => {
  const text = fc.array(fc.constantFrom("a", "b", "ab", "ba", "aab"), { maxLength: 12 });
  const words = fc.array(fc.constantFrom("bb", "aba", "abb", "baab", "aaaa"), { maxLength: 3 });
  fc.assert(
    fc.property(text, words, (pieces, stops) => {
      const whole = pieces.join("");
      const places = stops.map((word) => whole.indexOf(word)).filter((place) => place >= 0);
      const { given, found } = run(stops, pieces);
      expect(found).toBe(places.length > 0);
      expect(given.join("")).toBe(whole.slice(0, Math.min(whole.length, ...places)));
    }),
    { seed: 7, numRuns: 300 },
  );
});
