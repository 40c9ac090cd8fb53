// Every byte is a token: 256 ids, any data. Knows nothing of characters.

import type { Tokenizer } from "./tokenizer.ts";

/** Strings are encoded as UTF-8; ids that form no valid UTF-8 decode to U+FFFD. */
export function byteTokenizer(): Tokenizer {
  return {
    kind: "bytes",
    vocabulary: 256,
    encode: (text) => Uint16Array.from(typeof text === "string" ? new TextEncoder().encode(text) : text),
    decode: (ids) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(ids)),
    unseen: () => ({ count: 0, characters: [] }),
    describe: () => ({ kind: "bytes" }),
  };
}
