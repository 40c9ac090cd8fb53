import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { byteTokenizer } from "../../src/data/byteTokenizer.ts";
import { characterTokenizer } from "../../src/data/characterTokenizer.ts";
import { createTextStream } from "../../src/train/textStream.ts";

/** Like a decoder of word pieces: the space in front of the first token is stripped. */
const words = ["▁to", "▁be", "▁or", "not", "▁"];
const decodeWords = (tokens: readonly number[]) =>
  tokens
    .map((token) => words[token]!)
    .join("")
    .replaceAll("▁", " ")
    .replace(/^ /, "");

function pieces(decode: (tokens: readonly number[]) => string, tokens: Iterable<number>): string[] {
  const stream = createTextStream(decode);
  return [...Array.from(tokens, (token) => stream.push(token)), stream.end()];
}

describe("a stream of tokens", () => {
  const bytes = byteTokenizer();

  test("never cuts a character of several bytes", () => {
    expect(pieces(bytes.decode, bytes.encode("a€𝄞"))).toEqual(["a", "", "", "€", "", "", "", "𝄞", ""]);
  });

  test("gives all of a text, in the end what is no text, too", () => {
    const text = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 60 }).map((s) => [...bytes.encode(s)]),
      fc.array(fc.nat(255), { maxLength: 60 }),
    );
    fc.assert(
      fc.property(text, (tokens) => {
        expect(pieces(bytes.decode, tokens).join("")).toBe(bytes.decode(tokens));
      }),
      { seed: 7 },
    );
  });

  test("keeps spaces that a decoder would strip at the beginning", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(words.length - 1), { maxLength: 60 }), (tokens) => {
        expect(pieces(decodeWords, tokens).join("")).toBe(decodeWords(tokens));
      }),
      { seed: 7 },
    );
  });

  test("shows an unknown character as it is", () => {
    const { decode, vocabulary } = characterTokenizer("ab");
    expect(pieces(decode, [0, vocabulary - 1, 1]).join("")).toBe("a\ufffdb");
  });

  test("takes time in proportion to the text", () => {
    let decoded = 0;
    const stream = createTextStream((tokens) => {
      decoded += tokens.length;
      return bytes.decode(tokens);
    });
    for (let i = 0; i < 1000; i++) stream.push(97);
    expect(decoded).toBeLessThan(20 * 1000);
  });
});
