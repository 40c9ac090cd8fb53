// The tokens of one text as they come, as pieces that no later token changes. Knows no model and no terminal.

export interface TextStream {
  /** What the text has become by one more token, "" where that is not certain yet. */
  push(token: number): string;
  /** What was held back. */
  end(): string;
}

/** Bytes that begin a character and do not complete it: as many replacement characters at most. */
const incomplete = /\ufffd{1,3}$/;
/** Tokens before a new one that are decoded with it, since decoders may join tokens, or strip a space in front. */
const CONTEXT = 8;

/** @param decode of the text's tokenizer */
export function createTextStream(decode: (tokens: readonly number[]) => string): TextStream {
  let tokens: number[] = [];
  let given = 0;
  return {
    push(token) {
      tokens.push(token);
      const text = decode(tokens);
      const certain = text.replace(incomplete, "").length;
      const piece = text.slice(given, certain);
      given = Math.max(given, certain);
      if (certain === text.length && tokens.length >= 2 * CONTEXT) {
        tokens = tokens.slice(-CONTEXT);
        given = decode(tokens).length;
      }
      return piece;
    },
    end: () => decode(tokens).slice(given),
  };
}
