// How much scores vary from run to run once arms and seeds are taken out. Knows one table and no verdict.
import jstat from "jstat";
import type { Table } from "./table.ts";

/** What a table says about its spread. */
export interface Spread {
  /** Mean square of what neither arm nor seed explains; 0 where there are no degrees of freedom. */
  readonly residual: number;
  /** Of `residual`: (arms - 1)(seeds - 1) where no cell is missing. */
  readonly degrees: number;
  /** Variance of one arm's scores over seeds: `residual` and what the arms of a seed share. */
  readonly total: number;
  /** Of `total`, after Satterthwaite. */
  readonly totalDegrees: number;
}

/** The spread of a table whose arms need not all vary. */
export interface Spreads {
  /** Arms that vary much less than the others, such as those that are always right. */
  readonly quiet: readonly boolean[];
  /** Of all arms; too large for a pair of quiet ones, which costs power and no promise. */
  readonly all: Spread;
  /** Of the arms that are not quiet: pooling with quiet ones would make their differences look surer than they are. */
  readonly loud: Spread;
}

/** An arm's or a pair's own variance counts as its own when it is so many times the pooled one: less is likely chance. */
export const OWN_RATIO = 2.5;

/** An arm is quiet when its variance is so far below the mean of the arms that are not as one in so many is by chance. */
const byChance = 10;

/**
 * The spread of all arms and of those that are not quiet. With fewer than three arms none can be told to be quiet. An arm is where
 * it is so by its scores as they are, or with seeds taken out: the first needs no other arm, the second sees through what seeds do to
 * all arms alike.
 */
export function spreadsOf(table: Table): Spreads {
  const all = spreadOf(table);
  const centred = centredRows(table);
  const views = [centred, withoutSeeds(centred)].map((rows) => rows.map(variance));
  const quiet = table.map(() => false);
  if (views[0]!.filter((value) => value !== null).length < 3) return { quiet, all, loud: all };
  const share = (arm: number): number => {
    const degrees = table[arm]!.filter((cell) => cell !== null).length - 1;
    return jstat.chisquare.inv(1 / byChance, degrees) / degrees;
  };
  for (;;) {
    const found = views.flatMap((variances) => {
      const loud = variances.filter((value, arm) => value !== null && !quiet[arm]) as number[];
      const mean = loud.reduce((sum, value) => sum + value, 0) / loud.length;
      return variances.flatMap((value, arm) =>
        value !== null && !quiet[arm] && value < mean * share(arm) ? [arm] : [],
      );
    });
    if (found.length === 0) break;
    for (const arm of found) quiet[arm] = true;
  }
  return { quiet, all, loud: quiet.includes(true) ? spreadOf(table.filter((_, arm) => !quiet[arm])) : all };
}

type Row = readonly (number | null)[];

/** Scores around the mean of their arm. */
function centredRows(table: Table): Row[] {
  return table.map((row) => {
    const scores = row.filter((cell) => cell !== null).map((cell) => cell.score);
    const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    return row.map((cell) => (cell === null ? null : cell.score - mean));
  });
}

/**
 * Seeds taken out by the median over the other arms, which a few wild ones do not move. An arm is not among those: of an odd number
 * one would be the median, and vary around it by nothing.
 */
function withoutSeeds(rows: readonly Row[]): Row[] {
  return rows.map((row, arm) =>
    row.map((value, seed) => {
      if (value === null) return null;
      const others = rows.flatMap((other, place) => (place === arm ? [] : (other[seed] ?? [])));
      return value - median(others);
    }),
  );
}

/** Null where there are fewer than two. */
function variance(row: Row): number | null {
  const values = row.filter((value) => value !== null);
  if (values.length < 2) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/**
 * Fits score = arm + seed by least squares (the randomised-block model) and measures what is left, pooled over arms. The
 * same spread in all arms is assumed here; who compares two arms also looks at these two's own.
 */
export function spreadOf(table: Table): Spread {
  const arms = table.length;
  const seeds = Math.max(0, ...table.map((row) => row.length));
  const cells = table.flatMap((row, arm) =>
    row.flatMap((cell, seed) => (cell === null ? [] : [{ arm, seed, score: cell.score }])),
  );
  const armEffects = new Float64Array(arms);
  const seedEffects = new Float64Array(seeds);
  // Means of rows and columns in turn: one pass is exact where no cell is missing, and it converges where some are.
  for (let pass = 0; pass < 1000; pass++) {
    const moved =
      settle(cells, "arm", armEffects, (cell) => cell.score - seedEffects[cell.seed]!) +
      settle(cells, "seed", seedEffects, (cell) => cell.score - armEffects[cell.arm]!);
    if (moved < 1e-13) break;
  }
  const usedArms = new Set(cells.map((cell) => cell.arm)).size;
  const usedSeeds = new Set(cells.map((cell) => cell.seed)).size;
  const degrees = cells.length - usedArms - usedSeeds + parts(cells);
  const squares = sumOfSquares(
    cells.map((cell) => cell.score - armEffects[cell.arm]! - seedEffects[cell.seed]!),
    cells,
  );
  const residual = degrees > 0 ? squares / degrees : 0;
  return { residual, degrees, ...totalSpread(seedEffects, usedArms, usedSeeds, residual, degrees, cells) };
}

/** Of scores that are shares of few items some differences agree; what rounding leaves of those is not a spread. */
const ROUNDING = 1e-12;

/** Of what is left of scores, none where it is rounding alone. */
export function sumOfSquares(left: readonly number[], scores: readonly { readonly score: number }[]): number {
  const scale = Math.max(0, ...scores.map(({ score }) => Math.abs(score)));
  const squares = left.reduce((sum, value) => sum + value ** 2, 0);
  return squares <= left.length * (ROUNDING * scale) ** 2 ? 0 : squares;
}

interface Entry {
  readonly arm: number;
  readonly seed: number;
  readonly score: number;
}

/** Sets each effect to the mean of what is left for it; returns the largest change. */
function settle(
  cells: readonly Entry[],
  of: "arm" | "seed",
  effects: Float64Array,
  left: (cell: Entry) => number,
): number {
  const sums = new Float64Array(effects.length);
  const counts = new Float64Array(effects.length);
  for (const cell of cells) {
    sums[cell[of]]! += left(cell);
    counts[cell[of]]! += 1;
  }
  let moved = 0;
  for (let i = 0; i < effects.length; i++) {
    if (counts[i] === 0) continue;
    const next = sums[i]! / counts[i]!;
    moved = Math.max(moved, Math.abs(next - effects[i]!));
    effects[i] = next;
  }
  return moved;
}

/** How many sets of arms there are that share no seed with each other: each has a level of its own. */
function parts(cells: readonly Entry[]): number {
  const names = new Map<string, string>();
  const root = (name: string): string => {
    const above = names.get(name) ?? name;
    return above === name ? name : root(above);
  };
  for (const { arm, seed } of cells) {
    for (const name of [`arm ${arm}`, `seed ${seed}`]) if (!names.has(name)) names.set(name, name);
    names.set(root(`arm ${arm}`), root(`seed ${seed}`));
  }
  return [...names].filter(([name, above]) => name === above).length;
}

/** One cell's variance = (mean square of seeds + (arms - 1) residual) / arms; both mean squares are independent. */
function totalSpread(
  seedEffects: Float64Array,
  arms: number,
  seeds: number,
  residual: number,
  degrees: number,
  cells: readonly Entry[],
): { total: number; totalDegrees: number } {
  if (seeds < 2) return { total: 0, totalDegrees: 0 };
  const used = [...new Set(cells.map((cell) => cell.seed))].map((seed) => seedEffects[seed]!);
  const mean = used.reduce((sum, value) => sum + value, 0) / used.length;
  const ofSeeds = (arms * used.reduce((sum, value) => sum + (value - mean) ** 2, 0)) / (seeds - 1);
  const fromSeeds = ofSeeds / arms;
  const fromResidual = ((arms - 1) * residual) / arms;
  const total = fromSeeds + fromResidual;
  const spread = fromSeeds ** 2 / (seeds - 1) + (degrees > 0 ? fromResidual ** 2 / degrees : 0);
  return { total, totalDegrees: spread > 0 ? total ** 2 / spread : seeds - 1 };
}
