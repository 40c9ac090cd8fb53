// What a reader must know of an interval that ends at 0. Computes nothing; see compare.ts for where it comes from.

/** A pair that is judged, with the interval of its difference. */
interface Judged {
  readonly winner: string | null;
  readonly interval: readonly number[] | null;
}

/** A sentence where a win was decided stepping down alone, so that its interval ends at 0; else nothing. */
export function stepDownLine(pairs: readonly Judged[]): string[] {
  if (!pairs.some(({ winner, interval }) => winner !== null && interval?.includes(0))) return [];
  return [
    "Where a win's interval ends at 0, 0 itself is ruled out: stepping down from wider ranges of arms tells which is better, " +
      "but not by how much at least.",
  ];
}
