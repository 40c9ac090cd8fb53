// How sure the score of one arm is. Knows tables of scores; for differences between arms see compare.ts, which is sharper.
import jstat from "jstat";
import { OWN_RATIO, spreadsOf } from "./spread.ts";
import type { Table } from "./table.ts";

/** A score with its confidence interval. */
export interface ScoreInterval {
  readonly score: number;
  readonly low: number;
  readonly high: number;
  /** What varied: seeds and test items; or, of one seed, test items alone, which says nothing of another seed. */
  readonly over: "seeds" | "items";
  /** In the table with the fewest. */
  readonly seeds: number;
}

/** How intervals are made. */
export interface IntervalOptions {
  /** Default 0.95. */
  readonly level?: number;
  /** Scores that cannot be passed, such as [0, 1]; ends of intervals are brought within. */
  readonly bounds?: readonly [number, number];
}

/**
 * Each arm's mean score over the tables (one table: the arm's score on one task) with an interval from Student's t. The
 * variance between seeds is pooled over arms that vary and never below the arm's own or what its test items alone would
 * give; an arm much quieter than the others has its own. Null for an arm without a score in every table.
 * @param tables the same arms in each, errors independent of each other
 */
export function armIntervals(
  tables: readonly Table[],
  { level = 0.95, bounds = [-Infinity, Infinity] }: IntervalOptions = {},
): (ScoreInterval | null)[] {
  const spreads = tables.map(spreadsOf);
  return Array.from({ length: tables[0]?.length ?? 0 }, (_, arm) => {
    let score = 0;
    let variance = 0;
    let spread = 0;
    let seeds = Infinity;
    for (const [index, table] of tables.entries()) {
      const cells = table[arm]!.filter((cell) => cell !== null);
      if (cells.length === 0) return null;
      seeds = Math.min(seeds, cells.length);
      const mean = cells.reduce((sum, cell) => sum + cell.score, 0) / cells.length;
      const items = cells.reduce((sum, cell) => sum + cell.itemVariance, 0) / cells.length;
      const { quiet, loud } = spreads[index]!;
      const own =
        cells.length > 1
          ? cells.reduce((sum, cell) => sum + (cell.score - mean) ** 2, 0) / (cells.length - 1)
          : 0;
      const pooled = cells.length > 1 && !quiet[arm] && own <= OWN_RATIO * loud.total;
      const term = Math.max(own, items, pooled ? loud.total : 0) / cells.length / tables.length ** 2;
      score += mean / tables.length;
      variance += term;
      const degrees = pooled ? Math.max(loud.totalDegrees, cells.length - 1) : cells.length - 1;
      spread += degrees > 0 ? term ** 2 / degrees : 0;
    }
    const over = seeds > 1 ? "seeds" : "items";
    const tail = (1 + level) / 2;
    const quantile =
      over === "seeds" && spread > 0
        ? jstat.studentt.inv(tail, variance ** 2 / spread)
        : jstat.normal.inv(tail, 0, 1);
    const half = quantile * Math.sqrt(variance);
    return {
      score,
      low: Math.max(bounds[0], score - half),
      high: Math.min(bounds[1], score + half),
      over,
      seeds,
    };
  });
}
