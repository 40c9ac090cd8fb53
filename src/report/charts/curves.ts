// Curves with bands over a number, as Plot draws them. Knows no run and no task.

import * as Plot from "@observablehq/plot";
import type { Cell } from "../document.ts";
import {
  axisOptions,
  backgroundLook,
  type Drawing,
  drawPlot,
  hasPlace,
  isWithin,
  levelLook,
  lineEntry,
  seriesLook,
  tickName,
} from "./canvas.ts";
import type { Axis, CurveChart, CurvePoint, Series } from "./chart.ts";

// More points than these are not seen and make the page heavy.
const mostPoints = 400;
// Symbols tell lines apart; on each point of a long line they would cover it.
const mostSymbols = 8;
const [marginLeft, marginRight] = [52, 24];
const mostNamedTicks = 10;
const letterWidth = 6.8;
// Between the names of ticks, in pixels.
const leastGap = 8;

export function curveDrawing(chart: CurveChart): Drawing {
  const looks = looksOf(chart.series);
  return {
    draw: (width) => draw(chart, width),
    legend: [
      ...chart.series.flatMap(({ name, kind }, i) => {
        if (kind === undefined) return [lineEntry(name, looks[i]!)];
        const isFirst = chart.series.findIndex((other) => other.kind === kind) === i;
        return isFirst ? [lineEntry(kind, looks[i]!)] : [];
      }),
      ...chart.levels.map(({ name }) => lineEntry(name, levelLook)),
    ],
    table: tableOf(chart),
  };
}

/** Those in the background take no colour away from the others. */
function looksOf(series: readonly Series[]) {
  return series.map(({ background }, i) =>
    background ? backgroundLook : seriesLook(series.slice(0, i).filter((other) => !other.background).length),
  );
}

function draw({ x, y, series, levels }: CurveChart, width: number): string {
  const looks = looksOf(series);
  const drawn = series.map(({ name, points, background }, i) => ({
    name,
    look: looks[i]!,
    isBackground: background === true,
    points: thin(points.filter((point) => hasPlace(x, point.x) && hasPlace(y, point.y))),
  }));
  // What is in the background is painted first.
  const ordered = [
    ...drawn.filter(({ isBackground }) => isBackground),
    ...drawn.filter((one) => !one.isBackground),
  ];
  const level = levels.filter((one) => hasPlace(y, one.y)).map((one) => one.y);
  const marks: Plot.Markish[] = level.map((value) =>
    Plot.ruleY([value], { stroke: levelLook.colour, strokeWidth: 1.75, strokeDasharray: levelLook.dash! }),
  );
  for (const { look, points } of ordered) {
    marks.push(
      Plot.areaY(bandOf(points, y), {
        x: "x",
        y1: "low",
        y2: "high",
        fill: look.colour,
        fillOpacity: 0.16,
        clip: true,
      }),
    );
  }
  for (const { name, look, points, isBackground } of ordered) {
    const { colour: stroke, symbol } = look;
    marks.push(
      Plot.lineY(points, { x: "x", y: "y", stroke, strokeWidth: isBackground ? 1.2 : 2, clip: true }),
    );
    if (symbol === null) continue;
    const title = () => name;
    marks.push(
      Plot.dot(spaced(points.filter((point) => isWithin(x, point.x) && isWithin(y, point.y))), {
        x: "x",
        y: "y",
        fill: stroke,
        symbol,
        r: 4,
        title,
      }),
    );
  }
  const points = drawn.flatMap((one) => one.points);
  const places = points.map((point) => point.x);
  const named = namedPlaces(places, x, width);
  // As a mark of its own: a logarithmic axis leaves names out, whatever ticks it is given.
  if (named !== null)
    marks.push(Plot.axisX(named, { text: (place: number) => tickName(place, x.unit), anchor: "bottom" }));
  return drawPlot(width, {
    height: Math.round(Math.min(width * 0.75, 380)),
    ...{ marginLeft, marginRight },
    x: { ...axisOptions(x, points.length > 0, width), ticks: Math.max(3, Math.floor(width / 110)) },
    y: { ...axisOptions(y, points.length + level.length > 0, width), grid: true, ticks: 6 },
    marks,
  });
}

/** Places that have room for a tick each with its name, such as the settings of a sweep; null where they have not. */
function namedPlaces(
  places: readonly number[],
  { scale, unit, domain }: Axis,
  width: number,
): readonly number[] | null {
  const distinct = [...new Set(places)].sort((a, b) => a - b);
  if (distinct.length === 0 || distinct.length > mostNamedTicks) return null;
  const along = (place: number): number => (scale === "log" ? Math.log(place) : place);
  const [first, last] = domain ?? [distinct[0]!, distinct.at(-1)!];
  const perPixel = (along(last) - along(first)) / (width - marginLeft - marginRight);
  const sizes = distinct.map((place) => tickName(place, unit).length * letterWidth);
  const isSpread = distinct.every((place, i) => {
    if (i === 0) return true;
    const room = (along(place) - along(distinct[i - 1]!)) / perPixel;
    return room >= (sizes[i]! + sizes[i - 1]!) / 2 + leastGap;
  });
  return isSpread ? distinct : null;
}

function bandOf(points: readonly CurvePoint[], y: Axis) {
  return points.flatMap(({ x, interval }) => {
    if (interval === undefined || !interval.every((end) => hasPlace(y, end))) return [];
    return [{ x, low: interval[0], high: interval[1] }];
  });
}

function spaced(points: readonly CurvePoint[]): readonly CurvePoint[] {
  if (points.length <= 2 * mostSymbols) return points;
  const step = (points.length - 1) / (mostSymbols - 1);
  return Array.from({ length: mostSymbols }, (_, i) => points[Math.round(i * step)]!);
}

/** At most `mostPoints` points, each the mean of neighbours. */
export function thin(points: readonly CurvePoint[]): readonly CurvePoint[] {
  if (points.length <= mostPoints) return points;
  return Array.from({ length: mostPoints }, (_, bin) => {
    const from = Math.floor((bin * points.length) / mostPoints);
    const to = Math.floor(((bin + 1) * points.length) / mostPoints);
    const members = points.slice(from, to);
    const mean = (of: (point: CurvePoint) => number) =>
      members.reduce((sum, point) => sum + of(point), 0) / members.length;
    const banded = members.every(({ interval }) => interval !== undefined);
    return {
      x: mean((point) => point.x),
      y: mean((point) => point.y),
      interval: banded
        ? [mean(({ interval }) => interval![0]), mean(({ interval }) => interval![1])]
        : undefined,
    };
  });
}

function tableOf({ x, y, series }: CurveChart): Drawing["table"] {
  return {
    columns: [{ heading: "curve" }, { heading: x.label, unit: x.unit }, { heading: y.label, unit: y.unit }],
    rows: series.flatMap(({ name, points }) =>
      thin(points).map((point): Cell[] => [name, point.x, { value: point.y, interval: point.interval }]),
    ),
  };
}
