// Tables as HTML: headings that sort, intervals, marks, and the same rows as CSV. Knows nothing of what they are about.

import { csvFileName, tableCsv } from "./csv.ts";
import type { Cell, Fact, ReportTable } from "./document.ts";
import { type Content, html, type Markup } from "./html.ts";
import { formatInterval, formatUnit, type Unit } from "./units.ts";

/** A table in a frame of its own that scrolls sideways where it is too wide, with its download. */
export function tableMarkup(table: ReportTable): Markup {
  const { title, note, columns, rows } = table;
  return html`<div class="table">
<div class="scroll" tabindex="0" role="region" aria-label="${title}"><table class="sortable">
<caption><span class="title">${title}</span></caption>
<thead><tr>${columns.map(({ heading }, c) => html`<th scope="col"${isNumeric(table, c) ? html` class="number"` : ""}><button type="button">${headingMarkup(heading)}</button></th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell, c) => cellMarkup(cell, columns[c]!.unit ?? "number", { isFirst: c === 0, isNumeric: isNumeric(table, c) }))}</tr>`)}</tbody>
</table></div>
<p class="note">${note} ${downloadLink(title, table)}</p>
</div>`;
}

/** A link to the rows as a CSV file, which the page itself holds. */
export function downloadLink(title: string, table: Pick<ReportTable, "columns" | "rows">): Markup {
  // The mark before it tells spreadsheets that it is UTF-8.
  const content = `data:text/csv;charset=utf-8,%EF%BB%BF${encodeURIComponent(wellFormed(tableCsv(table)))}`;
  return html`<a class="download" download="${csvFileName(title)}" href="${content}" aria-label="CSV of ${title}">CSV</a>`;
}

/** Half characters, of which an address cannot be made, are replaced. */
function wellFormed(text: string): string {
  return Buffer.from(text, "utf8").toString("utf8");
}

/** Names and values under each other. */
export function factsMarkup(facts: readonly Fact[]): Markup {
  return html`<table class="facts"><tbody>${facts.map(({ name, value }) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`)}</tbody></table>`;
}

const LONGEST_LINE = 14;

/** A longer heading on two lines as equal as can be: on more of them it would push the others away from what is above. */
function headingMarkup(heading: string): Content {
  if (heading.length <= LONGEST_LINE) return heading;
  const words = heading.split(" ");
  const splits = words
    .slice(1)
    .map((_, i) => [words.slice(0, i + 1).join(" "), words.slice(i + 1).join(" ")] as const);
  const [best] = splits.sort((a, b) => longest(a) - longest(b));
  return best === undefined ? heading : html`${best[0]} <br>${best[1]}`;
}

const longest = (lines: readonly string[]): number => Math.max(...lines.map(({ length }) => length));

/** Where a cell stands. */
interface CellPlace {
  readonly isFirst: boolean;
  /** Whether its column holds numbers. */
  readonly isNumeric: boolean;
}

function cellMarkup(cell: Cell, unit: Unit, { isFirst, isNumeric }: CellPlace): Markup {
  if (isFirst)
    return html`<th scope="row">${typeof cell === "string" ? cell : numberMarkup(cell, unit)}</th>`;
  if (typeof cell === "string") return html`<td><span class="words">${cell}</span></td>`;
  // A dash stands where its heading does.
  if (cell === null && !isNumeric) return html`<td>${numberMarkup(cell, unit)}</td>`;
  const value = typeof cell === "object" ? cell?.value : cell;
  return html`<td class="number" data-value="${value ?? ""}">${numberMarkup(cell, unit)}</td>`;
}

function numberMarkup(cell: Exclude<Cell, string>, unit: Unit): Content {
  if (cell === null) return "–";
  if (typeof cell === "number") return formatUnit(cell, unit);
  const { value, interval, mark } = cell;
  const own = cell.unit ?? unit;
  return [
    html`<span class="value">${formatUnit(value, own)}</span>`,
    mark === undefined ? "" : html` <span class="mark ${mark}">${mark}</span>`,
    interval === undefined ? "" : html` <span class="interval">${formatInterval(interval, own)}</span>`,
  ];
}

/** Whether a column holds numbers; such stand on the right. */
function isNumeric({ rows }: ReportTable, column: number): boolean {
  return column > 0 && rows.some((row) => row[column] !== null && typeof row[column] !== "string");
}
