// The known name that a mistyped one was probably meant to be. Knows nothing of what the names stand for.

/** The closest of `names` by Levenshtein distance, or null where none is within half the name's length. */
export function nearest(name: string, names: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(name.length / 2)) + 1;
  for (const candidate of names) {
    // No fewer changes than characters that are too many, which spares long names.
    if (Math.abs(name.length - candidate.length) >= bestDistance) continue;
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** More words than these hide the one that was meant. */
const MOST_WORDS_BESIDE = 8;

/** `expected one of a, b`, and which of them a near miss was probably meant to be; of many words that one alone. */
export function expectedOneOf(given: unknown, words: readonly string[]): string {
  const meant = typeof given === "string" ? nearest(given, words) : null;
  const all = `expected one of ${words.join(", ")}`;
  if (meant === null) return all;
  return words.length > MOST_WORDS_BESIDE ? `did you mean ${meant}?` : `${all}; did you mean ${meant}?`;
}

/** Fewest insertions, deletions and replacements of one character that turn one string into the other. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
