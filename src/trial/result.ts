// What a study has come to: arms with their losses, verdicts of pairs, and where those turn under another budget. Trains
// nothing.
import type { Known } from "../study/job.ts";
import type { Comparison } from "../study/statistics/compare.ts";
import { armIntervals } from "../study/statistics/interval.ts";
import type { Table } from "../study/statistics/table.ts";
import type { Trial, TrialArm } from "./define.ts";
import { mean, outcomeOf, type TrialOutcome } from "./outcome.ts";
import type { TrialValue } from "./values.ts";
import { type Look, type View, type ViewArm, viewsOf } from "./views.ts";

/** One arm. Losses are nats a token. */
export interface ArmResult {
  readonly name: string;
  readonly parameters: TrialArm["parameters"];
  readonly flopsPerToken: TrialArm["count"]["flopsPerToken"];
  /** Numbers that decoding carries for one sequence of the study's length. */
  readonly state: number;
  /** Of one run. */
  readonly steps: number;
  readonly tokens: number;
  readonly flops: number;
  readonly rates: readonly number[];
  /** Of each rate the loss on the tokens that select: of a race under the first seed, else mean over seeds; null of none. */
  readonly rateLosses: readonly (number | null)[];
  /** The rate it is given; null where no run has ended. */
  readonly rate: number | null;
  /** Whether that is the lowest or the highest that was tried: a better one may lie beyond. */
  readonly edge: "lowest" | "highest" | null;
  /** Of the test with its 95 % interval over seeds; null where there is none. */
  readonly test: { readonly loss: number; readonly interval: readonly [number, number] | null } | null;
  /** Of the test, seed by seed; null where a run failed or was not made. */
  readonly tests: readonly (number | null)[];
  /** On the tokens that select, seed by seed. */
  readonly curves: readonly (readonly Look[])[];
  /** Median over its runs. */
  readonly tokensPerSecond: number | null;
  /** All its runs. */
  readonly spent: { readonly runs: number; readonly flops: number; readonly seconds: number };
}

/** A pair of arms. */
export interface PairResult {
  readonly first: string;
  readonly second: string;
  /** Loss of the first - loss of the second, over seeds that both have. */
  readonly difference: number | null;
  /** Holding at once for all pairs, and every look that a race takes. */
  readonly interval: readonly [number, number] | null;
  readonly seeds: number;
  readonly verdict: "win" | "tie" | "undecided";
  readonly winner: string | null;
  /** Of an undecided pair; null where more than 1,000 or not known. */
  readonly furtherSeeds: number | null;
}

/** The arms held to a budget. */
export interface ViewResult extends Pick<View, "axis" | "name" | "budget"> {
  /** Mean over seeds; null where an arm's curve does not reach. */
  readonly losses: readonly (number | null)[];
  readonly pairs: readonly PairResult[];
  /** Pairs, by number, that are decided as asked and decided otherwise here. */
  readonly flips: readonly number[];
  /** Pairs, by number, that are decided as asked and undecided here. */
  readonly unsure: readonly number[];
}

/** What a study has come to. */
export interface TrialResult {
  readonly name: string;
  readonly data: string;
  /** Whether these are the data that are made where none are given. */
  readonly isBuiltIn: boolean;
  readonly seeds: readonly number[];
  readonly raced: boolean;
  readonly finished: boolean;
  readonly margin: number;
  readonly arms: readonly ArmResult[];
  readonly pairs: readonly PairResult[];
  readonly views: readonly ViewResult[];
  /** A difference that would have been a win whatever else; null where nothing is known of the spread. */
  readonly decidable: number | null;
  /** Lowest loss that any predictor can have on the test, where the data know it. */
  readonly optimum: number | null;
  readonly spent: {
    readonly runs: number;
    readonly of: number;
    readonly flops: number;
    readonly seconds: number;
  };
  readonly failures: readonly { readonly run: string; readonly reason: string }[];
}

/** What is known so far. */
export function trialResult(trial: Trial, known: Known): TrialResult {
  const { settings, data, seeds } = trial;
  const outcome = outcomeOf(trial, known);
  const arms = trial.arms.map((_, place) => armResult(trial, known, outcome, place));
  const names = arms.map(({ name }) => name);
  const pairs = outcome.comparisons.map((comparison) => pairResult(comparison, names));
  const views = viewsOf(
    trial.arms.map((arm, place) => viewArm(arm, outcome, place, arms[place]!.tokensPerSecond, settings)),
    { ...outcome, margin: settings.margin },
  ).map((view) => viewResult(view, names, pairs));
  return {
    name: settings.name,
    data: data.name,
    isBuiltIn: settings.data === undefined || settings.data === "language",
    seeds,
    raced: settings.stop === "race",
    finished: outcome.finished,
    margin: settings.margin,
    ...{ arms, pairs, views },
    decidable: decidableOf(outcome.comparisons),
    optimum: outcome.values.flat(2).find((value) => value !== null)?.optimum ?? null,
    spent: {
      runs: known.results.length + known.failures.length,
      of: trial.runs.flat(2).length,
      flops: known.results.reduce((sum, { flops }) => sum + flops, 0),
      seconds: known.results.reduce((sum, { seconds }) => sum + seconds, 0),
    },
    failures: known.failures.map(({ run, reason }) => ({ run, reason })),
  };
}

/** A race decides some pairs at looks that are stricter than its last: those that went on say what it could decide. */
function decidableOf(comparisons: readonly Comparison[]): number | null {
  const open = comparisons.filter(({ verdict }) => verdict.kind === "undecided");
  const halves = (among: readonly Comparison[]) =>
    among.flatMap(({ low, high }) => (low === null || high === null ? [] : [(high - low) / 2]));
  const told = halves(open).length > 0 ? halves(open) : halves(comparisons);
  return told.length === 0 ? null : Math.max(...told);
}

function armResult(trial: Trial, known: Known, outcome: TrialOutcome, place: number): ArmResult {
  const { name, parameters, count, steps, tokens, flops, rates } = trial.arms[place]!;
  const values = outcome.values[place]!;
  const chosen = outcome.chosen[place]!;
  const isRaced = trial.settings.stop === "race";
  const own = new Set(trial.runs[place]!.flat().map(({ run }) => run));
  const results = known.results.filter(({ run }) => own.has(run));
  const interval = outcome.table.length === 0 ? null : armIntervals([outcome.table])[place]!;
  const ofChosen = chosen === null ? [] : values[chosen]!;
  return {
    ...{ name, parameters, flopsPerToken: count.flopsPerToken, state: count.stateElements.kept },
    ...{ steps, tokens, flops, rates },
    // The first seed alone has had every rate of a race.
    rateLosses: values.map((seeds) =>
      mean((isRaced ? seeds.slice(0, 1) : seeds).flatMap((value) => (value === null ? [] : value.selection))),
    ),
    rate: chosen === null ? null : rates[chosen]!,
    edge: edgeOf(chosen, rates.length),
    test:
      interval === null
        ? null
        : {
            loss: -interval.score,
            interval: interval.over === "items" ? null : [-interval.high, -interval.low],
          },
    tests: (outcome.table[place] ?? []).map((cell) => (cell === null ? null : -cell.score)),
    curves: ofChosen.flatMap((value) => (value === null ? [] : [value.curve])),
    tokensPerSecond: median(values.flat().flatMap((value) => value?.tokensPerSecond ?? [])),
    spent: {
      runs: results.length,
      flops: results.reduce((sum, one) => sum + one.flops, 0),
      seconds: results.reduce((sum, one) => sum + one.seconds, 0),
    },
  };
}

function edgeOf(chosen: number | null, count: number): ArmResult["edge"] {
  if (chosen === null || count < 2) return null;
  return chosen === 0 ? "lowest" : chosen === count - 1 ? "highest" : null;
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? null;
}

function viewArm(
  { count, parameters }: TrialArm,
  { values, chosen, table }: TrialOutcome,
  place: number,
  tokensPerSecond: number | null,
  { batch, length }: Trial["settings"],
): ViewArm {
  const rate = chosen[place]!;
  const ofRate: readonly (TrialValue | null)[] = rate === null ? [] : values[place]![rate]!;
  return {
    tokensPerStep: batch * length,
    flopsPerToken: count.flopsPerToken,
    ...{ parameters, tokensPerSecond },
    // Seeds that the table has: a race may have stopped an arm's.
    seeds: ofRate.map((value, seed) =>
      value === null || (table[place]?.[seed] ?? null) === null ? null : value,
    ),
  };
}

/** @param names of the arms */
export function pairResult(
  { arms, difference, low, high, seeds, verdict }: Comparison,
  names: readonly string[],
): PairResult {
  return {
    first: names[arms[0]]!,
    second: names[arms[1]]!,
    // Scores are negated losses.
    difference: difference === null ? null : -difference,
    interval: low === null || high === null ? null : [-high, -low],
    seeds,
    verdict: verdict.kind,
    winner: verdict.kind === "win" ? names[verdict.winner]! : null,
    furtherSeeds: verdict.kind === "undecided" ? verdict.furtherSeeds : null,
  };
}

function viewResult(view: View, names: readonly string[], headline: readonly PairResult[]): ViewResult {
  const pairs = view.comparisons.map((comparison) => pairResult(comparison, names));
  const placesOf = (isSo: (pair: PairResult, before: PairResult) => boolean) =>
    pairs.flatMap((pair, place) => {
      const before = headline[place];
      return before !== undefined && before.verdict !== "undecided" && isSo(pair, before) ? [place] : [];
    });
  return {
    ...{ axis: view.axis, name: view.name, budget: view.budget, pairs },
    losses: meansOf(view.table),
    flips: placesOf(
      ({ verdict, winner }, before) =>
        verdict !== "undecided" && (verdict !== before.verdict || winner !== before.winner),
    ),
    unsure: placesOf(({ verdict, difference }) => verdict === "undecided" && difference !== null),
  };
}

function meansOf(table: Table): (number | null)[] {
  return table.map((row) => mean(row.flatMap((cell) => (cell === null ? [] : -cell.score))));
}
