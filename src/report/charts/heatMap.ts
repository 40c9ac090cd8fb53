// A heat map: a coloured cell for every pair, with its number where that fits. Knows no arm and no task.

import * as Plot from "@observablehq/plot";
import type { Cell } from "../document.ts";
import { formatUnit, type Unit } from "../units.ts";
import { colourEntry, type Drawing, drawPlot, shorten } from "./canvas.ts";
import type { HeatMap } from "./chart.ts";

const letter = 6.8;
const cellHeight = 30;
const steps = 5;

export function heatMapDrawing(chart: HeatMap): Drawing {
  const { rows, columns, values, unit, domain, rowHeading = "name" } = chart;
  const [low, high] = domain;
  const colourOf = colours(domain);
  return {
    draw: (width) => draw(chart, width),
    legend: Array.from({ length: steps }, (_, i) => {
      const value = low + ((high - low) * i) / (steps - 1);
      return colourEntry(formatUnit(value, unit), colourOf(value));
    }),
    table: {
      columns: [{ heading: rowHeading }, ...columns.map((heading) => ({ heading, unit }))],
      rows: rows.map((name, r): Cell[] => [name, ...columns.map((_, c) => values[r]?.[c] ?? null)]),
    },
  };
}

function draw({ rows, columns, values, unit, domain }: HeatMap, width: number): string {
  const isWide = width > 500;
  const label = (text: string, most: number) => shorten(text, most);
  const [rowLetters, columnLetters] = isWide ? [30, 26] : [15, 20];
  const longest = (names: readonly string[], most: number) =>
    Math.max(1, ...names.map((name) => [...name].length).map((size) => Math.min(size, most)));
  const marginLeft = Math.ceil(longest(rows, rowLetters) * letter) + 10;
  const cellWidth = (width - marginLeft - 4) / Math.max(1, columns.length);
  const isTurned = longest(columns, columnLetters) * letter > cellWidth - 4;
  const marginTop = isTurned ? Math.ceil(longest(columns, columnLetters) * letter) + 12 : 24;
  const cells = rows.flatMap((row, r) =>
    columns.flatMap((column, c) => {
      const value = values[r]?.[c];
      if (value === undefined || value === null || !Number.isFinite(value)) return [];
      const fill = colours(domain)(value);
      const title = `${row}, ${column}: ${formatUnit(value, unit)}`;
      return [{ r, c, fill, title, ink: inkOn(fill), text: fitting(value, unit, cellWidth) }];
    }),
  );
  return drawPlot(width, {
    height: marginTop + rows.length * cellHeight + 4,
    marginLeft,
    marginTop,
    marginRight: 4,
    marginBottom: 4,
    // Places, not names: two of the same name, or shortened to the same one, stay two.
    x: {
      type: "band",
      domain: columns.map((_, c) => c),
      axis: "top",
      tickSize: 0,
      label: null,
      tickFormat: (c: number) => label(columns[c]!, columnLetters),
      tickRotate: isTurned ? -90 : 0,
      padding: 0.04,
    },
    y: {
      type: "band",
      domain: rows.map((_, r) => r),
      tickSize: 0,
      label: null,
      tickFormat: (r: number) => label(rows[r]!, rowLetters),
      padding: 0.06,
    },
    marks: [
      Plot.cell(cells, {
        x: "c",
        y: "r",
        fill: (cell: { fill: string }) => cell.fill,
        title: "title",
        rx: 2,
      }),
      ...["black", "white"].map((ink) =>
        Plot.text(
          cells.filter((cell) => cell.ink === ink),
          { x: "c", y: "r", text: "text", fill: ink },
        ),
      ),
    ],
    color: { type: "identity" },
  });
}

/** From dark blue to yellow, the same order for all kinds of colour vision (Nuñez, Anderton and Renslow 2018). */
function colours(domain: readonly [number, number]): (value: number) => string {
  const scale = Plot.scale({
    color: { type: "linear", scheme: "cividis", domain: [...domain], clamp: true },
  });
  return (value) => String(scale.apply(value));
}

/** Black or white, whichever is told better from the colour (WCAG 2.2, relative luminance). */
function inkOn(colour: string): "black" | "white" {
  const [red, green, blue] = (colour.match(/[\d.]+/g) ?? []).map(Number).map((level) => {
    const share = level / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0);
  return luminance > 0.179 ? "black" : "white";
}

/** The number as exactly as the cell has room for it. */
function fitting(value: number, unit: Unit, room: number): string {
  const short = unit === "share" ? String(Math.round(100 * value)) : String(Number(value.toPrecision(2)));
  return [formatUnit(value, unit), short].find((text) => text.length * letter <= room - 4) ?? "";
}
