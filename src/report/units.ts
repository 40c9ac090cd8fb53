// Units of the numbers in tables and on axes. Knows how each is written, nothing of where it comes from.

import { formatCount, formatDuration } from "./format.ts";

/**
 * How a number is written: `share` of 0 to 1 as a percentage, `points` (a difference of shares) as percentage points with
 * its sign, `percent` what is in per cent already, to two decimals, `count` with decimal prefixes, `whole` as it is, with
 * separators, `seconds`, `nat` (a loss) to four decimals, `number` to four digits.
 */
export type Unit = "share" | "points" | "percent" | "count" | "whole" | "seconds" | "nat" | "number";

const formats: Readonly<Record<Unit, (value: number) => string>> = {
  share: (value) => `${(100 * value).toFixed(1)} %`,
  points: (value) => `${value > 0 ? "+" : ""}${(100 * value).toFixed(1)}`,
  percent: (value) => value.toFixed(2),
  count: formatCount,
  whole: (value) => Math.round(value).toLocaleString("en-US"),
  seconds: formatDuration,
  nat: (value) => value.toFixed(4),
  number: (value) => String(Number(value.toPrecision(4))),
};

/** A number as people read it in this unit. */
export function formatUnit(value: number, unit: Unit): string {
  return Number.isFinite(value) ? formats[unit](value).replace("-", "−") : "–";
}

/** An interval in this unit: `[89.1, 93.0]`. */
export function formatInterval([low, high]: readonly [number, number], unit: Unit): string {
  const write = (value: number) => formatUnit(value, unit).replace(/ %$/, "");
  return `[${write(low)}, ${write(high)}]`;
}
