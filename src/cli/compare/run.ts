// What `scantling compare` does: has runs compared, writes the report, prints what came out.

import { formatAccuracy, formatLoss } from "../../report/format.ts";
import { reportPage } from "../../report/page.ts";
import { comparisonReport } from "../../trial/compareReport.ts";
import { compareRuns } from "../../trial/compareRuns.ts";
import { pairLine } from "../../trial/words.ts";
import type { Console } from "../console.ts";
import { prepareOutput } from "../output.ts";
import type { CompareOptions } from "./command.ts";

/** @returns the exit code */
export function compare(
  folders: readonly string[],
  { margin, out, force = false, json }: CompareOptions,
  console: Console,
  commandLine: readonly string[],
): number {
  const write = prepareOutput(out, force);
  const comparison = compareRuns(folders, margin);
  write(reportPage(comparisonReport(comparison, commandLine.join(" "))));
  const { runs, pairs, notes } = comparison;
  if (json) {
    console.out(`${JSON.stringify({ ...comparison, report: out })}\n`);
    return 0;
  }
  const width = Math.max(...runs.map(({ folder }) => folder.length));
  const lines = [
    ...notes,
    ...runs.map(({ folder, loss, accuracies }) => {
      const last = accuracies.at(-1);
      const right = last === undefined ? "" : `, accuracy ${formatAccuracy(last.accuracy)}`;
      return `${folder.padEnd(width)}  ${loss === null ? "no loss" : `loss ${formatLoss(loss)}`}${right}`;
    }),
    ...pairs.map(pairLine),
    `report: ${out}`,
  ];
  console.out(`${lines.join("\n")}\n`);
  return 0;
}
