// Whether two rankings of the same architectures agree, and how sure that is with few of them. Knows pairs of numbers, not
// what they measure. N pairs.
import jstat from "jstat";
import { RequestError } from "../../errors.ts";
import { kendall, pearson, spearman } from "./coefficients.ts";

/** A correlation coefficient. */
export interface Correlation {
  /** From -1 to 1; null where one side is the same everywhere or there are fewer than 3 pairs. */
  readonly value: number | null;
  /** 95 % interval, null below 4 pairs (Kendall: 5). */
  readonly low: number | null;
  readonly high: number | null;
  /** Two-sided: the share of all orders of one side that agree or disagree as much. Exact to 8 pairs, then Student's t (Kendall: normal). */
  readonly pValue: number | null;
}

/** All three coefficients. */
export interface Correlations {
  readonly pairs: number;
  /** Of the values; interval from Fisher's z with standard error 1/√(N - 3). */
  readonly pearson: Correlation;
  /** Of the ranks; Fisher's z with √((1 + r²/2)/(N - 3)) (Bonett, Wright, Psychometrika 2000). */
  readonly spearman: Correlation;
  /** τ-b, of the order of pairs; Fisher's z with √(0.437/(N - 4)) (Fieller, Hartley, Pearson, Biometrika 1957). */
  readonly kendall: Correlation;
  /** The three coefficients without one pair, in the order of the pairs. */
  readonly leaveOneOut: readonly {
    readonly pearson: number | null;
    readonly spearman: number | null;
    readonly kendall: number | null;
  }[];
}

/**
 * Correlations of pairs (x[i], y[i]).
 *
 * The intervals are approximate; with five pairs they are wide, as they should be. A rank coefficient of exactly ±1 has no
 * z; it is moved half a step of its possible values towards 0 for the interval alone.
 *
 * Errors: RequestError where x and y are not equally long.
 */
export function correlate(x: readonly number[], y: readonly number[]): Correlations {
  if (x.length !== y.length) {
    throw new RequestError(`correlate: ${x.length} values of x and ${y.length} of y; expected pairs`);
  }
  const n = x.length;
  const without = (values: readonly number[], left: number): number[] => values.filter((_, i) => i !== left);
  return {
    pairs: n,
    pearson: describe(x, y, pearson, n - 3, () => 1, 0, byStudent),
    spearman: describe(x, y, spearman, n - 3, (r) => 1 + r ** 2 / 2, 6 / (n ** 3 - n), byStudent),
    kendall: describe(x, y, kendall, n - 4, () => 0.437, 2 / (n * (n - 1)), byNormal),
    leaveOneOut: x.map((_, i) => {
      const [a, b] = [without(x, i), without(y, i)];
      return { pearson: pearson(a, b), spearman: spearman(a, b), kendall: kendall(a, b) };
    }),
  };
}

type Coefficient = (x: readonly number[], y: readonly number[]) => number | null;

function describe(
  x: readonly number[],
  y: readonly number[],
  coefficient: Coefficient,
  degrees: number,
  variance: (r: number) => number,
  halfStep: number,
  chance: (value: number, n: number) => number,
): Correlation {
  const value = coefficient(x, y);
  if (value === null) return { value, low: null, high: null, pValue: null };
  const pValue =
    x.length <= 8 ? permutationValue(x, y, coefficient, Math.abs(value)) : chance(value, x.length);
  const bound = 1 - halfStep;
  const inside = Math.min(bound, Math.max(-bound, value));
  if (degrees < 1 || Math.abs(inside) === 1) return { value, low: null, high: null, pValue };
  const half = jstat.normal.inv(0.975, 0, 1) * Math.sqrt(variance(inside) / degrees);
  return {
    value,
    low: value === -1 ? -1 : Math.tanh(Math.atanh(inside) - half),
    high: value === 1 ? 1 : Math.tanh(Math.atanh(inside) + half),
    pValue,
  };
}

/** The share of all orders of y that agree or disagree with x at least as much. */
function permutationValue(
  x: readonly number[],
  y: readonly number[],
  coefficient: Coefficient,
  seen: number,
): number {
  let count = 0;
  let all = 0;
  for (const order of permutations(y)) {
    all++;
    // The same sum in another order differs in its last bits.
    if (Math.abs(coefficient(x, order) ?? 0) >= seen - 1e-9) count++;
  }
  return count / all;
}

const byStudent = (r: number, n: number): number =>
  2 * jstat.studentt.cdf(-Math.abs(r) * Math.sqrt((n - 2) / Math.max(1e-300, 1 - r ** 2)), n - 2);

const byNormal = (tau: number, n: number): number =>
  2 * jstat.normal.cdf(-Math.abs(tau) / Math.sqrt((2 * (2 * n + 5)) / (9 * n * (n - 1))), 0, 1);

/** Every order (Heap's algorithm); the array is the same one each time. */
function* permutations(values: readonly number[]): Generator<readonly number[]> {
  const order = [...values];
  const counts = order.map(() => 0);
  yield order;
  for (let i = 1; i < order.length; ) {
    if (counts[i]! < i) {
      const j = i % 2 === 0 ? 0 : counts[i]!;
      [order[i], order[j]] = [order[j]!, order[i]!];
      yield order;
      counts[i]!++;
      i = 1;
    } else {
      counts[i] = 0;
      i++;
    }
  }
}
