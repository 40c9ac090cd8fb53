// Differences of pairs of arms with their intervals, as a figure of a report. Compares nothing.
import type { ReportFigure } from "../report/document.ts";
import type { Unit } from "../report/units.ts";
import type { PairResult } from "./pairResult.ts";

/** What they are in, and of what. */
export interface DifferencesAbout extends Pick<ReportFigure, "title" | "description" | "data" | "seeds"> {
  readonly label: string;
  readonly unit: Unit;
}

export function differenceFigure(
  pairs: readonly PairResult[],
  { label, unit, ...about }: DifferencesAbout,
): ReportFigure {
  return {
    ...{ kind: "figure", ...about },
    convention: "95 % intervals over seeds that hold for all pairs at once",
    chart: {
      kind: "forest",
      x: { label, unit, scale: "linear" },
      equal: 0,
      rows: pairs.flatMap(({ first, second, difference, interval, verdict }) =>
        difference === null || interval === null
          ? []
          : [{ label: `${first} - ${second}`, value: difference, interval, outcome: verdict }],
      ),
    },
  };
}
