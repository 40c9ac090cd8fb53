// What a race has seen and spent so far. Knows no order in which things are done.
import type { Job } from "../job.ts";
import { type Comparison, compareArms } from "../statistics/compare.ts";
import { levelsOfLooks } from "../statistics/looks.ts";
import type { Cell } from "../statistics/table.ts";
import type { Reason, Standing, Tuned } from "./race.ts";
import { type Ended, isResult, type Wave } from "./rule.ts";
import type { Entry, Outcome, RaceSettings } from "./settings.ts";

/** Part of a rule that yields waves and comes to a T. */
export type Steps<T> = Generator<Wave<Standing>, T, Ended>;

/** One job to be made: an entry taken from one rung to another. */
export interface Step {
  readonly entry: Entry;
  readonly from: number;
  readonly until: number;
}

/** A race's memory. */
export interface Book {
  readonly settings: RaceSettings;
  /** [arms][items]. */
  readonly tuned: (Tuned | null)[][];
  /** What is left to spend; Infinity without a budget. */
  readonly left: () => number;
  readonly priceOf: (steps: readonly Step[]) => number;
  /** Makes jobs of steps and tells how each ended: null for one that failed. */
  readonly run: (steps: readonly Step[]) => Steps<(Outcome | null)[]>;
  /** Null takes a score back. */
  readonly record: (entry: Entry, cell: Cell | null) => void;
  /** Looks at all seeds so far, the `seeds`-th being the last; decided pairs stay decided. */
  readonly look: (seeds: number, last: boolean) => void;
  /** Arms that more seeds could tell from another. */
  readonly racing: () => number[];
  readonly standing: (reason: Reason) => Standing;
}

/** The chance of error that each look is tested at, after the second seed, the third, … */
export function raceLevels({
  seeds,
  alpha = 0.05,
}: Pick<RaceSettings, "seeds" | "alpha">): readonly number[] {
  const looks = Math.max(1, seeds - 1);
  return levelsOfLooks(
    alpha,
    Array.from({ length: looks }, (_, look) => Math.min(1, (look + 2) / seeds)),
  );
}

/** An empty memory. */
export function createBook(settings: RaceSettings): Book {
  const { arms, items, seeds, budget, alpha = 0.05, margin } = settings;
  const tuned = Array.from({ length: arms }, () => Array.from({ length: items }, (): Tuned | null => null));
  const tables = Array.from({ length: items }, () => Array.from({ length: arms }, (): (Cell | null)[] => []));
  const levels = raceLevels({ seeds, alpha });
  let comparisons: readonly Comparison[] = [];
  let spent = 0;

  const standing = (reason: Reason): Standing => ({
    tuned: tuned.map((row) => [...row]),
    tables: tables.map((table) => table.map((row) => [...row])),
    comparisons,
    ranking: rank(tables, arms),
    spent,
    reason,
  });

  return {
    settings,
    tuned,
    left: () => (budget === null ? Infinity : budget - spent),
    priceOf: (steps) =>
      steps.reduce((sum, { entry, from, until }) => sum + settings.price(entry, from, until), 0),
    *run(steps) {
      if (steps.length === 0) return [];
      const jobs: readonly Job[] = steps.map(({ entry, until }) => settings.job(entry, until));
      const ended = yield { jobs, standing: standing(null) };
      return ended.map((each, index) => {
        if (!isResult(each)) return null;
        spent += settings.cost(each);
        return settings.read(each.value, steps[index]!.entry);
      });
    },
    record({ item, arm, seed }, cell) {
      const row = tables[item]![arm]!;
      while (row.length < seed) row.push(null);
      row[seed] = cell === null ? null : { score: cell.score, itemVariance: cell.itemVariance };
    },
    look(count, last) {
      // A study that ends early for want of budget is tested at its end as one that ran to its end.
      const level = last ? levels.at(-1)! : levels[Math.max(0, count - 2)]!;
      const seen = compareArms(tables, { alpha: level, margin });
      comparisons = seen.map((now, pair) => {
        const before = comparisons[pair];
        return before === undefined || before.verdict.kind === "undecided" ? now : before;
      });
    },
    racing() {
      const whole = tuned.map((row) => row.every((lane) => lane !== null && lane.candidate !== null));
      return Array.from(whole.keys()).filter(
        (arm) =>
          whole[arm] &&
          comparisons.some(
            ({ arms: pair, verdict }) =>
              verdict.kind === "undecided" && pair.includes(arm) && whole[pair[0]] && whole[pair[1]],
          ),
      );
    },
    standing,
  };
}

function rank(tables: readonly (readonly (readonly (Cell | null)[])[])[], arms: number): number[] {
  const means = Array.from({ length: arms }, (_, arm) =>
    tables.reduce((sum, table) => {
      const cells = table[arm]!.filter((cell) => cell !== null);
      // No score at all: NaN, and last.
      return sum + cells.reduce((total, cell) => total + cell.score, 0) / cells.length;
    }, 0),
  );
  const order = (arm: number): number => (Number.isNaN(means[arm]!) ? -Infinity : means[arm]!);
  return [...means.keys()].sort((a, b) => (order(b) === order(a) ? a - b : order(b) - order(a)));
}
