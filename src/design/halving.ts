// The rule of a search: all candidates at all rates for the shortest runs, the best third at their two best rates for longer ones,
// and so on; those that are left run under further seeds. Knows losses, no models.
import type { Job } from "../study/job.ts";
import { type Ended, isResult, type Rule } from "../study/racing/rule.ts";
import { jobOf, type TrialRun } from "../trial/runs.ts";
import { readValue, type TrialValue } from "../trial/values.ts";
import type { Design, DesignRung } from "./define.ts";

/** A candidate on a rung. */
export interface RungRow {
  /** Number of the candidate. */
  readonly candidate: number;
  /** By number of the rate; null where it did not run, or failed. */
  readonly values: readonly (TrialValue | null)[];
  /** Number of the rate with the lowest loss on the tokens that select; null where all failed. */
  readonly best: number | null;
  /** On those tokens; null where all failed. */
  readonly loss: number | null;
  readonly goesOn: boolean;
}

/** A candidate that is left at the end. */
export interface Finalist {
  readonly candidate: number;
  readonly rate: number;
  /** By seed; null where a run failed or has not ended. */
  readonly values: readonly (TrialValue | null)[];
}

/** Where a search stands. */
export interface Standing {
  /** Those that have ended, best candidates first. */
  readonly rungs: readonly (readonly RungRow[])[];
  /** Best first; empty before the last rung has ended. */
  readonly finalists: readonly Finalist[];
}

interface Alive {
  readonly candidate: number;
  /** Numbers of rates, best first. */
  readonly rates: readonly number[];
}

/** Decides from results alone, so that a search that goes on makes the same decisions. */
export function halving({
  rungs,
  settings,
  candidates,
}: Pick<Design, "rungs" | "settings" | "candidates">): Rule<Standing> {
  const jobsOf = (runs: readonly TrialRun[]): readonly Job[] => runs.map(jobOf);
  return function* () {
    const done: (readonly RungRow[])[] = [];
    let alive: readonly Alive[] = candidates.map((_, candidate) => ({
      candidate,
      rates: settings.rates.map((_, rate) => rate),
    }));
    for (const [place, rung] of rungs.entries()) {
      const runs = alive.map(({ candidate, rates }) =>
        rates.slice(0, rung.rates).map((rate) => runAt(rung, candidate, rate, 0)),
      );
      const ended = yield { jobs: jobsOf(runs.flat()), standing: { rungs: [...done], finalists: [] } };
      const rows = rowsOf(
        runs,
        ended,
        settings.rates.length,
        rungs[place + 1]?.candidates ?? rung.candidates,
      );
      done.push(rows);
      alive = rows
        .filter(({ goesOn }) => goesOn)
        .map(({ candidate, values }) => ({ candidate, rates: byLoss(values) }));
      if (alive.length === 0) return { rungs: done, finalists: [] };
    }
    const last = rungs.at(-1)!;
    const finalists = done
      .at(-1)!
      .flatMap(({ candidate, values, best }) =>
        best === null ? [] : [{ candidate, rate: best, values: [values[best]!] }],
      );
    const further = finalists.flatMap(({ candidate, rate }) =>
      Array.from({ length: settings.seeds - 1 }, (_, seed) => runAt(last, candidate, rate, seed + 1)),
    );
    if (further.length === 0) return { rungs: done, finalists };
    const ended = yield { jobs: jobsOf(further), standing: { rungs: [...done], finalists } };
    const values = further.map(({ run }, place) => valueIn(run, ended[place]!));
    const whole = finalists.map((finalist) => ({
      ...finalist,
      values: [
        ...finalist.values,
        ...values.filter((_, place) => further[place]!.arm === finalist.candidate),
      ],
    }));
    return { rungs: done, finalists: [...whole].sort(inOrder) };
  };
}

/** Errors: never, for numbers of the design. */
function runAt({ trial }: DesignRung, candidate: number, rate: number, seed: number): TrialRun {
  return trial.runs[candidate]![rate]![seed]!;
}

function valueIn(run: string, ended: Ended[number]): TrialValue | null {
  return isResult(ended) ? readValue(run, ended.value) : null;
}

function rowsOf(
  runs: readonly (readonly TrialRun[])[],
  ended: Ended,
  rates: number,
  going: number,
): RungRow[] {
  let next = 0;
  const rows = runs.map((own) => {
    const values: (TrialValue | null)[] = Array.from({ length: rates }, () => null);
    for (const { run, candidate } of own) values[candidate] = valueIn(run, ended[next++]!);
    const best = byLoss(values)[0] ?? null;
    const loss = best === null ? null : values[best]!.selection;
    return { candidate: own[0]!.arm, values, best, loss };
  });
  rows.sort((a, b) => (a.loss ?? Infinity) - (b.loss ?? Infinity) || a.candidate - b.candidate);
  return rows.map((row, place) => ({ ...row, goesOn: place < going && row.loss !== null }));
}

/** Numbers of the rates that have a loss, the lowest first. */
function byLoss(values: readonly (TrialValue | null)[]): number[] {
  return [...values.keys()]
    .filter((rate) => values[rate] !== null)
    .sort((a, b) => values[a]!.selection - values[b]!.selection || a - b);
}

/** Fewer failures first, then the lower mean: what is left of failures is the mean of the lucky seeds. */
function inOrder(a: Finalist, b: Finalist): number {
  const [first, second] = [lossesOf(a), lossesOf(b)];
  const mean = (losses: readonly number[]) => losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  return second.length - first.length || mean(first) - mean(second) || a.candidate - b.candidate;
}

/** On the tokens that select, of the seeds that have ended. */
export function lossesOf({ values }: Finalist): number[] {
  return values.flatMap((value) => (value === null ? [] : [value.selection]));
}
