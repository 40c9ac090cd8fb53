import { expect, test } from "vitest";
import { byteTokenizer } from "../../src/data/byteTokenizer.ts";
import { charactersOf, characterTokenizer } from "../../src/data/characterTokenizer.ts";
import { fileTokenizer } from "../../src/data/fileTokenizer.ts";
import { tokenBytes } from "../../src/data/tokenBytes.ts";
import type { Tokenizer } from "../../src/data/tokenizer.ts";

const text = new TextEncoder().encode("aé€𐍈 unknown ☃\n");

function lengths(tokenizer: Tokenizer): { each: number[]; exact: boolean } {
  const tokens = tokenizer.encode(text);
  const { of, exact } = tokenBytes(tokenizer, text, tokens);
  return { each: Array.from(tokens, (_, index) => of(index)), exact };
}

test("a byte is one", () => {
  expect(lengths(byteTokenizer())).toEqual({ each: Array<number>(text.length).fill(1), exact: true });
});

test("a character is as many as UTF-8 has for it, known or not", () => {
  const known = lengths(characterTokenizer(charactersOf(text)));
  expect(known.each.slice(0, 5)).toEqual([1, 2, 3, 4, 1]);
  expect(known.each.reduce((sum, each) => sum + each, 0)).toBe(text.length);
  expect(known.exact).toBe(true);
  expect(lengths(characterTokenizer("a"))).toEqual(known);
});

test("tokens of a file share the bytes by their decoded lengths", () => {
  const tokenizer = fileTokenizer("words", {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: "Whitespace" },
    post_processor: null,
    decoder: null,
    model: { type: "WordLevel", unk_token: "?", vocab: { "?": 0, one: 1, three: 2 } },
  });
  const words = new TextEncoder().encode("one three one");
  const { of, exact } = tokenBytes(tokenizer, words, tokenizer.encode(words));
  expect(exact).toBe(false);
  const shares = [0, 1, 2].map((index) => (of(index) * 11) / words.length);
  expect(shares.map(Math.round)).toEqual([3, 5, 3]);
  expect(of(0) + of(1) + of(2)).toBeCloseTo(words.length, 9);
});
