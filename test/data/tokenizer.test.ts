import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { byteTokenizer } from "../../src/data/byteTokenizer.ts";
import { charactersOf, characterTokenizer } from "../../src/data/characterTokenizer.ts";
import { fileTokenizer, readTokenizerFile } from "../../src/data/fileTokenizer.ts";
import { restoreTokenizer, type Tokenizer } from "../../src/data/tokenizer.ts";
import { RequestError } from "../../src/errors.ts";

const anyText = fc.string({ unit: "grapheme" });
const viaJson = (tokenizer: Tokenizer): Tokenizer =>
  restoreTokenizer(JSON.parse(JSON.stringify(tokenizer.describe())));

describe("characters", () => {
  test("are sorted by code point, each once", () => {
    expect(charactersOf("hello, wörld 😀\n")).toBe("\n ,dehlorwö😀");
    expect(charactersOf(new TextEncoder().encode("bab€"))).toBe("ab€");
  });

  test("come back as they were, from text and from bytes, also after a restore", () => {
    fc.assert(
      fc.property(
        anyText.filter((text) => text !== ""),
        (text) => {
          const tokenizer = characterTokenizer(charactersOf(text));
          const ids = tokenizer.encode(text);
          expect(tokenizer.decode(ids)).toBe(text);
          expect(tokenizer.encode(new TextEncoder().encode(text))).toEqual(ids);
          expect(viaJson(tokenizer).encode(text)).toEqual(ids);
          expect(Math.max(...ids)).toBeLessThan(tokenizer.vocabulary - 1);
        },
      ),
      { seed: 1 },
    );
  });

  test("that training lacks become the last id and are reported", () => {
    const tokenizer = characterTokenizer("ab");
    expect(tokenizer.vocabulary).toBe(3);
    expect([...tokenizer.encode("abxb😀x")]).toEqual([0, 1, 2, 1, 2, 2]);
    expect(tokenizer.unseen("abxb😀x")).toEqual({ count: 3, characters: ["x", "😀"] });
    expect(tokenizer.decode([0, 2, 1])).toBe("a\ufffdb");
  });

  test("outside a closed alphabet are refused", () => {
    const tokenizer = viaJson(characterTokenizer("ab", { unknown: false }));
    expect(tokenizer.vocabulary).toBe(2);
    expect(() => tokenizer.encode("abc")).toThrow(/"c" is not in the alphabet/);
  });

  test.each(["", "aa"])("%j is no alphabet", (characters) => {
    expect(() => characterTokenizer(characters)).toThrow(RequestError);
  });

  test("long texts are decoded piece by piece, never inside a character", () => {
    // Three bytes each: no piece of 2^24 bytes ends with one.
    const euros = new Uint8Array(3 * 6_000_000);
    for (let at = 0; at < euros.length; at += 3) euros.set([0xe2, 0x82, 0xac], at);
    expect(charactersOf(euros)).toBe("€");
    const tokens = characterTokenizer("a€").encode(euros);
    expect(tokens.length).toBe(6_000_000);
    expect(tokens.every((token) => token === 1)).toBe(true);
  });

  test("1.1 million are encoded in a tenth of a second", () => {
    const text = new TextEncoder().encode("To be, or not to be: that is the question.\n".repeat(26_000));
    const tokenizer = characterTokenizer(charactersOf(text));
    tokenizer.encode(text.subarray(0, 10_000));
    const begin = performance.now();
    expect(tokenizer.encode(text).length).toBe(text.length);
    expect(performance.now() - begin).toBeLessThan(100);
  });
});

describe("bytes", () => {
  test("come back as they were", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const tokenizer = viaJson(byteTokenizer());
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
      }),
      { seed: 1 },
    );
  });

  test("may be any", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const tokenizer = byteTokenizer();
    expect([...tokenizer.encode(bytes)]).toEqual([...bytes]);
    expect(tokenizer.vocabulary).toBe(256);
    expect(tokenizer.decode([0xff, 65])).toBe("\ufffdA");
    expect(tokenizer.unseen(bytes).count).toBe(0);
  });
});

describe("a tokenizer file", () => {
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  const pairs = {
    version: "1.0",
    added_tokens: [
      {
        id: 8,
        content: "<end>",
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      },
    ],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: "BPE",
      vocab: { a: 0, b: 1, "\u0120": 2, ab: 3, "\u0120a": 4, "\u0120ab": 5, abab: 6, c: 7 },
      merges: ["a b", "\u0120 a", "\u0120 ab", "ab ab"],
    },
  };
  const wordLevel = {
    version: "1.0",
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: "Whitespace" },
    post_processor: null,
    decoder: null,
    model: { type: "WordLevel", vocab: { yes: 0, no: 1, "[UNK]": 2 }, unk_token: "[UNK]" },
  };
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "scantling-tokenizer-"));
    writeFileSync(join(folder, "pairs.json"), JSON.stringify(pairs));
    writeFileSync(join(folder, "text.json"), "no json");
    writeFileSync(join(folder, "list.json"), "[1]");
    writeFileSync(join(folder, "other.json"), '{"model": {"type": "Abacus"}}');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("merges pairs, keeps special tokens and comes back", async () => {
    const tokenizer = await readTokenizerFile(join(folder, "pairs.json"));
    expect(tokenizer.vocabulary).toBe(9);
    const text = "abab ab<end>a c";
    const ids = tokenizer.encode(text);
    expect([...ids]).toEqual([6, 5, 8, 0, 2, 7]);
    expect(tokenizer.decode(ids)).toBe(text);
    expect(tokenizer.decode([])).toBe("");
    expect(viaJson(tokenizer).encode(text)).toEqual(ids);
    expect(tokenizer.encode(new TextEncoder().encode(text))).toEqual(ids);
    expect(tokenizer.unseen(text).count).toBe(0);
  });

  test("counts the words it does not know", () => {
    const tokenizer = fileTokenizer("words", wordLevel);
    expect([...tokenizer.encode("yes no maybe yes")]).toEqual([0, 1, 2, 0]);
    expect(tokenizer.unseen("yes no maybe yes").count).toBe(1);
    const { unk_token: _, ...noUnknown } = wordLevel.model;
    const strict = fileTokenizer("strict", { ...wordLevel, model: noUnknown });
    expect(() => strict.encode("yes maybe")).toThrow(/strict has neither a token/);
  });

  describe("that is hostile", () => {
    const open = (change: Record<string, unknown>, patience?: number) =>
      fileTokenizer("hostile", { ...pairs, ...change }, patience === undefined ? {} : { patience });
    const split = (Regex: string) => ({
      ...{ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false },
    });
    const doubling = { type: "Replace", pattern: { String: "a" }, content: "aa" };

    test.each<[string, Record<string, unknown>]>([
      ["backtracks for ever", { pre_tokenizer: split("(a+)+$") }],
      ["never moves on", { pre_tokenizer: { type: "FixedLength", length: 0 } }],
      [
        "doubles the text fifty times",
        { normalizer: { type: "Sequence", normalizers: Array(50).fill(doubling) } },
      ],
    ])("and %s is given up, without harm to others", (_, change) => {
      const slow = open(change, 1500);
      const other = fileTokenizer("pairs", pairs);
      const before = process.memoryUsage.rss();
      expect(() => slow.encode(`${"a".repeat(60)}b`)).toThrow(
        /^tokenizer: hostile (takes more time or memory than a text of 61 characters|cannot encode this)/,
      );
      expect(process.memoryUsage.rss() - before).toBeLessThan(2 ** 30);
      expect([...other.encode("abab")]).toEqual([6]);
      // It works again for what it can do.
      expect(() => slow.decode([0])).not.toThrow();
    });

    const token = { content: "<x>", special: true };
    test.each([
      ["an id that would be a table of gigabytes", { added_tokens: [{ ...token, id: 2 ** 32 - 2 }] }],
      ["a negative id", { added_tokens: [{ ...token, id: -1 }] }],
      ["an id that is no number", { model: { ...pairs.model, vocab: { a: "0" } } }],
      ["no model", { model: null }],
      ["no vocabulary", { model: { ...pairs.model, vocab: {} }, added_tokens: [] }],
      ["a pattern that is no pattern", { pre_tokenizer: split("(") }],
    ])("and has %s is refused", (_, change) => {
      expect(() => open(change)).toThrow(/^tokenizer: hostile is not a Hugging Face tokenizer\.json \(/);
    });

    test("and names an unknown token beyond its vocabulary gives no ids beyond it", () => {
      const model = { type: "Unigram", unk_id: 70_000, vocab: [["a", -1]] };
      const tokenizer = open({ model, added_tokens: [], pre_tokenizer: null, decoder: null });
      expect(() => tokenizer.encode("b")).toThrow(RequestError);
    });
  });

  test.each([
    [
      "missing",
      "gone.json",
      /cannot read .*gone\.json: no such file; expected characters, bytes or the path/,
    ],
    ["no JSON", "text.json", /text\.json is not a Hugging Face tokenizer\.json \(it is not JSON/],
    ["a list", "list.json", /not a Hugging Face tokenizer\.json/],
    ["of an unknown kind", "other.json", /other\.json is not a Hugging Face tokenizer\.json/],
  ])("that is %s is refused in one line", async (_, file, message) => {
    const error = await readTokenizerFile(join(folder, file)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RequestError);
    expect((error as RequestError).message).toMatch(message);
    expect((error as RequestError).message).not.toContain("\n");
  });
});

test.each([
  [null],
  [{}],
  [{ kind: "characters" }],
  [{ kind: "runes" }],
  [{ kind: "file", name: "x", tokenizer: 1 }],
])("the description %j is refused", (json) => {
  expect(() => restoreTokenizer(json)).toThrow(/stored description is damaged/);
});

test("a damaged description is told of in one short line", () => {
  const refused = () => restoreTokenizer({ kind: "bytes", [`a\n${"x".repeat(1e6)}`]: 1 });
  expect(refused).toThrow(
    /^tokenizer: the stored description is damaged \([^\n]{1,250}\); restore the run's files$/,
  );
});

test("more tokenizers than there may be threads take turns", () => {
  const vocabularies = Array.from({ length: 7 }, (_, i) => `${"b".repeat(i)}a`);
  const tokenizers = vocabularies.map((word) =>
    fileTokenizer(word, {
      ...{ version: "1.0", added_tokens: [], normalizer: null, post_processor: null, decoder: null },
      pre_tokenizer: { type: "Whitespace" },
      model: { type: "WordLevel", vocab: { [word]: 0, "[UNK]": 1 }, unk_token: "[UNK]" },
    }),
  );
  for (let turn = 0; turn < 2; turn++) {
    tokenizers.forEach((tokenizer, i) => {
      const known = vocabularies.map((_, j) => (i === j ? 0 : 1));
      expect([...tokenizer.encode(vocabularies.join(" "))]).toEqual(known);
    });
  }
});
