// A claim tested, as a document: the verdict, the published figures, then every study in full. Runs nothing.
import type { ReportDocument, ReportPart, ReportSection } from "../report/document.ts";
import { trialSections } from "../trial/report.ts";
import type { TrialResult } from "../trial/result.ts";
import { noteLines, pairText } from "../trial/words.ts";
import type { Claim } from "./claim.ts";
import type { ClaimVerdict } from "./judge.ts";

/** A study of a claim and what it says. */
export interface StudiedClaim {
  readonly label: string;
  readonly result: TrialResult;
  readonly verdict: ClaimVerdict;
}

export interface ClaimReportRequest {
  readonly claim: Claim;
  readonly scale: string;
  readonly studies: readonly StudiedClaim[];
  readonly command: string;
}

export function claimReport({ claim, scale, studies, command }: ClaimReportRequest): ReportDocument {
  const [first] = studies;
  return {
    title: claim.title,
    // Whether the data are the user's comes first.
    notes: [
      ...noteLines(first!.result).slice(0, 1),
      ...studies.flatMap((study) => verdictLines(claim, study)),
    ],
    facts: [
      ...studies.map(({ label, verdict }) => ({ name: label, value: verdict.judgement })),
      { name: "scale", value: scale },
    ],
    verdicts: studies.flatMap(({ label, result }) =>
      result.pairs.map((pair) => ({
        outcome: pair.verdict,
        text: studies.length === 1 ? pairText(pair) : `${label}: ${pairText(pair)}`,
      })),
    ),
    sections: [
      publishedSection(claim),
      ...studies.flatMap((study) => studySections(study, studies.length > 1)),
    ],
    origin: [
      { name: "claim", value: `${claim.statement} ${claim.source}` },
      { name: "made by", value: command },
    ],
  };
}

/** Several claims on one page. */
export function claimsReport(
  tested: readonly { readonly claim: Claim; readonly studies: readonly StudiedClaim[] }[],
  scale: string,
  command: string,
): ReportDocument {
  const pages = tested.map(({ claim, studies }) => ({
    claim,
    ...claimReport({ claim, scale, studies, command }),
  }));
  return {
    title: "Claims",
    notes: pages.flatMap(({ claim, notes }, place) => [
      ...(place === 0 ? notes.slice(0, 1) : []),
      ...notes.slice(1).map((note) => `${claim.name}: ${note}`),
    ]),
    facts: pages.flatMap(({ claim, facts }) =>
      facts.slice(0, -1).map(({ name, value }) => ({ name: `${claim.name}, ${name}`, value })),
    ),
    verdicts: pages.flatMap(({ claim, verdicts }) =>
      verdicts.map(({ outcome, text }) => ({ outcome, text: `${claim.name}: ${text}` })),
    ),
    sections: pages.flatMap(({ claim, sections }) =>
      sections.map(({ heading, parts }) => ({ heading: `${claim.title}: ${heading}`, parts })),
    ),
    origin: [{ name: "made by", value: command }],
  };
}

/** The claim and the plain verdict of one study, a line each. */
export function verdictLines({ statement }: Claim, { label, verdict, result }: StudiedClaim): string[] {
  const { finished, spent } = result;
  const { judgement, expectations, decidable } = verdict;
  const least =
    decidable === null ? "" : ` A difference of ${decidable.toFixed(4)} nat or more would have been decided.`;
  return [
    `${finished ? "" : `so far, after ${spent.runs} runs, `}${judgement} (${label}): ${statement}${least}`,
    ...expectations.map(({ text, judgement: own, reason }) => `${own}: ${text}: ${reason}.`),
  ];
}

function publishedSection({ published, caveats, source }: Claim): ReportSection {
  return {
    heading: "Published",
    parts: [
      { kind: "text", text: `${source}.` },
      { kind: "table", ...published },
      ...caveats.map((text): ReportPart => ({ kind: "text", text })),
    ],
  };
}

function studySections({ label, result }: StudiedClaim, named: boolean): ReportSection[] {
  const about: ReportPart[] = noteLines(result)
    .slice(1)
    .map((text) => ({ kind: "text", text }));
  return trialSections(result).map(({ heading, parts }, place) => ({
    heading: named ? `${heading}, ${label}` : heading,
    parts: place === 0 ? [...about, ...parts] : parts,
  }));
}
