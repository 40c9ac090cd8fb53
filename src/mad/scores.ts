// Scores by architecture, task and seed, with intervals, and the verdicts of all pairs. Knows cells and what became of
// their runs; plans nothing.
import { type Comparison, compareArms } from "../study/statistics/compare.ts";
import { armIntervals } from "../study/statistics/interval.ts";
import { itemVariance, type Cell as Scored, type Table } from "../study/statistics/table.ts";
import type { ScoredRun } from "./outcome.ts";
import type { Profile } from "./profile.ts";
import type { Cell } from "./runs.ts";

/** A difference of mean scores that does not matter. */
export const margin = 0.02;
export const alpha = 0.05;

/** One setting of a task under one seed: the run that stands for it. */
export interface SeedScore extends ScoredRun {
  readonly seed: number;
  readonly score: number;
}

/** An architecture on one setting of a task, or on the mean of all. */
export interface Estimate {
  /** Mean over seeds; null: no seed has a result. */
  readonly score: number | null;
  readonly interval: readonly [low: number, high: number] | null;
  /** What the interval is over: seeds and items; or, of one seed, its items, which says nothing of another seed. */
  readonly over: "seeds" | "items" | null;
  readonly seeds: number;
  /** Which these are: of those asked for, those that were run and did not fail. */
  readonly ran: readonly number[];
}

export interface Scores {
  readonly architectures: readonly string[];
  readonly tasks: readonly string[];
  /** Settings by task, the baseline first. */
  readonly variants: Readonly<Record<string, readonly string[]>>;
  readonly seeds: readonly number[];
  seedScores(architecture: string, task: string, variant: string): readonly (SeedScore | null)[];
  /** Over the settings of a task. */
  taskTable(task: string): Table;
  /** Of one setting. */
  variantTable(task: string, variant: string): Table;
  /** Of the unweighted mean over tasks. */
  meanTable(): Table;
}

/** @param runOf the run that stands for a cell; null: there is none */
export function scoresOf(
  cells: readonly Cell[],
  { score }: Pick<Profile, "score">,
  runOf: (cell: Cell) => ScoredRun | null,
): Scores {
  const unique = <Key extends keyof Cell>(key: Key) => [...new Set(cells.map((cell) => cell[key]))];
  const architectures = unique("architecture");
  const tasks = unique("task");
  const seeds = unique("seed");
  const variants = Object.fromEntries(
    tasks.map((task) => [
      task,
      [...new Set(cells.filter((cell) => cell.task === task).map(({ variant }) => variant))],
    ]),
  );
  const groups = new Map<string, (SeedScore | null)[]>();
  for (const cell of cells) {
    const ran = runOf(cell);
    const key = keyOf(cell.architecture, cell.task, cell.variant);
    const { seed } = cell;
    const found = ran === null ? null : { seed, ...ran, score: ran.value.test[score] };
    groups.set(key, [...(groups.get(key) ?? []), found]);
  }
  const seedScores = (architecture: string, task: string, variant: string) =>
    groups.get(keyOf(architecture, task, variant))!;
  const variantTable = (task: string, variant: string): Table =>
    architectures.map((architecture) => seedScores(architecture, task, variant).map(scored));
  const taskTable = (task: string): Table =>
    meanOf(variants[task]!.map((variant) => variantTable(task, variant)));
  return {
    ...{ architectures, tasks, variants, seeds, seedScores, variantTable, taskTable },
    meanTable: () => meanOf(tasks.map(taskTable)),
  };
}

const keyOf = (...parts: string[]): string => parts.join("\n");

function scored(one: SeedScore | null): Scored | null {
  if (one === null) return null;
  const { accuracy, items } = one.value.test;
  return { score: one.score, itemVariance: itemVariance(accuracy, items.count) };
}

/** Cell by cell; null where one of the tables has nothing. */
function meanOf(tables: readonly Table[]): Table {
  const [first] = tables as [Table];
  return first.map((row, arm) =>
    row.map((_, seed) => {
      const cells = tables.map((table) => table[arm]![seed]!);
      if (cells.some((cell) => cell === null)) return null;
      const sum = (of: (cell: Scored) => number) => cells.reduce((total, cell) => total + of(cell!), 0);
      return {
        score: sum((cell) => cell.score) / cells.length,
        itemVariance: sum((cell) => cell.itemVariance) / cells.length ** 2,
      };
    }),
  );
}

/** Of each arm, with 95 % intervals over seeds and items. @param seeds of the table's columns */
export function estimatesOf(table: Table, seeds: readonly number[]): Estimate[] {
  return armIntervals([table], { bounds: [0, 1] }).map((found, arm) =>
    found === null
      ? { score: null, interval: null, over: null, seeds: 0, ran: [] }
      : {
          ...{ score: found.score, interval: [found.low, found.high], over: found.over, seeds: found.seeds },
          ran: seeds.filter((_, place) => (table[arm]![place] ?? null) !== null),
        },
  );
}

/** Verdicts of all pairs of a table. */
export function verdictsOf(table: Table, level = alpha): readonly Comparison[] {
  return compareArms([table], { alpha: level, margin });
}
