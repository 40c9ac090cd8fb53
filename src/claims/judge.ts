// Whether arms that were compared pair by pair are as a claim expects them. Knows verdicts of pairs, no losses.
import { measures } from "../trial/measures.ts";
import type { PairResult } from "../trial/pairResult.ts";
import type { TrialResult } from "../trial/result.ts";
import { type ClaimVerdict, type Judged, verdictOf } from "./verdict.ts";

/** What a claim expects of arms. */
export interface Expectation {
  /** "middle depths beat one layer and sixty-four". */
  readonly text: string;
  /** One of these has to win over each of `than`. */
  readonly better: readonly string[];
  readonly than: readonly string[];
}

/** A claim about arms, by a study of them. */
export function judgeClaim(
  { expectations }: { readonly expectations: readonly Expectation[] },
  { pairs, arms, measure }: Pick<TrialResult, "pairs" | "arms" | "measure">,
): ClaimVerdict {
  const missing = arms.filter(({ test }) => test === null).map(({ name }) => name);
  const unit = measures[measure].named;
  return verdictOf(expectations.map((expectation) => judgePairs(expectation, pairs, unit, missing)));
}

/** With the smallest difference, in `unit`, that would have been decided in every pair that the expectation is about. */
export function judgePairs(
  expectation: Expectation,
  pairs: readonly PairResult[],
  unit: string,
  missing: readonly string[],
): Judged {
  const { better, than } = expectation;
  const about = pairs.filter(
    ({ first, second }) =>
      (better.includes(first) && than.includes(second)) || (better.includes(second) && than.includes(first)),
  );
  // What was decided early in a race was decided by a stricter look: the others say what the study could decide.
  const open = halvesOf(about.filter(({ verdict }) => verdict === "undecided"));
  const halves = open.length > 0 ? open : halvesOf(about);
  return {
    ...judgeArms(expectation, pairs, missing),
    decidable: halves.length === 0 ? null : { value: Math.max(...halves), unit },
  };
}

function halvesOf(pairs: readonly PairResult[]): number[] {
  return pairs.flatMap(({ interval }) => (interval === null ? [] : [(interval[1] - interval[0]) / 2]));
}

/**
 * Supported: one of the better wins over each of the others. Not supported: each of the better surely does not, since it
 * loses or is tied.
 * @param missing arms without a result: their runs failed, went out of bounds or have not ended
 */
export function judgeArms(
  { text, better, than }: Expectation,
  pairs: readonly PairResult[],
  missing: readonly string[] = [],
): Omit<Judged, "decidable"> {
  const pairOf = (one: string, other: string) =>
    pairs.find(({ first, second }) => isPair(first, second, one, other));
  const outcome = (one: string, other: string): "wins" | "fails" | "open" => {
    const pair = pairOf(one, other);
    if (pair === undefined || pair.verdict === "undecided") return "open";
    return pair.winner === one ? "wins" : "fails";
  };
  if (better.length === 0 || than.length === 0) {
    return { text, judgement: "not decidable at this scale", reason: "there is nothing to compare" };
  }
  const best = better.find((one) => than.every((other) => outcome(one, other) === "wins"));
  if (best !== undefined)
    return { text, judgement: "supported", reason: `${best} wins over ${than.join(" and ")}` };
  const met = better.map((one) => ({ one, other: than.find((other) => outcome(one, other) === "fails") }));
  const failing = met.flatMap(({ one, other }) =>
    other === undefined ? [] : [toldOf(pairOf(one, other)!, one, other)],
  );
  if (failing.length === better.length) {
    return { text, judgement: "not supported", reason: failing.join("; ") };
  }
  const absent = [...better, ...than].filter((arm) => missing.includes(arm));
  const reason = absent.length > 0 ? `no result of ${absent.join(", ")}` : openReason(met, than, pairOf);
  return { text, judgement: "not decidable at this scale", reason };
}

/** How many seeds there were, and how many more the most hopeful of the better would need. */
function openReason(
  met: readonly { readonly one: string; readonly other: string | undefined }[],
  than: readonly string[],
  pairOf: (one: string, other: string) => PairResult | undefined,
): string {
  const hopeful = met.flatMap(({ one, other }) => (other === undefined ? [one] : []));
  const open = hopeful.map((one) => than.flatMap((other) => pairOf(one, other) ?? []));
  const seeds = Math.min(...open.flat().map((pair) => pair.seeds));
  const needed = Math.min(...open.map((pairs) => Math.max(0, ...pairs.map(seedsFor))));
  const told = seeds < Infinity ? `from ${seeds} ${seeds === 1 ? "seed" : "seeds"} ` : "";
  const more =
    needed > 0 && needed < Infinity
      ? `; about ${needed} more ${needed === 1 ? "seed" : "seeds"} would probably decide`
      : "";
  return `${told}no arm surely wins over all that it should${more}`;
}

/** Of a pair that is undecided; Infinity where more than 1,000 or not known. */
function seedsFor({ verdict, furtherSeeds }: PairResult): number {
  return verdict === "undecided" ? (furtherSeeds ?? Infinity) : 0;
}

const isPair = (first: string, second: string, one: string, other: string): boolean =>
  (first === one && second === other) || (first === other && second === one);

function toldOf({ winner }: PairResult, one: string, other: string): string {
  return winner === null ? `${one} ties with ${other}` : `${winner} wins over ${one}`;
}
