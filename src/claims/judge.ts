// Whether the evidence of a study supports a claim. Knows verdicts of pairs, no losses.
import type { PairResult, TrialResult } from "../trial/result.ts";
import type { Claim, Expectation } from "./claim.ts";

/** What the evidence says of a claim. */
export type Judgement = "supported" | "not supported" | "not decidable at this scale";

/** One expectation, judged. */
export interface Judged {
  readonly text: string;
  readonly judgement: Judgement;
  /** Why, in a line. */
  readonly reason: string;
}

/** A claim in the light of one study. */
export interface ClaimVerdict {
  readonly judgement: Judgement;
  readonly expectations: readonly Judged[];
  /** The smallest difference that would have been a win, nats; null where nothing is known of the spread. */
  readonly decidable: number | null;
}

/**
 * Supported: every expectation is met. Not supported: one surely is not, since the other side wins or they are tied.
 * Otherwise what is undecided decides nothing.
 */
export function judgeClaim({ expectations }: Pick<Claim, "expectations">, result: TrialResult): ClaimVerdict {
  const judged = expectations.map((expectation) => judge(expectation, result));
  const all = (judgement: Judgement) => judged.every((one) => one.judgement === judgement);
  const judgement = all("supported")
    ? "supported"
    : judged.some((one) => one.judgement === "not supported")
      ? "not supported"
      : "not decidable at this scale";
  return { judgement, expectations: judged, decidable: result.decidable };
}

function judge({ text, better, than }: Expectation, { pairs }: TrialResult): Judged {
  const outcome = (one: string, other: string): "wins" | "fails" | "open" => {
    const pair = pairs.find(({ first, second }) => isPair(first, second, one, other));
    if (pair === undefined || pair.verdict === "undecided") return "open";
    return pair.winner === one ? "wins" : "fails";
  };
  const best = better.find((one) => than.every((other) => outcome(one, other) === "wins"));
  if (best !== undefined)
    return { text, judgement: "supported", reason: `${best} wins over ${than.join(" and ")}` };
  const met = better.map((one) => ({ one, other: than.find((other) => outcome(one, other) === "fails") }));
  const failing = met.flatMap(({ one, other }) => (other === undefined ? [] : [toldOf(pairs, one, other)]));
  if (failing.length === better.length) {
    return { text, judgement: "not supported", reason: failing.join("; ") };
  }
  return { text, judgement: "not decidable at this scale", reason: "no arm wins over all that it should" };
}

const isPair = (first: string, second: string, one: string, other: string): boolean =>
  (first === one && second === other) || (first === other && second === one);

function toldOf(pairs: readonly PairResult[], one: string, other: string): string {
  const pair = pairs.find(({ first, second }) => isPair(first, second, one, other))!;
  return pair.winner === null ? `${one} ties with ${other}` : `${pair.winner} wins over ${one}`;
}
