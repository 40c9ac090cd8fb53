// One training run as a page that needs nothing but itself. Plain data in, HTML out; knows not where the data come from.

import { isObject } from "../json.ts";
import { type LossCurve, lossChart } from "./chart.ts";
import { formatLoss } from "./format.ts";
import { html, type Markup, trusted } from "./html.ts";
import { styles } from "./styles.ts";

/** A number of a report, ready to be shown. */
export interface Figure {
  readonly name: string;
  readonly value: string;
}

/** All that the report of one run shows. */
export interface RunReport extends LossCurve {
  readonly name: string;
  /** How the run ended, in a few words: "finished", "interrupted at step 400". */
  readonly ending: string;
  /** What was typed to start it. */
  readonly command: string;
  /** SHA-256 of the resolved configuration. */
  readonly hash: string;
  /** The resolved configuration: plain JSON, nested as deep as it likes. */
  readonly configuration: Readonly<Record<string, unknown>>;
  /** What to read first, in this order. */
  readonly figures: readonly Figure[];
  /** Text the trained model wrote; absent where there was no model to ask. */
  readonly sample?: string | undefined;
  /** What modules, such as routers of experts, told last, by dotted name; absent where none did. */
  readonly statistics?: { readonly step: number; readonly values: readonly Figure[] } | undefined;
  /** What the reader should know, one line each. */
  readonly notes: readonly string[];
}

// Drawn twice and shown once, so that letters keep their size on a phone.
const wide = 760;
const narrow = 340;

/** The whole page. Every text in `report` is escaped. */
export function runPage(report: RunReport): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${report.name} · Scantling</title>
<style>${trusted(styles)}</style>
</head>
<body>
<main>
<h1>${report.name}</h1>
<p>${report.ending}</p>
${report.notes.map((note) => html`<p class="note">${note}</p>`)}
<dl class="figures">${report.figures.map(({ name, value }) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
<section>
<h2>Loss</h2>
<p class="legend">${legend(report)}</p>
<div class="wide">${trusted(lossChart(report, wide))}</div>
<div class="narrow">${trusted(lossChart(report, narrow))}</div>
</section>
${report.sample === undefined ? "" : html`<section><h2>Sample</h2><pre>${report.sample}</pre></section>`}
${report.statistics === undefined ? "" : html`<section><h2>Modules at step ${String(report.statistics.step)}</h2>${table(report.statistics.values)}</section>`}
<section>
<h2>Configuration</h2>
${table(flatten(report.configuration).map(([name, value]) => ({ name, value })))}
</section>
<footer>
<p>Command <code>${report.command}</code></p>
<p>Configuration SHA-256 <code>${report.hash}</code></p>
</footer>
</main>
</body>
</html>
`.markup;
}

function table(rows: readonly Figure[]): Markup {
  return html`<table><tbody>${rows.map(({ name, value }) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`)}</tbody></table>`;
}

function legend({ validation, optimum }: RunReport): Markup[] {
  const key = (kind: string, text: string) => html`<span><span class="key ${kind}"></span>${text}</span> `;
  const keys = [key("training", "training")];
  if (validation.length > 0) keys.push(key("validation", "validation"));
  if (optimum !== undefined) keys.push(key("optimum", `lowest possible, ${formatLoss(optimum)}`));
  return keys;
}

/** Nested settings as rows: `{ a: { b: 1 } }` becomes `a.b` 1. Long texts are cut. */
export function flatten(settings: Readonly<Record<string, unknown>>, prefix = ""): [string, string][] {
  return Object.entries(settings).flatMap(([key, value]): [string, string][] => {
    if (value === undefined) return [];
    if (isObject(value)) return flatten(value, `${prefix}${key}.`);
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return [[`${prefix}${key}`, text.length > 300 ? `${text.slice(0, 300)}…` : text]];
  });
}
