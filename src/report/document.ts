// What a report is made of, as plain data: facts, verdicts, tables and figures in sections. Knows no HTML, no run, no task.

import type { Chart } from "./charts/chart.ts";
import type { Outcome } from "./outcome.ts";
import type { Unit } from "./units.ts";

/** A number of a report, ready to be shown. */
export interface Fact {
  readonly name: string;
  readonly value: string;
}

/** One sentence of the summary: "attention beats mamba on in-context-recall by 3.1 points [1.0, 5.2]". */
export interface Verdict {
  readonly outcome: Outcome;
  /** What its mark says where nothing was held against another: "stays". Default: the outcome. */
  readonly word?: string | undefined;
  readonly text: string;
}

/** A measured value with its interval, absent where one value alone is known. */
export interface ReportEstimate {
  readonly value: number;
  readonly interval?: readonly [low: number, high: number] | undefined;
  /** Of a column whose rows are of different things, such as tokens and seconds; default: that of the column. */
  readonly unit?: Unit | undefined;
  /** How it stands in its row or column: the best, a tie with the best, or not yet told apart from it. */
  readonly mark?: "best" | "tie" | "undecided" | undefined;
}

/** Null where there is nothing: not run, or not asked. */
export type Cell = string | number | ReportEstimate | null;

/** A column of a table; its numbers share a unit. */
export interface Column {
  readonly heading: string;
  /** `number` by default; of no meaning to texts. */
  readonly unit?: Unit | undefined;
}

/** Rows under headings, downloadable as CSV with all digits. The first cell of a row says what the row is about. */
export interface ReportTable {
  readonly kind: "table";
  /** What it shows; the name of its CSV file is made of it. */
  readonly title: string;
  /** What the reader must know to read it, such as which intervals these are; "" for nothing. */
  readonly note: string;
  readonly columns: readonly Column[];
  /** As many cells each as there are columns. */
  readonly rows: readonly (readonly Cell[])[];
}

/** A chart with what has to be known about it; its points are downloadable as CSV. */
export interface ReportFigure {
  readonly kind: "figure";
  readonly title: string;
  /** What is to be seen in it, in words; also read out instead of the picture. */
  readonly description: string;
  /** The data it rests on: "in-context-recall, test split, 1,280 items"; "" where nothing was measured. */
  readonly data: string;
  /** Its seeds: "seeds 1 to 3"; "" where there are none. */
  readonly seeds: string;
  /** How things are counted: "95 % intervals over seeds; FLOPs of matrix products, forward and backward". */
  readonly convention: string;
  readonly chart: Chart;
}

/** One piece of a section. */
export type ReportPart =
  | ReportTable
  | ReportFigure
  | { readonly kind: "text"; readonly text: string }
  /** Shown letter by letter, line by line: a sample, a configuration, a picture of an example. */
  | { readonly kind: "verbatim"; readonly text: string }
  /** Names and values, not worth a table. */
  | { readonly kind: "facts"; readonly facts: readonly Fact[] }
  /** Parts that are shown when their title is clicked. */
  | { readonly kind: "folded"; readonly title: string; readonly parts: readonly ReportPart[] };

/** Parts under a heading. */
export interface ReportSection {
  readonly heading: string;
  readonly parts: readonly ReportPart[];
}

/** All that a report shows, in this order. Every text may be anything: it is escaped. */
export interface ReportDocument {
  readonly title: string;
  /** Caveats and notes, a line each: what must be known before the first number. */
  readonly notes: readonly string[];
  /** What to read first. */
  readonly facts: readonly Fact[];
  readonly verdicts: readonly Verdict[];
  readonly sections: readonly ReportSection[];
  /** Where it comes from: the command, a hash. */
  readonly origin: readonly Fact[];
}
