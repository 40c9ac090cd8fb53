// What a chart shows, as plain data. Knows no pixel and no colour.

import type { Outcome } from "../outcome.ts";
import type { Unit } from "../units.ts";

/** A direction of a chart. */
export interface Axis {
  readonly label: string;
  readonly unit: Unit;
  /** What a logarithmic axis has no place for, zero and less, is left out. */
  readonly scale: "linear" | "log";
  /** From where to where; by default where the points lie. */
  readonly domain?: readonly [number, number] | undefined;
}

/** A point of a curve; points that are not finite are left out, and of more than 400 neighbours are averaged. */
export interface CurvePoint {
  readonly x: number;
  readonly y: number;
  /** Interval of y, drawn as a band. */
  readonly interval?: readonly [low: number, high: number] | undefined;
}

/** A named line. */
export interface Series {
  readonly name: string;
  /** In the order in which they are joined. */
  readonly points: readonly CurvePoint[];
  /** Drawn thin and grey, behind the others: what is noisy or only there for comparison. */
  readonly background?: boolean | undefined;
  /** What the legend calls those that look alike, once for all of them. Default: `name`. */
  readonly kind?: string | undefined;
}

/** Curves: learning curves, difficulty curves, valleys of equal FLOPs, shapes. */
export interface CurveChart {
  readonly kind: "curves";
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  /** Levels of y to compare with: chance, the lowest possible loss. */
  readonly levels: readonly { readonly name: string; readonly y: number }[];
}

/** A value for every pair of a row and a column. */
export interface HeatMap {
  readonly kind: "heat map";
  /** What a row is: "router"; the heading of their names in its CSV. Default: "name". */
  readonly rowHeading?: string | undefined;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** `values[row][column]`; null where there is none. */
  readonly values: readonly (readonly (number | null)[])[];
  readonly unit: Unit;
  /** The values of the darkest and the brightest colour. */
  readonly domain: readonly [number, number];
}

/** Estimates with intervals under each other, against a line of no difference. */
export interface ForestPlot {
  readonly kind: "forest";
  /** What is estimated: "difference of accuracy". */
  readonly x: Axis;
  /** The value at which the two are equal: 0 for differences, 1 for ratios. */
  readonly equal: number;
  readonly rows: readonly {
    readonly label: string;
    readonly value: number;
    readonly interval: readonly [low: number, high: number];
    readonly outcome: Outcome;
  }[];
}

/** Labelled points, with the straight line of least squares and its 95 % band where it is asked for. */
export interface ScatterPlot {
  readonly kind: "scatter";
  readonly x: Axis;
  readonly y: Axis;
  readonly points: readonly { readonly label: string; readonly x: number; readonly y: number }[];
  /** In the units of the axes; drawn where both are linear and there are three points or more. */
  readonly regression: boolean;
}

/** One amount for each name, from zero: costs. */
export interface BarChart {
  readonly kind: "bars";
  /** What is amounted: "training FLOPs". */
  readonly x: { readonly label: string; readonly unit: Unit };
  readonly bars: readonly { readonly label: string; readonly value: number }[];
}

/** A picture that is SVG already, with its own colours, as a block diagram is. */
export interface Picture {
  readonly kind: "picture";
  readonly svg: string;
}

/** Everything that a figure can show. */
export type Chart = CurveChart | HeatMap | ForestPlot | ScatterPlot | BarChart | Picture;
