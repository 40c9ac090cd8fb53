// What a search has come to: each candidate on each rung, the winner, who is within noise of it, and what it all cost. Trains
// nothing.
import { RequestError, WorkError } from "../errors.ts";
import type { Failure, Known, Result } from "../study/job.ts";
import { replay } from "../study/racing/rule.ts";
import { clockSeconds } from "../study/spent.ts";
import { compareArms } from "../study/statistics/compare.ts";
import { armIntervals } from "../study/statistics/interval.ts";
import type { Table } from "../study/statistics/table.ts";
import { edgeOf } from "../trial/armResult.ts";
import { type PairResult, pairResult } from "../trial/pairResult.ts";
import type { Design } from "./define.ts";
import { type Finalist, halving, lossesOf, type Standing } from "./halving.ts";

/** What something cost, with what runs that failed did. */
export interface Cost {
  readonly runs: number;
  readonly flops: number;
  /** Of the runs' processes. */
  readonly seconds: number;
}

/** A candidate on a rung. Losses are nats a token. */
export interface RungResult {
  readonly name: string;
  /** On the tokens that select, by rate; null where it did not run, or failed. */
  readonly losses: readonly (number | null)[];
  readonly rate: number | null;
  readonly loss: number | null;
  readonly flops: number;
  readonly steps: number;
  readonly goesOn: boolean;
}

/** What a search has come to. */
export interface SearchResult {
  readonly data: string;
  readonly trainingTokens: number;
  /** Whether these are the data that are made where none are given. */
  readonly isBuiltIn: boolean;
  readonly finished: boolean;
  readonly seeds: readonly number[];
  readonly margin: number;
  readonly sizedBy: string | null;
  readonly candidates: readonly {
    readonly name: string;
    readonly why: string;
    readonly parameters: number;
    readonly state: number;
    readonly flopsPerToken: number;
    readonly rates: readonly number[];
  }[];
  readonly leftOut: Design["leftOut"];
  /** By synthetic tasks; null: not made. */
  readonly screened: Design["screened"];
  /** Those that have ended, best candidates first. */
  readonly rungs: readonly { readonly results: readonly RungResult[]; readonly cost: Cost }[];
  /** Best first; the test's loss with its 95 % interval over seeds. */
  readonly finalists: readonly {
    readonly name: string;
    readonly rate: number;
    /** Whether that is the lowest or the highest that was tried. */
    readonly edge: "lowest" | "highest" | null;
    readonly selection: number;
    readonly test: number;
    readonly interval: readonly [number, number] | null;
    readonly seeds: number;
  }[];
  /** Of finalists on the test's tokens. */
  readonly pairs: readonly PairResult[];
  /** Null before any rung has ended. */
  readonly winner: Winner | null;
  /** Of all rungs; `clock`: seconds that pass with the design's processes side by side, one wave after the other. */
  readonly cost: Cost & { readonly clock: number };
  readonly failures: readonly { readonly run: string; readonly reason: string }[];
}

/** What is recommended. */
export interface Winner {
  readonly name: string;
  /** Number of the candidate, and of its rate. */
  readonly candidate: number;
  readonly rateNumber: number;
  readonly rate: number;
  /** Why, one line. */
  readonly reason: string;
}

/** What is known so far. Errors: WorkError where every run of a rung failed. */
export function searchResult(design: Design, known: Known): SearchResult {
  const { settings, data, candidates, leftOut, sizedBy, rungs, screened } = design;
  const { standing, finished } = replay(halving(design), known);
  const names = candidates.map(({ name }) => name);
  const costs = costsOf(design, known);
  const ratesOf = (candidate: number) => rungs[0]!.trial.arms[candidate]!.rates;
  const finals = finalistsOf(design, standing);
  const failures = known.failures.map(({ run, reason }) => ({ run, reason }));
  const result = {
    ...{ data: data.name, trainingTokens: data.trainingTokens },
    isBuiltIn: settings.data === undefined || settings.data === "language",
    ...{ finished, seeds: rungs[0]!.trial.seeds, margin: settings.margin, sizedBy, leftOut, screened },
    candidates: candidates.map(({ name, why, parameters, state, flopsPerToken }, place) => ({
      ...{ name, why, parameters, state, flopsPerToken, rates: ratesOf(place) },
    })),
    rungs: standing.rungs.map((rows, place) => ({
      results: rows.map(({ candidate, values, best, loss, goesOn }): RungResult => {
        const { flops, steps } = rungs[place]!.trial.arms[candidate]!;
        return {
          name: names[candidate]!,
          losses: values.map((value) => value?.selection ?? null),
          rate: best === null ? null : ratesOf(candidate)[best]!,
          ...{ loss, flops, steps, goesOn },
        };
      }),
      cost: costs.rungs[place]!,
    })),
    ...finals,
    ...{ cost: costs.all, failures },
  };
  return { ...result, winner: winnerOf(design, standing, finals.pairs) };
}

function finalistsOf({ candidates, settings, rungs }: Design, { finalists }: Standing) {
  // The test text is the same for all runs: what its choice does to a loss it does to all of them.
  const table: Table = finalists.map(({ values }) =>
    values.map((value) => (value === null ? null : { score: -value.test, itemVariance: 0 })),
  );
  const names = finalists.map(({ candidate }) => candidates[candidate]!.name);
  const intervals = table.length === 0 ? [] : armIntervals([table]);
  return {
    finalists: finalists.map((finalist, place) => {
      const { candidate, rate } = finalist;
      const { rates } = rungs[0]!.trial.arms[candidate]!;
      const losses = lossesOf(finalist);
      const interval = intervals[place]!;
      return {
        ...{ name: names[place]!, rate: rates[rate]!, seeds: losses.length },
        edge: edgeOf(rate, rates.length),
        selection: losses.reduce((sum, loss) => sum + loss, 0) / losses.length,
        test: interval === null ? Number.NaN : -interval.score,
        interval:
          interval === null || interval.over === "items" ? null : ([-interval.high, -interval.low] as const),
      };
    }),
    pairs: compareArms([table], { margin: settings.margin }).map((comparison) =>
      pairResult(comparison, names),
    ),
  };
}

/** Of the finalists the first; before there are any, the first of the last rung that has ended. */
function winnerOf(
  { candidates, rungs }: Design,
  { rungs: done, finalists }: Standing,
  pairs: readonly PairResult[],
): Winner | null {
  const row = done.at(-1)?.[0];
  if (row === undefined) return null;
  if (row.best === null) {
    throw new WorkError(
      "design: every run of a rung failed, so there is no winner; lower the rates, or look into the runs' folders",
    );
  }
  const [first] = finalists;
  const [candidate, rateNumber] =
    first === undefined ? [row.candidate, row.best] : [first.candidate, first.rate];
  const { name } = candidates[candidate]!;
  const rate = rungs[0]!.trial.arms[candidate]!.rates[rateNumber]!;
  return {
    name,
    candidate,
    rateNumber,
    rate,
    reason: reasonOf(name, finalists, pairs),
  };
}

function reasonOf(name: string, finalists: readonly Finalist[], pairs: readonly PairResult[]): string {
  if (finalists.length === 0)
    return "the lowest loss of the longest rung that has ended; the search did not come to its end";
  const [seeds, ...others] = finalists.map((finalist) => lossesOf(finalist).length) as [number, ...number[]];
  const among = others.some((other) => other < seeds) ? " of those with the fewest failed runs" : "";
  const lowest =
    seeds < 2
      ? `the lowest loss of the last rung${among}`
      : `the lowest mean loss of the last rung over ${seeds} seeds${among}`;
  const own = pairs.filter(({ first, second }) => first === name || second === name);
  const other = ({ first, second }: PairResult) => (first === name ? second : first);
  const beaten = own.filter(({ winner }) => winner === name).map(other);
  // Of one seed there is no noise to be within.
  const near = own.filter(({ winner, seeds: shared }) => winner === null && shared > 1).map(other);
  const lost = own.filter(({ winner }) => winner !== null && winner !== name).map(other);
  return [
    lowest,
    ...(beaten.length === 0 ? [] : [`surely better than ${beaten.join(" and ")} (95 %)`]),
    ...(near.length === 0 ? [] : [`within noise of ${near.join(" and ")}`]),
    ...(lost.length === 0 ? [] : [`though on the test's text worse than ${lost.join(" and ")}`]),
  ].join(", ");
}

/** Runs of equal rungs belong to the first of them. */
function costsOf(
  { rungs, processes }: Design,
  { results, failures }: Known,
): { rungs: Cost[]; all: SearchResult["cost"] } {
  const ended: readonly (Result | Failure)[] = [...results, ...failures];
  const sum = (runs: typeof ended): Cost => ({
    runs: runs.length,
    flops: runs.reduce((total, { flops = 0 }) => total + flops, 0),
    seconds: runs.reduce((total, { seconds = 0 }) => total + seconds, 0),
  });
  const rungOf = new Map(
    [...rungs.entries()]
      .reverse()
      .flatMap(([place, { trial }]) => trial.runs.flat(2).map(({ run }) => [run, place] as const)),
  );
  const took = new Map(ended.map(({ run, seconds = 0 }) => [run, seconds]));
  // Further seeds begin when the first has ended.
  const waves = rungs.flatMap(({ trial }, place) => {
    const own = trial.runs.flat(2).filter(({ run }) => rungOf.get(run) === place && took.has(run));
    return [own.filter(({ seed }) => seed === 0), own.filter(({ seed }) => seed > 0)];
  });
  const clockOf = (wave: (typeof waves)[number]) =>
    clockSeconds(
      wave.map(({ run }) => took.get(run)!),
      processes,
    );
  return {
    rungs: rungs.map((_, place) => sum(ended.filter(({ run }) => rungOf.get(run) === place))),
    all: { ...sum(ended), clock: waves.reduce((total, wave) => total + clockOf(wave), 0) },
  };
}

/** Errors: RequestError where nothing is known yet. */
export function requireWinner({ winner }: SearchResult): Winner {
  if (winner !== null) return winner;
  throw new RequestError("design: the search ended before its first rung did; give a larger budget");
}
