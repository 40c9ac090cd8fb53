// The loss curve as SVG, drawn without a browser. Knows points and colours; knows no run.

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";

/** A loss in nat per token after so many steps. */
export interface LossPoint {
  readonly step: number;
  readonly loss: number;
}

/** Losses of a run, and the lowest possible one where it is known. */
export interface LossCurve {
  readonly training: readonly LossPoint[];
  readonly validation: readonly LossPoint[];
  /** Lowest loss that any model can have, where it is known. */
  readonly optimum?: number | undefined;
}

const manyfold = 8;
// More points than these are not seen and make the page heavy.
const mostPoints = 400;

/**
 * SVG markup of a curve, `width` pixels wide. Colours are the CSS variables --training, --validation and --optimum and
 * the current text colour, so a page decides what is light and what is dark.
 */
export function lossChart(curve: LossCurve, width: number): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const training = curve.training.filter(isDrawable);
  const validation = curve.validation.filter(isDrawable);
  const point = { x: "step", y: "loss" };
  const marks: Plot.Markish[] = [
    Plot.lineY(thin(training), { ...point, stroke: "var(--training)", strokeWidth: 1.2 }),
    Plot.lineY(validation, { ...point, stroke: "var(--validation)", strokeWidth: 2 }),
    Plot.dot(validation, { ...point, fill: "var(--validation)", r: 2.5 }),
  ];
  if (curve.optimum !== undefined) {
    marks.unshift(
      Plot.ruleY([curve.optimum], {
        stroke: "var(--optimum)",
        strokeWidth: 1.5,
        strokeDasharray: "5 4",
      }),
    );
  }
  const losses = [...training, ...validation].map(({ loss }) => loss);
  const chart = Plot.plot({
    document,
    width,
    height: Math.round(Math.min(width * 0.75, 380)),
    marginLeft: 48,
    marginBottom: 42,
    style: { fontSize: "12px", background: "none" },
    x: { label: "step", ticks: Math.max(3, Math.floor(width / 110)) },
    y: { label: "loss (nat per token)", grid: true, ticks: 6, tickFormat: "~r", ...lossScale(losses) },
    marks,
  });
  chart.setAttribute("role", "img");
  chart.setAttribute("aria-label", "Training and validation loss over steps");
  return chart.outerHTML;
}

/** A linear axis has ticks everywhere; a loss that falls far is read better on a logarithmic one. */
function lossScale(losses: readonly number[]): Plot.ScaleOptions {
  // Without points Plot would have no domain to draw axes for.
  if (losses.length === 0) return { domain: [0, 1] };
  const falls = Math.max(...losses) / Math.min(...losses);
  return falls > manyfold ? { type: "log" } : { type: "linear" };
}

// A logarithmic axis has no place for anything else.
function isDrawable({ loss }: LossPoint): boolean {
  return Number.isFinite(loss) && loss > 0;
}

/** At most `mostPoints` points, each the mean of neighbours. */
export function thin(points: readonly LossPoint[]): LossPoint[] {
  const bins = Math.min(mostPoints, points.length);
  return Array.from({ length: bins }, (_, bin) => {
    const from = Math.floor((bin * points.length) / bins);
    const to = Math.floor(((bin + 1) * points.length) / bins);
    const members = points.slice(from, to);
    return {
      step: members.reduce((sum, { step }) => sum + step, 0) / members.length,
      loss: members.reduce((sum, { loss }) => sum + loss, 0) / members.length,
    };
  });
}
