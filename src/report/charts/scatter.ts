// Labelled points and the straight line through them. Knows nothing of what they are.

import * as Plot from "@observablehq/plot";
import type { Cell } from "../document.ts";
import { axisOptions, type Drawing, drawPlot, hasPlace, plotOf, shorten } from "./canvas.ts";
import type { ScatterPlot } from "./chart.ts";
import { isFar, placeLabels } from "./labels.ts";

const leastForLine = 3;
const [marginLeft, marginBottom] = [52, 42];

export function scatterDrawing(chart: ScatterPlot): Drawing {
  const { x, y, points } = chart;
  return {
    draw: (width) => draw(chart, width),
    legend: [],
    table: {
      columns: [{ heading: "name" }, { heading: x.label, unit: x.unit }, { heading: y.label, unit: y.unit }],
      rows: points.map((point): Cell[] => [point.label, point.x, point.y]),
    },
  };
}

function draw({ x, y, points, regression }: ScatterPlot, width: number): string {
  const drawn = points
    .filter((point) => hasPlace(x, point.x) && hasPlace(y, point.y))
    .map((point) => ({ ...point, label: shorten(point.label, width > 500 ? 28 : 16) }));
  const xs = drawn.map((point) => point.x);
  const at = { x: "x", y: "y" };
  const marks: Plot.Markish[] = [];
  const isLinear = x.scale === "linear" && y.scale === "linear";
  // One place of x alone has no line, and two points no band.
  if (regression && isLinear && drawn.length >= leastForLine && new Set(xs).size > 1) {
    marks.push(
      Plot.linearRegressionY(drawn, {
        ...at,
        stroke: "var(--series-2)",
        fill: "var(--series-2)",
        fillOpacity: 0.14,
        clip: true,
      }),
    );
  }
  marks.push(Plot.dot(drawn, { ...at, fill: "var(--series-1)", r: 4.5, title: "label" }));
  const height = Math.round(Math.min(width * 0.8, 420));
  const options: Plot.PlotOptions = {
    ...{ height, marginTop: 30, marginLeft, marginRight: 24, marginBottom },
    x: {
      ...axisOptions(x, drawn.length > 0, width),
      ticks: Math.max(3, Math.floor(width / 110)),
      grid: true,
      inset: 16,
    },
    y: { ...axisOptions(y, drawn.length > 0, width), ticks: 6, grid: true, inset: 16 },
  };
  const plot = plotOf(width, { ...options, marks });
  const [across, down] = [plot.scale("x")!, plot.scale("y")!];
  const pixels = drawn.map((point) => ({
    label: point.label,
    x: Number(across.apply(point.x)),
    y: Number(down.apply(point.y)),
  }));
  // Beside the names of ticks, not on them.
  const bounds = { left: marginLeft, right: width, top: 16, bottom: height - marginBottom };
  const labels = placeLabels(pixels, bounds).flatMap((place, i): Plot.Markish[] => {
    const { dx, dy, textAnchor } = place;
    const [one, pixel] = [drawn[i]!, pixels[i]!];
    const end = { x: across.invert!(pixel.x + dx), y: down.invert!(pixel.y + dy - 7 * Math.sign(dy)) };
    const leader = Plot.line([one, end], { ...at, stroke: "currentColor", strokeOpacity: 0.4 });
    const text = Plot.text([one], { ...at, text: "label", dx, dy, textAnchor, fill: "currentColor" });
    return isFar(place) ? [leader, text] : [text];
  });
  return drawPlot(width, { ...options, marks: [...marks, ...labels] });
}
