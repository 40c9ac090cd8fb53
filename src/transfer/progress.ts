// How far a measurement is: which rates each size has been tried at, and which runs are needed next. A pure function of what runs
// brought back, so that a measurement that goes on makes the same decisions. Trains nothing.
import type { Known } from "../study/job.ts";
import type { Transfer, TransferRun } from "./request.ts";

/** Losses of runs that have ended; null: out of bounds or failed. */
export type Losses = ReadonlyMap<string, number | null>;

export function lossesOf({ results, failures }: Known): Losses {
  return new Map<string, number | null>([
    ...failures.map(({ run }): [string, null] => [run, null]),
    ...results.map(({ run, value }): [string, number | null] => [
      run,
      (value as { readonly loss: number | null }).loss,
    ]),
  ]);
}

/** Where a size stands: rates `from` to `to` of the grid are tried at it. */
export interface Tried {
  readonly from: number;
  readonly to: number;
  /** For every rate of the grid the mean loss over seeds; null where a seed is out of bounds, failed, or not run. */
  readonly losses: readonly (number | null)[];
  /** Place of the lowest in the grid; null where there is none. */
  readonly best: number | null;
  readonly isComplete: boolean;
}

/** The rates asked for, and those beyond an end of them at which the size has its best one so far. */
export function triedOf(
  rates: readonly (readonly TransferRun[])[],
  asked: Transfer["asked"],
  losses: Losses,
): Tried {
  const means = rates.map((runs) => {
    const values = runs.map(({ run }) => losses.get(run) ?? null);
    return values.every((value) => value !== null) ? values.reduce((a, b) => a + b, 0) / values.length : null;
  });
  let [from, to] = asked;
  for (;;) {
    const within = (place: number) => place >= from && place <= to;
    const tried = means.map((loss, place) => (within(place) ? loss : null));
    const lowest = Math.min(...tried.map((loss) => loss ?? Number.POSITIVE_INFINITY));
    const best = Number.isFinite(lowest) ? tried.indexOf(lowest) : null;
    const isComplete = rates.every(
      (runs, place) => !within(place) || runs.every(({ run }) => losses.has(run)),
    );
    if (isComplete && best === from && from > 0) from--;
    else if (isComplete && best === to && to < rates.length - 1) to++;
    else return { from, to, losses: tried, best, isComplete };
  }
}

/** All runs that are needed by what is known; those that have ended among them. */
export function neededRuns({ series, asked }: Transfer, losses: Losses): TransferRun[] {
  const needed = series.flatMap(({ sizes }) =>
    sizes.flatMap(({ rates }) => {
      const { from, to } = triedOf(rates, asked, losses);
      return rates.slice(from, to + 1).flat();
    }),
  );
  return eachOnce(needed);
}

/** The model that both axes begin with is one model. */
export function eachOnce(runs: readonly TransferRun[]): TransferRun[] {
  return [...new Map(runs.map((run) => [run.run, run])).values()];
}
