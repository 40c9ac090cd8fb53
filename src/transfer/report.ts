// A measurement of transfer as a document: verdicts, a table and valleys of loss over the rate for every series. Runs nothing.
import type { ReportDocument, ReportSection, Verdict } from "../report/document.ts";
import { failureSections } from "../report/runSections.ts";
import type { Coordinate } from "../train/coordinates.ts";
import { slopeRange } from "../train/coordinates.ts";
import type { SeriesResult, TransferResult } from "./result.ts";

/** A coordinate check under one parametrisation. */
export interface CheckResult {
  readonly parametrisation: string;
  readonly widths: readonly number[];
  readonly coordinates: readonly Coordinate[];
}

export interface TransferFindings {
  /** Null: only the check was asked for. */
  readonly result: TransferResult | null;
  readonly checks: readonly CheckResult[];
  readonly data: string;
  readonly command: string;
  readonly hash: string;
}

// No pair is compared here: the colours are those of what is decided, and the words its own.
const marks = {
  stays: { outcome: "tie", word: "stays" },
  moves: { outcome: "win", word: "moves" },
  edge: { outcome: "undecided", word: "not known" },
  unfinished: { outcome: "undecided", word: "unfinished" },
} as const satisfies Readonly<Record<SeriesResult["verdict"], Omit<Verdict, "text">>>;

export function transferReport({ result, checks, data, command, hash }: TransferFindings): ReportDocument {
  return {
    title: "Transfer of the learning rate",
    notes: [
      "Losses are means over validation tokens and seeds, in nats. One step of the grid is the next rate up or down.",
    ],
    facts: [],
    verdicts: (result?.series ?? []).map(({ verdict, text }) => ({ ...marks[verdict], text })),
    sections: [
      ...(result === null ? [] : result.series.map((series) => seriesSection(series, result, data))),
      ...checks.map(checkSection),
      ...failureSections(result?.failures ?? []),
    ],
    origin: [
      { name: "made by", value: command },
      { name: "request", value: hash },
    ],
  };
}

/** In one line. */
export function checkText({ parametrisation, widths, coordinates }: CheckResult): string {
  const range = slopeRange(coordinates);
  const about = `coordinate check, ${parametrisation}, widths ${widths.join(", ")}`;
  if (range === undefined) return `${about}: nothing moves`;
  const { least, most } = range;
  const at = (one: typeof least) => `${one.slope.toFixed(2)} (${one.name}, step ${one.step})`;
  return `${about}: slopes of log change against log width from ${at(least)} to ${at(most)}`;
}

function seriesSection(
  { axis, parametrisation, sizes, text }: SeriesResult,
  { rates, seeds, steps }: TransferResult,
  data: string,
): ReportSection {
  const title = `${parametrisation} over ${axis}`;
  return {
    heading: title,
    parts: [
      { kind: "text", text },
      {
        kind: "table",
        title: `Losses, ${title}`,
        note: "A column for each learning rate: means over seeds, the lowest of each row marked. A dash: out of bounds, failed or not run.",
        columns: [
          { heading: axis },
          ...rates.map((rate) => ({ heading: rate.toPrecision(3), unit: "nat" as const })),
        ],
        rows: sizes.map(({ size, losses, best }) => [
          String(size),
          ...losses.map((loss, i) =>
            loss === null ? null : i === best ? { value: loss, mark: "best" as const } : loss,
          ),
        ]),
      },
      {
        kind: "figure",
        title: `Loss over the rate, ${title}`,
        description: `Validation loss after ${steps} steps over the learning rate, a curve for each ${axis}.`,
        data,
        seeds: `seeds ${seeds.join(", ")}`,
        convention: "means over seeds",
        chart: {
          kind: "curves",
          x: { label: "learning rate", unit: "number", scale: "log" },
          y: { label: "validation loss", unit: "nat", scale: "linear" },
          series: sizes.map(({ size, losses }) => ({
            name: `${axis} ${size}`,
            points: losses.flatMap((loss, i) => (loss === null ? [] : [{ x: rates[i]!, y: loss }])),
          })),
          levels: [],
        },
      },
    ],
  };
}

function checkSection(check: CheckResult): ReportSection {
  const { parametrisation, widths, coordinates } = check;
  return {
    heading: `Coordinate check, ${parametrisation}`,
    parts: [
      { kind: "text", text: checkText(check) },
      {
        kind: "table",
        title: `Changes of activations, ${parametrisation}`,
        note: "Mean |change since the first values| over elements and seeds; slope of its logarithm against that of the width.",
        columns: [
          { heading: "activation" },
          { heading: "step", unit: "whole" as const },
          ...widths.map((width) => ({ heading: `width ${width}` })),
          { heading: "slope" },
        ],
        rows: coordinates.map(({ name, step, change, slope }) => [name, step, ...change, slope]),
      },
    ],
  };
}
