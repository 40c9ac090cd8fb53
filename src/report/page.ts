// A report as one HTML file that needs nothing but itself. Knows the parts of a report, not what they are about.

import { createHash } from "node:crypto";
import type { Fact, ReportDocument, ReportPart, Verdict } from "./document.ts";
import { figureMarkup } from "./figure.ts";
import { html, type Markup, trusted } from "./html.ts";
import { sortingScript } from "./sorting.ts";
import { styles } from "./styles.ts";
import { factsMarkup, tableMarkup } from "./table.ts";

// Browsers load nothing from anywhere and run no script but ours.
const policy = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  "img-src data:",
  `script-src 'sha256-${createHash("sha256").update(sortingScript).digest("base64")}'`,
].join("; ");

/**
 * The report as a whole HTML page: offline, for light and dark screens and for phones, tables and figures downloadable as
 * CSV. Whatever stands in its texts is escaped.
 */
export function reportPage(report: ReportDocument): string {
  const { title, notes, facts, verdicts, sections, origin } = report;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${title} · Scantling</title>
<style>${trusted(styles)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${notes.map((note) => html`<p class="note">${note}</p>`)}
${verdicts.length === 0 ? "" : verdictMarkup(verdicts)}
${facts.length === 0 ? "" : tiles(facts)}
${sections.map(({ heading, parts }) => html`<section><h2>${heading}</h2>${parts.map(partMarkup)}</section>`)}
<footer>${origin.map(({ name, value }) => html`<p>${name} <code>${value}</code></p>`)}</footer>
</main>
<script>${trusted(sortingScript)}</script>
</body>
</html>
`.markup;
}

function verdictMarkup(verdicts: readonly Verdict[]): Markup {
  return html`<ul class="verdicts">${verdicts.map(({ outcome, word, text }) => html`<li><span class="mark ${outcome}">${word ?? outcome}</span> ${text}</li>`)}</ul>`;
}

function tiles(facts: readonly Fact[]): Markup {
  return html`<dl class="tiles">${facts.map(({ name, value }) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function partMarkup(part: ReportPart): Markup {
  switch (part.kind) {
    case "text":
      return html`<p>${part.text}</p>`;
    case "verbatim":
      return html`<pre>${part.text}</pre>`;
    case "facts":
      return factsMarkup(part.facts);
    case "table":
      return tableMarkup(part);
    case "figure":
      return figureMarkup(part);
    case "folded":
      return html`<details><summary>${part.title}</summary>${part.parts.map(partMarkup)}</details>`;
  }
}
