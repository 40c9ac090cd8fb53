// One slope through several groups of points, each with an intercept of its own. Knows nothing of what they are.
import type { Estimate } from "../scaling/intervals.ts";
import { type LinePoint, lineThrough, studentReach } from "../scaling/line.ts";
import { mean } from "../trial/outcome.ts";

/**
 * By least squares, with a 95 % interval by Student's t: of the points an intercept for each group and the slope are estimated, the rest
 * are degrees of freedom, and without any there is no interval. Null where no group has two places.
 */
export function commonSlope(groups: readonly (readonly LinePoint[])[]): Estimate | null {
  const having = groups.filter((points) => points.length > 0);
  const points = having.flatMap(centred);
  if (!having.some((own) => own.some(({ x }) => x !== own[0]!.x))) return null;
  const { slope: value } = lineThrough(points);
  const freedom = points.length - having.length - 1;
  if (freedom < 1) return { value, standardError: null, interval: null };
  const left = points.reduce((sum, { x, y }) => sum + (y - value * x) ** 2, 0);
  const square = points.reduce((sum, { x }) => sum + x ** 2, 0);
  const standardError = Math.sqrt(left / freedom / square);
  const reach = studentReach(freedom) * standardError;
  return { value, standardError, interval: [value - reach, value + reach] };
}

/** A group of one point is then at zero, and says nothing of the slope, nor takes a degree of freedom. */
function centred(points: readonly LinePoint[]): LinePoint[] {
  const [x, y] = [mean(points.map((point) => point.x))!, mean(points.map((point) => point.y))!];
  return points.map((point) => ({ x: point.x - x, y: point.y - y }));
}
