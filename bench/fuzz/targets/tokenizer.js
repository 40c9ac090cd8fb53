// Tokenizer files and stored descriptions: broken, circular in spirit, slow and bloated ones.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { mutateBytes, mutateValue, write } from "../mutate.js";

export const description = "tokenizers (readTokenizerFile, restoreTokenizer, encode, decode)";
/** A thread that is given up has had its time and its memory. */
export const seconds = 12;
export const mebibytes = 1024;
const patience = 1000;

const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
const special = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
const models = [
  {
    ...{ type: "BPE", merges: ["a b", "Ġ a", "ab ab"], unk_token: null, byte_fallback: false },
    vocab: { a: 0, b: 1, Ġ: 2, ab: 3, Ġa: 4, abab: 5, c: 6 },
  },
  { type: "WordLevel", vocab: { yes: 0, no: 1, "[UNK]": 2 }, unk_token: "[UNK]" },
  {
    ...{
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
    },
    vocab: { "[UNK]": 0, a: 1, "##b": 2, ab: 3 },
  },
  {
    type: "Unigram",
    unk_id: 0,
    vocab: [
      ["<unk>", 0],
      ["a", -1],
      ["ab", -1.5],
      ["▁", -2],
    ],
  },
];
const normalizers = [
  ...[
    null,
    { type: "NFKC" },
    { type: "Lowercase" },
    { type: "BertNormalizer", clean_text: true, lowercase: true },
  ],
  ...[
    { type: "Replace", pattern: { String: "a" }, content: "aa" },
    { type: "Prepend", prepend: "▁" },
  ],
  { type: "Replace", pattern: { Regex: "(a|a)*" }, content: "xyz" },
  { type: "Precompiled", precompiled_charsmap: "" },
];
const splits = [
  "(a+)+$",
  "\\s+(?!\\S)|\\s+",
  "(a|a)*b",
  "[[a-z]&&[^b]]+",
  "(?i:'s)|\\p{L}+",
  "((a*)*)*c",
  "",
  "(",
  "\\",
];
const preTokenizers = [
  ...[null, byteLevel, { type: "Whitespace" }, { type: "Metaspace", replacement: "▁" }, { type: "Digits" }],
  ...splits.map((Regex) => ({ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false })),
  { type: "FixedLength", length: 2 },
];
const decoders = [
  null,
  byteLevel,
  { type: "Fuse" },
  { type: "Metaspace" },
  { type: "WordPiece", prefix: "##" },
];
const texts = [
  "ab abab c",
  `${"a".repeat(40)}!`,
  "",
  " ",
  "\n\n",
  "ü☃😀",
  "yes no",
  "a".repeat(3000),
  "<end>a<end>",
];

/** @param {import("../random.js").Random} random @param {readonly unknown[]} parts @param {string} key */
function partOrMany(random, parts, key) {
  if (random.chance(0.8)) return random.pick(parts);
  const length = random.pick([1, 3, 40]);
  const one = random.pick(parts);
  return {
    type: "Sequence",
    [key]: Array.from({ length }, () => (random.chance(0.5) ? one : random.pick(parts))),
  };
}

/** @typedef {{ kind: "file", bytes: Uint8Array, texts: string[] } | { kind: "stored", value: unknown, texts: string[] }} Input */

/** @param {import("../random.js").Random} random @returns {Input} */
export function generate(random) {
  const some = [random.pick(texts), random.pick(texts)];
  if (random.chance(0.3)) {
    const stored = random.pick([
      { kind: "characters", characters: "aby 😀", unknown: true },
      { kind: "bytes" },
    ]);
    return { kind: "stored", value: mutateValue(random, stored), texts: some };
  }
  const json = {
    ...{ version: "1.0", truncation: null, padding: null, post_processor: null },
    added_tokens: random.pick([[], [{ id: 7, content: "<end>", ...special }]]),
    normalizer: partOrMany(random, normalizers, "normalizers"),
    pre_tokenizer: partOrMany(random, preTokenizers, "pretokenizers"),
    decoder: partOrMany(random, decoders, "decoders"),
    model: random.pick(models),
  };
  const bytes = Buffer.from(write(random.chance(0.7) ? mutateValue(random, json) : json));
  return { kind: "file", bytes: random.chance(0.15) ? mutateBytes(random, bytes) : bytes, texts: some };
}

/** @param {(path: string) => Promise<any>} load a module of the library @param {string} folder */
export async function prepare(load, folder) {
  const { readTokenizerFile } = await load("data/fileTokenizer");
  const { restoreTokenizer } = await load("data/tokenizer");
  const path = join(folder, "tokenizer.json");
  return async (/** @type {Input} */ input) => {
    if (input.kind === "stored") return check(restoreTokenizer(input.value), input.texts);
    writeFileSync(path, input.bytes);
    return check(await readTokenizerFile(path, { patience }), input.texts);
  };
}

/**
 * @param {{ vocabulary: number, encode(text: string): Uint32Array, decode(ids: Uint32Array): string, unseen(text: string): unknown }} tokenizer
 * @param {string[]} texts
 */
function check(tokenizer, texts) {
  for (const text of texts) {
    const ids = tokenizer.encode(text);
    if (ids.some((id) => id >= tokenizer.vocabulary)) throw new Error("an id beyond the vocabulary");
    if (typeof tokenizer.decode(ids) !== "string") throw new Error("decoded to something else than text");
    tokenizer.unseen(text);
  }
}
