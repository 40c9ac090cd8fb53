// A figure as HTML: its chart at two widths (a picture once), legend, caption and the points as CSV. Knows no particular chart.

import { barDrawing } from "./charts/bars.ts";
import type { Drawing } from "./charts/canvas.ts";
import type { Chart } from "./charts/chart.ts";
import { curveDrawing } from "./charts/curves.ts";
import { forestDrawing } from "./charts/forest.ts";
import { heatMapDrawing } from "./charts/heatMap.ts";
import { scatterDrawing } from "./charts/scatter.ts";
import type { ReportFigure } from "./document.ts";
import { html, type Markup, trusted } from "./html.ts";
import { downloadLink } from "./table.ts";

// Drawn twice and shown once, so that letters keep their size on a phone.
const wide = 760;
const narrow = 340;

export function figureMarkup(figure: ReportFigure): Markup {
  const { title, description, data, seeds, convention, chart } = figure;
  const { draw, legend, table } = drawingOf(chart);
  const picture = (width: number) =>
    html`<div role="img" aria-label="${description}">${trusted(draw(width))}</div>`;
  // "seeds 1 to 3" follows a name that says so already.
  const named = { Data: data, Seeds: seeds.replace(/^seeds? (?=\d)/, ""), Convention: convention };
  const told = Object.entries(named).filter(([, text]) => text !== "");
  // What is SVG already is the same at every width; a narrow screen moves over it.
  const pictures =
    chart.kind === "picture"
      ? html`<div class="scroll" tabindex="0" role="region" aria-label="${title}">${picture(wide)}</div>`
      : html`<div class="wide">${picture(wide)}</div>
<div class="narrow">${picture(narrow)}</div>`;
  return html`<figure>
<h3>${title}</h3>
<p class="legend">${legend.map(({ name, key }) => html`<span>${key}${name}</span> `)}</p>
${pictures}
<figcaption>${description} ${told.map(([name, text]) => html`<span class="told"><strong>${name}</strong> ${text}.</span> `)}${table === null ? "" : downloadLink(title, table)}</figcaption>
</figure>`;
}

function drawingOf(chart: Chart): Drawing {
  switch (chart.kind) {
    case "curves":
      return curveDrawing(chart);
    case "heat map":
      return heatMapDrawing(chart);
    case "forest":
      return forestDrawing(chart);
    case "scatter":
      return scatterDrawing(chart);
    case "bars":
      return barDrawing(chart);
    case "picture":
      return { draw: () => pictureMarkup(chart.svg), legend: [], table: null };
  }
}

/** As an image, so that its style and whatever else it holds stay its own. */
function pictureMarkup(svg: string): string {
  return html`<img alt="" src="data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}">`.markup;
}
