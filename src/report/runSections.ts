// Sections of a report about many runs: each of them, and those that failed. Knows no study.
import type { ReportSection, ReportTable } from "./document.ts";

/** More rows than these are shown when they are asked for: on a phone each takes some lines. */
const MOST_SHOWN = 24;

export function runsSection({ columns, rows }: Pick<ReportTable, "columns" | "rows">): ReportSection {
  const note = "A dash: out of bounds, failed or not run.";
  const table: ReportTable = { kind: "table", title: "Runs", note, columns, rows };
  if (rows.length <= MOST_SHOWN) return { heading: "Runs", parts: [table] };
  return { heading: "Runs", parts: [{ kind: "folded", title: `All ${rows.length} runs`, parts: [table] }] };
}

/** None where no run failed. */
export function failureSections(
  failures: readonly { readonly run: string; readonly reason: string }[],
): ReportSection[] {
  if (failures.length === 0) return [];
  const parts = failures.map(({ run, reason }) => ({ kind: "text", text: `${run}: ${reason}` }) as const);
  return [{ heading: "Runs that failed", parts }];
}
