// Which runs of a study have ended and how, and which rate each arm is given. Decides no verdict.
import type { Known } from "../study/job.ts";
import { raceLevels } from "../study/racing/book.ts";
import { race } from "../study/racing/race.ts";
import { replay } from "../study/racing/rule.ts";
import { type Comparison, compareArms } from "../study/statistics/compare.ts";
import type { Table } from "../study/statistics/table.ts";
import type { Trial } from "./define.ts";
import { payableRuns } from "./full.ts";
import { measures } from "./measures.ts";
import { subjectOf } from "./subjects/subjects.ts";
import { readValue, scoreOf, type TrialValue } from "./values.ts";

/** What is known of a study's runs. */
export interface TrialOutcome {
  /** [arms][rates][seeds]; null where a run failed or was not made. */
  readonly values: readonly (readonly (readonly (TrialValue | null)[])[])[];
  /** The rate of each arm, by number; null where no run has ended. */
  readonly chosen: readonly (number | null)[];
  /** Of what the verdict is on, negated, [arms][seeds] of the chosen rates. */
  readonly table: Table;
  readonly comparisons: readonly Comparison[];
  /** Chance of error that what else is told of these seeds is tested at: of a race that of its last look. */
  readonly level: number;
  /** Whether nothing more is to be made. */
  readonly finished: boolean;
  /** Whether what may be spent did not pay for more: of a race for the next seed, else for the next run. */
  readonly isSpent: boolean;
}

/** A raced study follows its rule; of a full one each arm has the rate with the lowest mean of the losses that select. */
export function outcomeOf(trial: Trial, known: Known): TrialOutcome {
  const byRun = new Map(known.results.map(({ run, value }) => [run, readValue(run, value)]));
  const values = trial.runs.map((rates) =>
    rates.map((seeds) => seeds.map(({ run }) => byRun.get(run) ?? null)),
  );
  if (trial.settings.stop === "full") return { values, ...fullOutcome(trial, values, known) };
  const { standing, finished } = replay(race(trial.raced), known);
  const chosen = standing.tuned.map(([lane]) => lane?.candidate ?? null);
  const table = standing.tables[0]!;
  const levels = raceLevels(trial.raced);
  const seen = Math.max(...table.map((row) => row.filter((cell) => cell !== null).length));
  const level = standing.reason === "budget" ? levels.at(-1)! : levels[Math.max(0, seen - 2)]!;
  const isSpent = standing.reason === "budget";
  return { values, chosen, table, comparisons: standing.comparisons, level, finished, isSpent };
}

const LEVEL = 0.05;

function fullOutcome(trial: Trial, values: TrialOutcome["values"], known: Known) {
  const { runs, settings } = trial;
  const ended = new Set([...known.results, ...known.failures].map(({ run }) => run));
  const chosen = values.map((rates, arm) =>
    bestRate(
      rates,
      runs[arm]!.map((seeds) => seeds.map(({ run }) => ended.has(run))),
    ),
  );
  const measured = measures[subjectOf(settings).measure].of;
  const table: Table = values.map((rates, arm) => {
    const rate = chosen[arm]!;
    if (rate === null) return runs[arm]![0]!.map(() => null);
    return rates[rate]!.map((value) => {
      const score = value === null ? null : measured(scoreOf(value));
      return score === null ? null : { score: -score, itemVariance: 0 };
    });
  });
  const payable = payableRuns(trial);
  const finished = payable.every(({ run }) => ended.has(run));
  return {
    ...{ chosen, table, level: LEVEL, finished },
    comparisons: compareArms([table], { alpha: LEVEL, margin: settings.margin }),
    isSpent: finished && !runs.flat(2).every(({ run }) => ended.has(run)),
  };
}

/**
 * The lowest mean over the same seeds: those that every rate has ended with, where there are any. A rate under which a run
 * failed is not taken while another has fewer failures: the mean over what is left of it is that of the lucky seeds.
 */
function bestRate(
  rates: readonly (readonly (TrialValue | null)[])[],
  ended: readonly (readonly boolean[])[],
): number | null {
  const seeds = [...ended[0]!.keys()];
  const common = seeds.filter((seed) => ended.every((rate) => rate[seed]));
  const losses = rates.map((rate) =>
    (common.length > 0 ? common : seeds).flatMap((seed) => rate[seed]?.selection ?? []),
  );
  const most = Math.max(...losses.map(({ length }) => length));
  if (most === 0) return null;
  const means = losses.map((all) => (all.length < most ? Infinity : mean(all)!));
  return means.indexOf(Math.min(...means));
}

/** Null of nothing. */
export function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Another figure of the runs that the verdict is on, times a sign: scores are better where they are higher. */
export function tableBy(
  { table, values, chosen }: TrialOutcome,
  of: (value: TrialValue) => number | null,
  sign: 1 | -1,
): Table {
  return table.map((row, arm) =>
    row.map((cell, seed) => {
      const rate = chosen[arm] ?? null;
      const value = cell === null || rate === null ? null : (values[arm]![rate]![seed] ?? null);
      const figure = value === null ? null : of(value);
      return figure === null ? null : { score: sign * figure, itemVariance: 0 };
    }),
  );
}
