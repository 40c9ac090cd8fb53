// Which arm wins, which are tied, and which more seeds must tell: paired by seed, corrected for all pairs of arms. Knows
// tables of scores and no runs. See docs/verdicts.md for the model.
import { criticalValue } from "./criticalValue.ts";
import { furtherSeeds } from "./furtherSeeds.ts";
import { OWN_RATIO, type Spreads, spreadsOf, sumOfSquares } from "./spread.ts";
import type { Table } from "./table.ts";

/** What the evidence says of a pair. */
export type Verdict =
  | { readonly kind: "win"; readonly winner: number }
  | { readonly kind: "tie" }
  | {
      readonly kind: "undecided";
      /**
       * How many seeds beyond those seen would decide with a chance of 80 %, if the difference and the spread are as they
       * look now; null where more than 1,000, or where nothing can be said before there are two seeds of both.
       */
      readonly furtherSeeds: number | null;
      /** It was decided by a race, but for candidates that it hangs on and that there was no budget to run. */
      readonly isWithheld?: true;
    };

/** Two arms. */
export interface Comparison {
  /** Numbers of the two arms, the first below the second. */
  readonly arms: readonly [number, number];
  /** Mean over the tables of score of the first - score of the second, over seeds that both have; null where they share none. */
  readonly difference: number | null;
  /** Interval of the difference, holding at once for all pairs; null where there is no spread to tell from. */
  readonly low: number | null;
  readonly high: number | null;
  /** Seeds that both have, in the table with the fewest. */
  readonly seeds: number;
  readonly verdict: Verdict;
}

/** How comparisons are made. */
export interface ComparisonOptions {
  /** Chance that any pair is called a win where there is none (or for the wrong arm); default 0.05. */
  readonly alpha?: number;
  /** A difference that is surely smaller than this does not matter: a tie. In units of the score; 0 for no ties. */
  readonly margin: number;
  /** The chance at which the last of several looks will judge, by which further seeds are reckoned; default `alpha`. */
  readonly lastAlpha?: number;
}

/** What is known of a pair before it is judged. */
export interface Contrast {
  readonly difference: number;
  /** Standard error of `difference`. */
  readonly error: number;
  readonly degrees: number;
  readonly seeds: number;
}

/**
 * Compares all pairs of arms by the mean over tables of their paired differences. The variance of a difference is pooled
 * over arms (randomised blocks; arms much quieter than the others are left out), this pair's own where that is far larger,
 * and never below what its test items alone would give. Errors of different tables must be independent: give runs of
 * different tasks different random streams, or average over tasks first and give one table.
 *
 * A pair is a win when, stepping down (Ryan, Einot, Gabriel, Welsch), every range of arms, ordered by score, that encloses
 * the pair is beyond the studentized range of so many arms. Intervals are those of the studentized range of all arms, made
 * shorter or longer where they would say of 0 what the verdict does not.
 * @param tables the same arms in each
 */
export function compareArms(
  tables: readonly Table[],
  { alpha = 0.05, margin, lastAlpha = alpha }: ComparisonOptions,
): Comparison[] {
  const arms = tables[0]?.length ?? 0;
  const spreads = tables.map(spreadsOf);
  const means = Array.from({ length: arms }, (_, arm) => meanScore(tables, arm));
  // Arms by score; those without one in every table are compared where they can be, and stand at the end.
  const order = [...means.keys()].sort((a, b) => (means[b] ?? -Infinity) - (means[a] ?? -Infinity) || a - b);
  const contrasts = new Map<string, Contrast | null>();
  const contrast = (a: number, b: number): Contrast | null => {
    const key = a < b ? `${a} ${b}` : `${b} ${a}`;
    if (!contrasts.has(key)) contrasts.set(key, contrastOf(tables, spreads, Math.min(a, b), Math.max(a, b)));
    return contrasts.get(key)!;
  };
  const comparisons: Comparison[] = [];
  for (let first = 0; first < arms; first++) {
    for (let second = first + 1; second < arms; second++) {
      const pair = contrast(first, second);
      const separated = pair !== null && isSeparated(order, contrast, first, second, alpha);
      comparisons.push(
        judge([first, second], pair, separated, sharedSeeds(tables, first, second), {
          ...{ count: arms, alpha, margin, lastAlpha },
        }),
      );
    }
  }
  return comparisons;
}

function judge(
  arms: readonly [number, number],
  contrast: Contrast | null,
  separated: boolean,
  seeds: number,
  { count, alpha, margin, lastAlpha }: Required<ComparisonOptions> & { readonly count: number },
): Comparison {
  if (contrast === null) {
    return {
      arms,
      difference: null,
      low: null,
      high: null,
      seeds,
      verdict: { kind: "undecided", furtherSeeds: null },
    };
  }
  const { difference, error, degrees } = contrast;
  if (!isTold(contrast)) {
    return {
      arms,
      difference,
      low: null,
      high: null,
      seeds,
      verdict: { kind: "undecided", furtherSeeds: null },
    };
  }
  const single = criticalValue(alpha, count, degrees) * error;
  // One that was only told apart stepping down has the widest symmetric interval that says so: it ends at 0, and 0 is ruled
  // out. With few degrees of freedom stepping down asks for more than the single step; then 0 is the end that is held.
  const apart = Math.abs(difference);
  const half = separated ? Math.min(single, apart) : Math.max(single, apart);
  const verdict: Verdict =
    apart + single < margin
      ? { kind: "tie" }
      : separated
        ? { kind: "win", winner: difference > 0 ? arms[0] : arms[1] }
        : {
            kind: "undecided",
            furtherSeeds: furtherSeeds(contrast, { alpha: lastAlpha, margin, arms: count }),
          };
  return { arms, difference, low: difference - half, high: difference + half, seeds, verdict };
}

/** One seed in common tells nothing, however much others spread: nothing shows that these two spread no more. */
function isTold({ error, degrees, seeds }: Contrast): boolean {
  return degrees >= 1 && error > 0 && seeds >= 2;
}

/** The closed test, by its short cut: sets of arms between two that enclose the pair. */
function isSeparated(
  order: readonly number[],
  contrast: (a: number, b: number) => Contrast | null,
  first: number,
  second: number,
  alpha: number,
): boolean {
  const count = order.length;
  const [from, to] = [order.indexOf(first), order.indexOf(second)].sort((a, b) => a - b) as [number, number];
  const own = contrast(first, second)!;
  for (let low = from; low >= 0; low--) {
    for (let high = to; high < count; high++) {
      const outer = contrast(order[low]!, order[high]!);
      const size = high - low + 1;
      if (!(beyond(own, size, count, alpha) || (outer !== null && beyond(outer, size, count, alpha))))
        return false;
    }
  }
  return true;
}

/** Whether a pair is further apart than the ends of a range of `size` among `count` equal arms would be. */
function beyond(contrast: Contrast, size: number, count: number, alpha: number): boolean {
  if (!isTold(contrast)) return false;
  const { difference, error, degrees } = contrast;
  const statistic = Math.abs(difference) / error;
  for (let means = 2; means <= size; means++) {
    const level = means >= count - 1 ? alpha : 1 - (1 - alpha) ** (means / count);
    if (statistic <= criticalValue(level, means, degrees)) return false;
  }
  return true;
}

function contrastOf(
  tables: readonly Table[],
  spreads: readonly Spreads[],
  first: number,
  second: number,
): Contrast | null {
  const share = 1 / tables.length ** 2;
  let difference = 0;
  let pooled = 0;
  let own = 0;
  let pooledSpread = 0;
  let seeds = Infinity;
  for (const [index, table] of tables.entries()) {
    const { quiet, all, loud } = spreads[index]!;
    const { residual, degrees } = quiet[first] && quiet[second] ? all : loud;
    const pairs = table[first]!.flatMap((a, seed) => {
      const b = table[second]![seed];
      return a === null || b === null || b === undefined ? [] : [[a, b] as const];
    });
    const count = pairs.length;
    if (count === 0) return null;
    seeds = Math.min(seeds, count);
    const differences = pairs.map(([a, b]) => a.score - b.score);
    const mean = differences.reduce((sum, value) => sum + value, 0) / count;
    const squares = sumOfSquares(
      differences.map((value) => value - mean),
      pairs.flat(),
    );
    const ownTerm = count > 1 ? squares / (count - 1) / count : 0;
    difference += mean / tables.length;
    const floor = pairs.reduce((sum, [a, b]) => sum + a.itemVariance + b.itemVariance, 0) / count ** 2;
    // An arm that alone is loud has no others to pool with: then the pair's own variance is all there is.
    const term = share * Math.max(degrees > 0 ? (2 * residual) / count : ownTerm, floor);
    const termDegrees = degrees > 0 ? degrees : count - 1;
    pooled += term;
    pooledSpread += termDegrees > 0 ? term ** 2 / termDegrees : Infinity;
    own += share * ownTerm;
  }
  const degrees = pooledSpread > 0 ? pooled ** 2 / pooledSpread : 0;
  return { difference, error: Math.sqrt(own > OWN_RATIO * pooled ? own : pooled), degrees, seeds };
}

function meanScore(tables: readonly Table[], arm: number): number | null {
  let sum = 0;
  for (const table of tables) {
    const cells = table[arm]!.filter((cell) => cell !== null);
    if (cells.length === 0) return null;
    sum += cells.reduce((total, cell) => total + cell.score, 0) / cells.length;
  }
  return sum / tables.length;
}

function sharedSeeds(tables: readonly Table[], first: number, second: number): number {
  return Math.min(
    ...tables.map(
      (table) =>
        table[first]!.filter((cell, seed) => cell !== null && (table[second]![seed] ?? null) !== null).length,
    ),
  );
}
