// A probabilistic regular grammar as data: text, sequences, choices. Knows nothing of chains, filters or words.

/** What a piece of a document may be. */
export type Grammar =
  | { kind: "text"; text: string }
  | { kind: "sequence"; parts: readonly Grammar[] }
  | { kind: "choice"; options: readonly WeightedGrammar[] };

/** One option of a choice; its probability is its weight divided by the sum of the choice's weights. */
export interface WeightedGrammar {
  weight: number;
  grammar: Grammar;
}

/**
 * One kind of document. All its documents read: separator, opening, then zero or more times (joint, sentence).
 * After the opening and after each sentence one more sentence follows with probability `another`.
 */
export interface DocumentGrammar {
  weight: number;
  opening: Grammar;
  sentence: Grammar;
}

/** A language: an endless stream of independent documents, each begun by the separator. */
export interface LanguageGrammar {
  /** Begins every document; at least one character. */
  separator: string;
  /** Stands between the sentences of a document; at least one character. */
  joint: string;
  /** Probability that one more sentence follows, in [0, 1). */
  another: number;
  documents: readonly DocumentGrammar[];
}

export function text(characters: string): Grammar {
  return { kind: "text", text: characters };
}

/** Pieces one after another; a string stands for its own text. */
export function sequence(...parts: readonly (Grammar | string)[]): Grammar {
  return {
    kind: "sequence",
    parts: parts.map((part) => (typeof part === "string" ? text(part) : part)),
  };
}

/** One of several pieces, `[weight, piece]` each. */
export function choice(...options: readonly (readonly [number, Grammar | string])[]): Grammar {
  return {
    kind: "choice",
    options: options.map(([weight, part]) => ({
      weight,
      grammar: typeof part === "string" ? text(part) : part,
    })),
  };
}

/** One word of a list, the i-th (from 0) with a probability in proportion to 1 / (i + 3): a mild Zipf law. */
export function oneWord(words: readonly string[]): Grammar {
  return choice(...words.map((word, index) => [1 / (index + 3), word] as const));
}
