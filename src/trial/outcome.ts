// Which runs of a study have ended and how, and which rate each arm is given. Decides no verdict.
import type { Known } from "../study/job.ts";
import { race } from "../study/racing/race.ts";
import { replay } from "../study/racing/rule.ts";
import { type Comparison, compareArms } from "../study/statistics/compare.ts";
import type { Table } from "../study/statistics/table.ts";
import type { Trial } from "./define.ts";
import { readValue, type TrialValue } from "./values.ts";

/** What is known of a study's runs. */
export interface TrialOutcome {
  /** [arms][rates][seeds]; null where a run failed or was not made. */
  readonly values: readonly (readonly (readonly (TrialValue | null)[])[])[];
  /** The rate of each arm, by number; null where no run has ended. */
  readonly chosen: readonly (number | null)[];
  /** Of the tests' losses, negated, [arms][seeds] of the chosen rates. */
  readonly table: Table;
  readonly comparisons: readonly Comparison[];
  /** Whether nothing more is to be made. */
  readonly finished: boolean;
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
  return { values, chosen, table: standing.tables[0]!, comparisons: standing.comparisons, finished };
}

function fullOutcome({ runs, settings }: Trial, values: TrialOutcome["values"], known: Known) {
  const chosen = values.map((rates) => {
    const means = rates.map((seeds) =>
      mean(seeds.flatMap((value) => (value === null ? [] : value.selection))),
    );
    const lowest = Math.min(...means.map((loss) => loss ?? Infinity));
    return Number.isFinite(lowest) ? means.indexOf(lowest) : null;
  });
  const table: Table = values.map((rates, arm) => {
    const rate = chosen[arm]!;
    if (rate === null) return runs[arm]![0]!.map(() => null);
    return rates[rate]!.map((value) => (value === null ? null : { score: -value.test, itemVariance: 0 }));
  });
  const all = runs.flat(2).length;
  return {
    ...{ chosen, table, comparisons: compareArms([table], { margin: settings.margin }) },
    finished: known.results.length + known.failures.length >= all,
  };
}

/** Null of nothing. */
export function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
