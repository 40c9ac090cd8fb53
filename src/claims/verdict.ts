// What evidence says of a claim: its expectations judged one by one, then all together. Knows no study.

/** What the evidence says of a claim. */
export type Judgement = "supported" | "not supported" | "not decidable at this scale";

/** One expectation, judged. */
export interface Judged {
  readonly text: string;
  readonly judgement: Judgement;
  /** Why, in a line. */
  readonly reason: string;
  /** The smallest difference that would have been decided; null where nothing is known of the spread. */
  readonly decidable: { readonly value: number; readonly unit: string } | null;
}

/** A claim in the light of one study. */
export interface ClaimVerdict {
  readonly judgement: Judgement;
  readonly expectations: readonly Judged[];
}

/**
 * Supported: every expectation is met. Not supported: one surely is not. Otherwise what is undecided decides nothing.
 * @param expectations one or more
 */
export function verdictOf(expectations: readonly Judged[]): ClaimVerdict {
  return { judgement: together(expectations.map(({ judgement }) => judgement)), expectations };
}

/** What several judgements come to, by the same rule. @param judgements one or more */
export function together(judgements: readonly Judgement[]): Judgement {
  if (judgements.every((one) => one === "supported")) return "supported";
  return judgements.includes("not supported") ? "not supported" : "not decidable at this scale";
}

/** "not supported: the middle beats both ends: 1 × 128 wins over 4 × 64. A difference of 0.01 nat or more would …" */
export function judgedLine({ text, judgement, reason, decidable }: Judged): string {
  const least =
    decidable === null ? "" : ` A difference of ${decidableText(decidable)} or more would have been decided.`;
  return `${judgement}: ${text}: ${reason}.${least}`;
}

/** "supported", or "so far supported" of a study that is not finished. */
export function standingText(judgement: Judgement, finished: boolean): string {
  return `${finished ? "" : "so far "}${judgement}`;
}

/** "0.0100 nat" */
export function decidableText({ value, unit }: NonNullable<Judged["decidable"]>): string {
  return `${value.toFixed(4)} ${unit}`;
}
