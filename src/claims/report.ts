// A claim tested, as a document: the verdict, the published figures, then every study in full. Runs nothing.
import type { ReportDocument, ReportPart, ReportSection } from "../report/document.ts";
import type { ClaimText, StudiedClaim } from "./claim.ts";
import { judgedLine } from "./verdict.ts";

export interface ClaimReportRequest {
  readonly claim: ClaimText;
  readonly scale: string;
  readonly studies: readonly StudiedClaim[];
  readonly command: string;
}

export function claimReport({ claim, scale, studies, command }: ClaimReportRequest): ReportDocument {
  const [first] = studies;
  return {
    title: claim.title,
    // Whether the data are the user's comes first.
    notes: [...first!.notes.slice(0, 1), ...studies.flatMap((study) => verdictLines(claim, study))],
    facts: [
      ...studies.map(({ label, verdict, finished, runs }) => ({
        name: label,
        value: finished ? verdict.judgement : runs === 0 ? "not run" : "not finished",
      })),
      { name: "scale", value: scale },
    ],
    verdicts: studies.flatMap(({ label, verdicts }) =>
      verdicts.map(({ outcome, text }) => ({
        outcome,
        text: studies.length === 1 ? text : `${label}: ${text}`,
      })),
    ),
    sections: [
      publishedSection(claim),
      ...studies.flatMap(({ label, sections }) =>
        sections.map(({ heading, parts }) => ({
          heading: studies.length === 1 ? heading : `${heading}, ${label}`,
          parts,
        })),
      ),
    ],
    origin: [
      { name: "claim", value: `${claim.statement} ${claim.source}` },
      { name: "made by", value: command },
    ],
  };
}

/** The claim and the plain verdict of one study, a line each. */
export function verdictLines(
  { statement }: ClaimText,
  { label, verdict, finished, runs }: StudiedClaim,
): string[] {
  if (runs === 0) return [`not run (${label}): ${statement}`];
  return [
    `${finished ? "" : `so far, after ${runs} runs, `}${verdict.judgement} (${label}): ${statement}`,
    ...verdict.expectations.map(judgedLine),
  ];
}

function publishedSection({ published, caveats, source }: ClaimText): ReportSection {
  return {
    heading: "Published",
    parts: [
      { kind: "text", text: `${source}.` },
      { kind: "table", ...published },
      ...caveats.map((text): ReportPart => ({ kind: "text", text })),
    ],
  };
}
