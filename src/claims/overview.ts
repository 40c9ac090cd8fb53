// Several claims on one page: a table of what came out, then every claim's own report, folded. Runs nothing.
import type { ReportDocument, ReportPart, ReportSection } from "../report/document.ts";
import type { ClaimText, StudiedClaim } from "./claim.ts";
import { claimReport, verdictLines } from "./report.ts";
import { decidableText, standingText } from "./verdict.ts";

/** A claim and what its studies say. */
export interface StudiedText {
  readonly claim: ClaimText;
  readonly studies: readonly StudiedClaim[];
}

export function claimsReport(tested: readonly StudiedText[], scale: string, command: string): ReportDocument {
  return {
    title: "Claims",
    notes: [...dataNotes(tested), ...countLine(tested)],
    facts: [],
    verdicts: [],
    sections: [overview(tested), ...tested.map((one) => claimSection(one, scale, command))],
    origin: [
      { name: "scale", value: scale },
      { name: "made by", value: command },
    ],
  };
}

/** "wide-or-deep, CompleteP: not decidable at this scale", a line for each study. */
export function summaryLines(tested: readonly StudiedText[]): string[] {
  return tested.flatMap(({ claim, studies }) =>
    studies.map((study) => `${claim.name}, ${study.label}: ${standing(study)}`),
  );
}

/** What each claim's first note says of its data, once for all claims of which it is the same. */
function dataNotes(tested: readonly StudiedText[]): string[] {
  const names = new Map<string, string[]>();
  for (const { claim, studies } of tested) {
    const note = studies[0]!.notes[0];
    if (note !== undefined) names.set(note, [...(names.get(note) ?? []), claim.name]);
  }
  return names.size === 1
    ? [...names.keys()]
    : [...names].map(([note, having]) => `${having.join(", ")}: ${note}`);
}

/** "Of 11 claims, study by study: 5 supported, 1 not supported, 6 not decidable at this scale." */
function countLine(tested: readonly StudiedText[]): string[] {
  const studies = tested.flatMap((one) => one.studies);
  const counts = new Map<string, number>();
  for (const study of studies) counts.set(standing(study), (counts.get(standing(study)) ?? 0) + 1);
  const said = [...counts].map(([what, count]) => `${count} ${what}`).join(", ");
  return [`Of ${tested.length} claims, study by study: ${said}.`];
}

function standing({ verdict, finished, runs }: StudiedClaim): string {
  return runs === 0 ? "not run" : standingText(verdict.judgement, finished);
}

function overview(tested: readonly StudiedText[]): ReportSection {
  const rows = tested.flatMap(({ claim, studies }) =>
    studies.flatMap((study) => {
      const { label, verdict, runs, finished } = study;
      const place = [claim.name, label];
      if (runs === 0) {
        // One that was refused judges nothing, and its note says why.
        const why = verdict.expectations.length === 0 ? (study.notes[0] ?? null) : null;
        return [[...place, claim.statement, standing(study), null, why]];
      }
      return verdict.expectations.map(({ text, judgement, reason, decidable }) => [
        ...[...place, text, standingText(judgement, finished)],
        ...[decidable === null ? null : decidableText(decidable), reason],
      ]);
    }),
  );
  return {
    heading: "What came out",
    parts: [
      {
        kind: "table",
        title: "Verdicts",
        note: "A row for everything that is judged of a claim, and the smallest difference that would have been decided.",
        columns: ["claim", "study", "what is judged", "verdict", "would have decided", "why"].map(
          (heading) => ({ heading }),
        ),
        rows,
      },
    ],
  };
}

/** Its verdicts, and its report under headings that open. */
function claimSection({ claim, studies }: StudiedText, scale: string, command: string): ReportSection {
  const { verdicts, sections } = claimReport({ claim, scale, studies, command });
  const text = (line: string): ReportPart => ({ kind: "text", text: line });
  return {
    heading: `${claim.name}: ${claim.title}`,
    parts: [
      ...studies.flatMap((study) => verdictLines(claim, study).map(text)),
      ...(verdicts.length === 0
        ? []
        : [
            folded(
              "Pairs",
              verdicts.map(({ outcome, word = outcome, text: said }) => text(`${word}: ${said}`)),
            ),
          ]),
      ...sections.map(({ heading, parts }) => folded(heading, parts)),
    ],
  };
}

const folded = (title: string, parts: readonly ReportPart[]): ReportPart => ({
  kind: "folded",
  title,
  parts,
});
