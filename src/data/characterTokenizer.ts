// Every character (Unicode code point) is a token. Knows nothing of words.
//
// The vocabulary comes from the training text alone, or validation would leak into it. What it lacks is encoded as
// one more id, "unknown", the last; training never shows it, so it is scored as badly as it deserves and `unseen`
// tells how often that happens. A closed alphabet, whose texts cannot hold anything else, does without it.

import { RequestError } from "../errors.ts";
import type { Tokens } from "./batches.ts";
import { characterStart } from "./split.ts";
import type { Tokenizer, Unseen } from "./tokenizer.ts";

const REPLACEMENT = "\ufffd";

/** The different characters of a text, sorted by code point: what `characterTokenizer` takes. */
export function charactersOf(text: string | Uint8Array): string {
  const seen = new Uint8Array(0x110000);
  forEachCodePoint(text, (point) => {
    seen[point] = 1;
  });
  let characters = "";
  for (let point = seen.indexOf(1); point >= 0; point = seen.indexOf(1, point + 1)) {
    characters += String.fromCodePoint(point);
  }
  return characters;
}

/**
 * @param characters each once; the n-th code point has id n
 * @param options `unknown`: keep an id for all other characters (default true); else `encode` refuses them
 * Errors: RequestError for no characters or one that is repeated.
 */
export function characterTokenizer(characters: string, options: { unknown?: boolean } = {}): Tokenizer {
  const unknown = options.unknown ?? true;
  const alphabet = Array.from(characters);
  const ids = new Map<number, number>();
  alphabet.forEach((character, id) => {
    ids.set(character.codePointAt(0)!, id);
  });
  if (alphabet.length === 0 || ids.size < alphabet.length) {
    throw new RequestError(
      `tokenizer: expected at least one character and each once, got ${alphabet.length} with ${ids.size} different`,
    );
  }
  const vocabulary = alphabet.length + (unknown ? 1 : 0);
  const missing = alphabet.length;
  // The first plane by table, the rare rest by map.
  const table = new Int32Array(0x10000).fill(missing);
  for (const [point, id] of ids) if (point < 0x10000) table[point] = id;
  const idOf = (point: number): number => (point < 0x10000 ? table[point]! : (ids.get(point) ?? missing));

  const encode = (text: string | Uint8Array): Tokens => {
    const tokens: Tokens =
      vocabulary <= 0x10000 ? new Uint16Array(text.length) : new Uint32Array(text.length);
    let count = 0;
    forEachCodePoint(text, (point) => {
      const id = idOf(point);
      if (id === missing && !unknown) {
        throw new RequestError(
          `tokenizer: the character ${JSON.stringify(String.fromCodePoint(point))} is not in the alphabet; ` +
            `expected one of ${JSON.stringify(characters)}`,
        );
      }
      tokens[count++] = id;
    });
    return tokens.subarray(0, count);
  };
  const unseen = (text: string | Uint8Array): Unseen => {
    let count = 0;
    const different = new Set<string>();
    forEachCodePoint(text, (point) => {
      if (idOf(point) !== missing) return;
      count++;
      different.add(String.fromCodePoint(point));
    });
    return { count, characters: [...different].sort() };
  };
  return {
    kind: "characters",
    vocabulary,
    encode,
    decode: (tokens) => Array.from(tokens, (id) => alphabet[id] ?? REPLACEMENT).join(""),
    unseen,
    describe: () => ({ kind: "characters", characters, unknown }),
  };
}

/** Bytes are decoded piece by piece: a string cannot hold what a large text has. */
const PIECE = 2 ** 24;

function forEachCodePoint(text: string | Uint8Array, visit: (point: number) => void): void {
  if (typeof text === "string") {
    forEachPointOf(text, visit);
    return;
  }
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for (let at = 0; at < text.length; ) {
    const end = characterStart(text, Math.min(at + PIECE, text.length));
    forEachPointOf(decoder.decode(text.subarray(at, end)), visit);
    at = end;
  }
}

function forEachPointOf(text: string, visit: (point: number) => void): void {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit < 0xdc00) {
      const point = text.codePointAt(i)!;
      if (point > 0xffff) i++;
      visit(point);
    } else visit(unit);
  }
}
