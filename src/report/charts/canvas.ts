// What all charts share: a document to draw in without a browser, colours, symbols, lengths of labels. Knows no chart.

import { createHash } from "node:crypto";
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import type { ReportTable } from "../document.ts";
import { formatCount } from "../format.ts";
import { html, type Markup, trusted } from "../html.ts";
import { formatUnit, type Unit } from "../units.ts";
import type { Axis } from "./chart.ts";

/** A chart that is ready to be drawn at any width. */
export interface Drawing {
  /** SVG markup, `width` pixels wide. */
  readonly draw: (width: number) => string;
  readonly legend: readonly LegendEntry[];
  /** What is drawn, as rows; null for what has none. */
  readonly table: Pick<ReportTable, "columns" | "rows"> | null;
}

/** What a colour, a symbol or a dash stands for. */
export interface LegendEntry {
  readonly name: string;
  readonly key: Markup;
}

/** How something is told from its neighbours; by more than its colour, for those who see few. */
export interface Look {
  /** A CSS colour; pages set --series-1 to --series-8, --soft and --level. */
  readonly colour: string;
  readonly symbol: Plot.SymbolType | null;
  readonly dash: string | null;
}

const colours = 8;
const symbols: readonly Plot.SymbolType[] = [
  "circle",
  "square",
  "triangle",
  "diamond",
  "star",
  "wye",
  "cross",
];

/** The look of the i-th series: colours, then symbols, repeat, but no pair of them within 56. */
export function seriesLook(i: number): Look {
  return { colour: `var(--series-${(i % colours) + 1})`, symbol: symbols[i % symbols.length]!, dash: null };
}

/** What stands behind the others. */
export const backgroundLook: Look = { colour: "var(--soft)", symbol: null, dash: null };

/** A level to compare with. */
export const levelLook: Look = { colour: "var(--level)", symbol: null, dash: "9 3 2 3" };

const plotClip = /plot-clip-\d+/g;

/** SVG markup of a plot, `width` pixels wide. */
export function drawPlot(width: number, options: Plot.PlotOptions): string {
  const svg = plotOf(width, options).outerHTML;
  // Plot numbers its clips over the life of the process; the same chart is to be the same page.
  const clip = `clip-${createHash("sha256").update(svg.replaceAll(plotClip, "")).digest("hex").slice(0, 16)}`;
  return svg.replaceAll(plotClip, clip);
}

/** The plot itself, with its scales. */
export function plotOf(width: number, options: Plot.PlotOptions) {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  return Plot.plot({
    document,
    width,
    marginBottom: options.margin ?? 42,
    style: { fontSize: "12px", background: "none" },
    ...options,
  });
}

/** Ticks of a loss alone do not say what it is in. */
function axisLabel({ label, unit }: Axis): string {
  return unit === "nat" && !/\bnats?\b/.test(label) ? `${label}, nat` : label;
}

/** The options of an axis, with values or without. */
export function axisOptions(axis: Axis, hasValues: boolean, width: number): Plot.ScaleOptions {
  return {
    label: shorten(axisLabel(axis), Math.floor(width / 7.5)),
    type: axis.scale,
    // Without values Plot would have no domain to draw an axis for.
    ...(axis.domain === undefined && hasValues ? {} : { domain: axis.domain ?? [1, 10] }),
    tickFormat: tickFormats[axis.unit],
  };
}

/** d3 formats: ticks are round numbers, which need fewer digits than values do. */
export const tickFormats: Readonly<Record<Unit, string | ((value: number) => string)>> = {
  share: "~%",
  points: (value) => `${value > 0 ? "+" : ""}${Number((100 * value).toPrecision(6))}`.replace("-", "−"),
  percent: "~r",
  count: "~s",
  whole: ",",
  seconds: "~r",
  nat: "~r",
  number: "~r",
};

/** The name of a tick that stands at a value, which need not be round. */
export function tickName(value: number, unit: Unit): string {
  if (unit === "count") return formatCount(value);
  if (unit === "seconds") return String(Number(value.toPrecision(3)));
  return unit === "nat" ? String(Number(value.toPrecision(4))) : formatUnit(value, unit);
}

/** Whether a value lies on the part of the axis that is shown. */
export function isWithin({ domain }: Axis, value: number): boolean {
  return domain === undefined || (domain[0] <= value && value <= domain[1]);
}

/** Whether an axis has a place for a value. */
export function hasPlace(axis: Axis, value: number): boolean {
  return Number.isFinite(value) && (axis.scale === "linear" || value > 0);
}

/** A line with its symbol. */
export function lineEntry(name: string, { colour, symbol, dash }: Look): LegendEntry {
  const dashed = dash === null ? {} : { strokeDasharray: dash };
  return entry(name, [
    Plot.ruleY([1], { stroke: colour, strokeWidth: 2, ...dashed }),
    symbol === null ? null : Plot.dot([{ x: 1, y: 1 }], { x: "x", y: "y", symbol, fill: colour, r: 4.5 }),
  ]);
}

/** A field of a colour. */
export function colourEntry(name: string, colour: string): LegendEntry {
  return entry(name, [Plot.frame({ fill: colour, stroke: null })]);
}

function entry(name: string, marks: Plot.Markish[]): LegendEntry {
  const svg = drawPlot(28, {
    height: 14,
    margin: 0,
    axis: null,
    x: { domain: [0, 2] },
    y: { domain: [0, 2] },
    marks,
  });
  return { name, key: html`<span class="key" aria-hidden="true">${trusted(svg)}</span>` };
}

/** At most so many characters, the last one a sign that there were more. */
export function shorten(text: string, characters: number): string {
  const letters = [...text];
  return letters.length <= characters ? text : `${letters.slice(0, Math.max(1, characters - 1)).join("")}…`;
}
