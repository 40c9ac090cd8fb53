// What a study has come to: arms with their losses, verdicts of pairs, and where those turn under another budget. Trains nothing.
import type { Known } from "../study/job.ts";
import type { Comparison } from "../study/statistics/compare.ts";
import type { Table } from "../study/statistics/table.ts";
import { type ArmResult, armResults, endedOf, spentOn } from "./armResult.ts";
import type { Trial } from "./define.ts";
import type { TrialArm } from "./lengths.ts";
import { type MeasureName, measureNames, measures } from "./measures.ts";
import { outcomeOf, type TrialOutcome, tableBy } from "./outcome.ts";
import { type PairResult, pairResult, type ViewResult, viewResult } from "./pairResult.ts";
import type { Wording } from "./subjects/subject.ts";
import { subjectOf } from "./subjects/subjects.ts";
import { scoreOf, type TrialValue } from "./values.ts";
import { type ViewArm, type ViewStage, viewsOf } from "./views.ts";

/** Why there are no more runs. */
export type TrialEnd = "done" | "budget" | "interrupted";

/** What a study has come to. */
export interface TrialResult {
  readonly name: string;
  readonly data: string;
  /** Which data are made where none are given, and that these are; null where some were. */
  readonly builtIn: string | null;
  /** Passes over the training data of the arm that has most. */
  readonly epochs: number;
  /** What the verdict is on. */
  readonly measure: MeasureName;
  readonly words: Wording;
  readonly seeds: readonly number[];
  /** How many seeds the study had when it was looked at before, each time that they were raised. */
  readonly earlierSeeds: readonly number[];
  readonly raced: boolean;
  /** Arms of a race that had another rate run under later seeds, since a pair hung on it. */
  readonly appeals: readonly string[];
  readonly finished: boolean;
  /** Why there are no more runs: `done`, `spend` is used up (budget), or something stopped them before. */
  readonly ended: TrialEnd;
  readonly margin: number;
  readonly arms: readonly ArmResult[];
  readonly pairs: readonly PairResult[];
  readonly views: readonly ViewResult[];
  /** A difference that would have been a win whatever else; null where nothing is known of the spread. */
  readonly decidable: number | null;
  /** What made the runs, by name; none where records do not tell it. */
  readonly backends: readonly string[];
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

/**
 * What is known so far.
 * @param earlierSeeds how many the study had when it was looked at before
 * @param stopped why its runner ended; default: done where nothing more is to be made, else interrupted
 */
export function trialResult(
  trial: Trial,
  known: Known,
  earlierSeeds: readonly number[] = [],
  stopped: TrialEnd = "interrupted",
): TrialResult {
  const { settings, data, seeds } = trial;
  const subject = subjectOf(settings);
  const { measure, words, builtIn } = subject;
  // The law is of next tokens.
  const sizeExponent = subject.objective(settings).scoresNextTokens ? subject.sizeExponent : null;
  const outcome = outcomeOf(trial, known);
  const arms = armResults(trial, known, outcome);
  const names = arms.map(({ name }) => name);
  const pairs = outcome.comparisons.map((comparison) => ({
    ...pairResult(comparison, names, measure),
    ...earlyOf(comparison, outcome.table),
  }));
  const others = measureNames.flatMap((other) => {
    const table = tableBy(outcome, (value) => measures[other].of(scoreOf(value)), -1);
    const isTold = other !== measure && table.some((row) => row.some((cell) => cell !== null));
    return isTold ? [{ measure: other, table, margin: measures[other].margin }] : [];
  });
  const views = viewsOf(
    trial.arms.map((arm, place) => viewArm(arm, outcome, place, arms[place]!.stages, trial)),
    { ...outcome, margin: settings.margin, sizeExponent, others },
  ).map((view) => viewResult(view, names, pairs, measure));
  return {
    name: settings.name,
    data: data.name,
    builtIn: builtIn(settings),
    epochs: Math.max(...trial.arms.map(({ tokens }) => tokens)) / data.trainingTokens,
    ...{ measure, words, seeds, earlierSeeds },
    raced: settings.stop === "race",
    appeals: settings.stop === "race" ? names.filter((_, place) => isAppealed(outcome.values[place]!)) : [],
    finished: outcome.finished,
    // A race may end for want of budget by its own rule, which for the runner is done.
    ended: outcome.isSpent ? "budget" : outcome.finished ? "done" : stopped,
    margin: settings.margin,
    ...{ arms, pairs, views },
    decidable: decidableOf(outcome.comparisons),
    backends: [...new Set(outcome.values.flat(2).flatMap((value) => value?.backend ?? []))].sort(),
    optimum: outcome.values.flat(2).find((value) => value !== null)?.optimum ?? null,
    spent: { ...spentOn(endedOf(known)), of: trial.runs.flat(2).length },
    failures: known.failures.map(({ run, reason }) => ({ run, reason })),
  };
}

/** Whether another rate than the arm's has had later seeds. */
function isAppealed(rates: TrialOutcome["values"][number]): boolean {
  return rates.filter((seeds) => seeds.slice(1).some((value) => value !== null)).length > 1;
}

function earlyOf(
  { arms: [a, b], seeds, verdict }: Comparison,
  table: Table,
): Pick<PairResult, "decidedAfter"> {
  const shared = (table[a] ?? []).filter(
    (cell, seed) => cell !== null && (table[b]?.[seed] ?? null) !== null,
  );
  return verdict.kind !== "undecided" && seeds < shared.length ? { decidedAfter: seeds } : {};
}

/** A race decides some pairs at looks that are stricter than its last: those that went on say what it could decide. */
function decidableOf(comparisons: readonly Comparison[]): number | null {
  const open = comparisons.filter(({ verdict }) => verdict.kind === "undecided");
  const halves = (among: readonly Comparison[]) =>
    among.flatMap(({ low, high }) => (low === null || high === null ? [] : [(high - low) / 2]));
  const told = halves(open).length > 0 ? halves(open) : halves(comparisons);
  return told.length === 0 ? null : Math.max(...told);
}

function viewArm(
  { parameters }: TrialArm,
  { values, chosen, table }: TrialOutcome,
  place: number,
  stages: readonly ViewStage[],
  { settings, length }: Trial,
): ViewArm {
  const rate = chosen[place]!;
  const { of } = measures[subjectOf(settings).measure];
  const ofRate: readonly (TrialValue | null)[] = rate === null ? [] : values[place]![rate]!;
  return {
    tokensPerStep: settings.batch * length,
    ...{ stages, parameters },
    // Seeds that the table has: a race may have stopped an arm's.
    seeds: ofRate.map((value, seed) => {
      const test = value === null ? null : of(scoreOf(value));
      if (value === null || test === null || (table[place]?.[seed] ?? null) === null) return null;
      const curve = value.curve.flatMap((look) => {
        const read = of(look);
        return read === null ? [] : [{ step: look.step, value: read }];
      });
      return curve.length === 0 ? null : { test, curve };
    }),
  };
}
