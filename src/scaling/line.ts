// A straight line by least squares and what it predicts of a point that is still to be measured. Knows no law.
import jstat from "jstat";
import type { Estimate } from "./intervals.ts";

/** A point that a line is drawn through. */
export interface LinePoint {
  readonly x: number;
  readonly y: number;
}

/** y = intercept + slope · x. */
export interface Line {
  readonly slope: number;
  readonly intercept: number;
}

/** The line of least squares; of points with one x, or one point, it is flat. */
export function lineThrough(points: readonly LinePoint[]): Line {
  const [meanX, meanY] = [meanOf(points.map(({ x }) => x)), meanOf(points.map(({ y }) => y))];
  const square = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  const product = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0);
  const slope = square === 0 ? 0 : product / square;
  return { slope, intercept: meanY - slope * meanX };
}

/**
 * What the line says of a new measurement at `x`, with the noise of measurements in its interval (95 %, Student's t with two degrees
 * fewer than points). No interval from fewer than three points.
 */
export function predictOnLine(points: readonly LinePoint[], x: number): Estimate {
  const { slope, intercept } = lineThrough(points);
  const value = intercept + slope * x;
  const freedom = points.length - 2;
  const meanX = meanOf(points.map((point) => point.x));
  const square = points.reduce((sum, point) => sum + (point.x - meanX) ** 2, 0);
  if (freedom < 1 || square === 0) return { value, standardError: null, interval: null };
  const left = points.reduce((sum, point) => sum + (point.y - intercept - slope * point.x) ** 2, 0);
  const standardError = Math.sqrt((left / freedom) * (1 + 1 / points.length + (x - meanX) ** 2 / square));
  const reach = studentReach(freedom) * standardError;
  return { value, standardError, interval: [value - reach, value + reach] };
}

/** Standard errors that a 95 % interval reaches to each side. */
export function studentReach(freedom: number): number {
  return jstat.studentt.inv(0.975, freedom);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
