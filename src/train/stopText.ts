// Ends a text that comes in pieces before the first of some words. Knows nothing of where the pieces come from.

export interface StopText {
  /** What is certain to stand before any of the words; `found` once one has come. */
  push(piece: string): { readonly text: string; readonly found: boolean };
  /** What was held back because a word might have begun there. */
  end(): string;
}

/** @param words none of them empty */
export function createStopText(words: readonly string[]): StopText {
  let held = "";
  return {
    push(piece) {
      const text = held + piece;
      const places = words.map((word) => text.indexOf(word)).filter((place) => place >= 0);
      const found = places.length > 0;
      const end = found
        ? Math.min(...places)
        : text.length - Math.max(0, ...words.map((word) => begun(word, text)));
      held = found ? "" : text.slice(end);
      return { text: text.slice(0, end), found };
    },
    end: () => held,
  };
}

/** Length of the longest beginning of `word`, short of all of it, that `text` ends with. */
function begun(word: string, text: string): number {
  for (let length = Math.min(word.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(word.slice(0, length))) return length;
  }
  return 0;
}
