// How many bytes of a text each of its tokens stands for, for losses in bits a byte. Knows no losses.

import type { Tokens } from "./batches.ts";
import type { Tokenizer } from "./tokenizer.ts";

export interface TokenBytes {
  /** Bytes of the text that token number `index` stands for. Over all tokens they add up to the length of the text. */
  readonly of: (index: number) => number;
  /**
   * False for tokenizers from a file, which do not say where in the text a token lies: the bytes of the text are shared
   * out by the lengths of the tokens when decoded one by one.
   */
  readonly exact: boolean;
}

/** @param tokens what `tokenizer.encode(text)` gives */
export function tokenBytes(tokenizer: Tokenizer, text: Uint8Array, tokens: Tokens): TokenBytes {
  switch (tokenizer.kind) {
    case "bytes":
      return { of: () => 1, exact: true };
    case "characters": {
      const lengths = characterLengths(text, tokens.length);
      return { of: (index) => lengths[index]!, exact: true };
    }
    case "file": {
      const lengths = decodedLengths(tokenizer, tokens);
      let total = 0;
      for (const token of tokens) total += lengths[token]!;
      const share = text.length / total;
      return { of: (index) => lengths[tokens[index]!]! * share, exact: false };
    }
  }
}

/** Bytes of each character of valid UTF-8. */
function characterLengths(text: Uint8Array, characters: number): Uint8Array {
  const lengths = new Uint8Array(characters);
  let character = -1;
  for (const byte of text) {
    // A byte 10xxxxxx continues a character.
    if ((byte & 0xc0) !== 0x80) character++;
    lengths[character]!++;
  }
  return lengths;
}

/** Bytes of each token of the vocabulary that occurs, decoded alone; at least 1. */
function decodedLengths(tokenizer: Tokenizer, tokens: Tokens): Uint32Array {
  const lengths = new Uint32Array(tokenizer.vocabulary);
  const encoder = new TextEncoder();
  for (const token of new Set(tokens)) {
    lengths[token] = Math.max(1, encoder.encode(tokenizer.decode([token])).length);
  }
  return lengths;
}
