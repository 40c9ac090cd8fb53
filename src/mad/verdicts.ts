// Verdicts of a comparison: a race's own decisions for the mean over tasks, and each task at the level of the look that its data
// were gathered for. Plans nothing.
import { raceLevels } from "../study/racing/book.ts";
import type { Standing } from "../study/racing/race.ts";
import type { Comparison as Verdict } from "../study/statistics/compare.ts";
import type { Table } from "../study/statistics/table.ts";
import type { Comparison } from "./request.ts";
import { type Scores, verdictsOf } from "./scores.ts";

export interface Verdicts {
  readonly mean: readonly Verdict[];
  readonly byTask: Readonly<Record<string, readonly Verdict[]>>;
}

/**
 * @param scores of the runs that are compared: of a race those that it has raced
 * @param standing of the race; null: all is run, and looked at once
 */
export function verdictsFor(
  { tasks, raced }: Pick<Comparison, "tasks" | "raced">,
  scores: Scores,
  standing: Standing | null,
): Verdicts {
  const each = (of: (task: string) => readonly Verdict[]) =>
    Object.fromEntries(tasks.map((task) => [task, of(task)]));
  // Before its first look a race has one seed, which decides nothing at any level.
  if (raced === null || standing === null || standing.comparisons.length === 0) {
    return {
      mean: verdictsOf(scores.meanTable()),
      byTask: each((task) => verdictsOf(scores.taskTable(task))),
    };
  }
  const mean = standing.comparisons;
  // One task is its own mean, so that what the race decided is all there is to say.
  if (tasks.length === 1) return { mean, byTask: each(() => mean) };
  const levelOf = levelsOfPairs(standing, raceLevels(raced));
  return { mean, byTask: each((task) => atLevels(scores.taskTable(task), mean, levelOf)) };
}

/**
 * When to stop a pair was decided by the mean over tasks, which its score on a task is part of: tested as if nobody had looked, it
 * would be called different too often. At the look that a pair's last seeds were run for it has the level of that look, which is
 * on the safe side: the levels of all looks together keep the promise for a task on which the pair is looked at every time.
 */
function levelsOfPairs(
  { tables, reason }: Standing,
  levels: readonly number[],
): (pair: readonly [number, number]) => number {
  const arms = tables[0]!.keys();
  const seeds = [...arms].map((arm) => Math.max(...tables.map((table) => table[arm]!.length)));
  const most = Math.max(...seeds);
  // A race that ends early for want of budget is tested at its end as one that ran to its end.
  const isAtEnd = reason === "budget" || reason === "seeds";
  return ([first, second]) => {
    const own = Math.min(seeds[first]!, seeds[second]!);
    return isAtEnd && own === most ? levels.at(-1)! : levels[Math.max(0, own - 2)]!;
  };
}

function atLevels(
  table: Table,
  mean: readonly Verdict[],
  levelOf: (pair: readonly [number, number]) => number,
): readonly Verdict[] {
  const judged = new Map<number, readonly Verdict[]>();
  return mean.map(({ arms, verdict }, pair) => {
    const level = levelOf(arms);
    const all = judged.get(level) ?? verdictsOf(table, level);
    judged.set(level, all);
    // Rates that the pair hangs on were not run: no task of it is decided either.
    const isWithheld = verdict.kind === "undecided" && verdict.isWithheld === true;
    return isWithheld ? { ...all[pair]!, verdict } : all[pair]!;
  });
}
