// Window probabilities of a small language from its grammar alone, by writing out every document. Shares no code
// with the chain or the filter.

import type { Grammar, LanguageGrammar } from "../../src/data/grammar.ts";

type Distribution = [text: string, probability: number][];

function spell(grammar: Grammar): Distribution {
  switch (grammar.kind) {
    case "text":
      return [[grammar.text, 1]];
    case "sequence":
      return grammar.parts.map(spell).reduce(product, [["", 1]]);
    case "choice": {
      const total = grammar.options.reduce((sum, option) => sum + option.weight, 0);
      return grammar.options.flatMap((option) =>
        spell(option.grammar).map(([text, p]): [string, number] => [text, (p * option.weight) / total]),
      );
    }
  }
}

function product(left: Distribution, right: Distribution): Distribution {
  return left.flatMap(([a, p]) => right.map(([b, q]): [string, number] => [a + b, p * q]));
}

/** Every document of up to `sentences` further sentences; the rest has probability another^(sentences + 1). */
export function allDocuments(grammar: LanguageGrammar, sentences: number): Distribution {
  const totalWeight = grammar.documents.reduce((sum, document) => sum + document.weight, 0);
  const merged = new Map<string, number>();
  for (const document of grammar.documents) {
    const more = product([[grammar.joint, grammar.another]], spell(document.sentence));
    let texts: Distribution = product(
      [[grammar.separator, document.weight / totalWeight]],
      spell(document.opening),
    );
    for (let count = 0; count <= sentences; count++) {
      for (const [text, p] of texts) merged.set(text, (merged.get(text) ?? 0) + p * (1 - grammar.another));
      texts = product(texts, more);
    }
  }
  return [...merged];
}

/** Probability that an endless stream of documents, cut at a random position, goes on with `window`. */
export function windowProbability(documents: Distribution, window: string): number {
  const fresh = new Map<number, number>();
  const fromBoundary = (at: number): number => {
    if (at >= window.length) return 1;
    const known = fresh.get(at);
    if (known !== undefined) return known;
    let sum = 0;
    for (const [text, p] of documents) sum += p * agree(text, 0, at);
    fresh.set(at, sum);
    return sum;
  };
  /** 1 or what comes after, if the document from `offset` on agrees with the window from `at` on; else 0. */
  const agree = (text: string, offset: number, at: number): number => {
    const shared = Math.min(text.length - offset, window.length - at);
    if (text.slice(offset, offset + shared) !== window.slice(at, at + shared)) return 0;
    return fromBoundary(at + shared);
  };
  let sum = 0;
  let meanLength = 0;
  for (const [text, p] of documents) {
    meanLength += p * text.length;
    for (let offset = 0; offset < text.length; offset++) sum += p * agree(text, offset, 0);
  }
  return sum / meanLength;
}
