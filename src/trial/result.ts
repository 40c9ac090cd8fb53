// What a study has come to: arms with their losses, verdicts of pairs, and where those turn under another budget. Trains
// nothing.
import type { Failure, Known, Result } from "../study/job.ts";
import type { Comparison } from "../study/statistics/compare.ts";
import { armIntervals, type ScoreInterval } from "../study/statistics/interval.ts";
import type { Table } from "../study/statistics/table.ts";
import type { Trial } from "./define.ts";
import type { TrialArm } from "./lengths.ts";
import { type MeasureName, measureNames, measures } from "./measures.ts";
import { mean, outcomeOf, type TrialOutcome } from "./outcome.ts";
import { meanOf } from "./records.ts";
import { familyOf } from "./shapes.ts";
import type { Wording } from "./subjects/subject.ts";
import { subjectOf } from "./subjects/subjects.ts";
import { scoreOf, type TrialValue } from "./values.ts";
import { type Look, type View, type ViewArm, type ViewStage, viewsOf } from "./views.ts";

/** One arm. Losses are nats a token, or an image. */
export interface ArmResult {
  readonly name: string;
  /** Of its last network. */
  readonly architecture: TrialArm["architecture"];
  /** Equal for arms that differ in depth, width, heads and rates alone; null where its network grows. */
  readonly family: string | null;
  readonly parameters: TrialArm["parameters"];
  /** Of its network, as parameters are of the last one. */
  readonly flopsPerToken: TrialArm["count"]["flopsPerToken"];
  /** Of one sequence, forward: of experts those that are met. */
  readonly forwardFlops: number;
  /** Numbers that decoding carries for one sequence of the study's length. */
  readonly state: number;
  /** Of one run. */
  readonly steps: number;
  /** What `train` gives, before updates are made whole. */
  readonly exactSteps: number;
  readonly tokens: number;
  readonly flops: number;
  /** Its networks, of which there is one where it does not grow. */
  readonly stages: readonly ViewStage[];
  /** The same networks, and the method that each was grown by; null of the first. */
  readonly networks: readonly {
    readonly architecture: TrialArm["architecture"];
    readonly parameters: number;
    readonly method: string | null;
  }[];
  readonly rates: readonly number[];
  /** Of each rate the loss on the data that select: of a race under the first seed, else mean over seeds; null of none. */
  readonly rateLosses: readonly (number | null)[];
  /** The rate it is given; null where no run has ended. */
  readonly rate: number | null;
  /** Whether that is the lowest or the highest that was tried: a better one may lie beyond. */
  readonly edge: "lowest" | "highest" | null;
  /** Of the test with its 95 % interval over seeds; null where there is none. */
  readonly test: { readonly loss: number; readonly interval: readonly [number, number] | null } | null;
  /** Of the test, seed by seed; null where a run failed or was not made. */
  readonly tests: readonly (number | null)[];
  /** Share of right first guesses of the test with its interval; null where the objective does not tell it. */
  readonly accuracy: { readonly share: number; readonly interval: readonly [number, number] | null } | null;
  readonly accuracies: readonly (number | null)[];
  /** On the data that select, seed by seed. */
  readonly curves: readonly (readonly Look[])[];
  /** Median over its runs. */
  readonly tokensPerSecond: number | null;
  /** What modules told at the end, such as the routers of experts, by dotted name: means over its seeds. */
  readonly statistics: Readonly<Record<string, readonly number[]>>;
  /** All its runs, those that failed too. */
  readonly spent: { readonly runs: number; readonly flops: number; readonly seconds: number };
}

/** A pair of arms. */
export interface PairResult {
  readonly first: string;
  readonly second: string;
  /** By what they are compared: differences are nats of loss, or points of error in per cent. */
  readonly measure: MeasureName;
  /** That of the first - that of the second, over seeds that both have. */
  readonly difference: number | null;
  /** Holding at once for all pairs, and every look that a race takes. */
  readonly interval: readonly [number, number] | null;
  readonly seeds: number;
  readonly verdict: "win" | "tie" | "undecided";
  readonly winner: string | null;
  /** Of an undecided pair; null where more than 1,000 or not known. */
  readonly furtherSeeds: number | null;
  /** A race decided it when it had so many seeds, and its arms have had more since; absent where not. */
  readonly decidedAfter?: number;
  /** Why it is undecided whatever the difference is; absent where seeds decide. */
  readonly obstacle?: string;
}

/** The arms held to a budget. */
export interface ViewResult extends Pick<View, "axis" | "name" | "budget"> {
  /** What is compared, mean over seeds; null where an arm's curve does not reach. */
  readonly losses: readonly (number | null)[];
  readonly pairs: readonly PairResult[];
  /** Pairs, by number, that are decided as asked and decided otherwise here. */
  readonly flips: readonly number[];
  /** Pairs, by number, that are undecided as asked and won here. */
  readonly wonHere: readonly number[];
  /** Pairs, by number, that are decided as asked and undecided here. */
  readonly unsure: readonly number[];
}

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

/** Another figure of the runs that the verdict is on, times a sign: scores are better where they are higher. */
function tableBy(
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

/** What the verdict is on; infinite where there is no result. */
export function decidedBy({ test, accuracy }: ArmResult, measure: MeasureName): number {
  if (test === null) return Infinity;
  return measures[measure].of({ loss: test.loss, accuracy: accuracy?.share ?? null }) ?? Infinity;
}

/** A race decides some pairs at looks that are stricter than its last: those that went on say what it could decide. */
function decidableOf(comparisons: readonly Comparison[]): number | null {
  const open = comparisons.filter(({ verdict }) => verdict.kind === "undecided");
  const halves = (among: readonly Comparison[]) =>
    among.flatMap(({ low, high }) => (low === null || high === null ? [] : [(high - low) / 2]));
  const told = halves(open).length > 0 ? halves(open) : halves(comparisons);
  return told.length === 0 ? null : Math.max(...told);
}

function armResults(trial: Trial, known: Known, outcome: TrialOutcome): ArmResult[] {
  const [losses, accuracies] = [
    tableBy(outcome, ({ test }) => test, -1),
    tableBy(outcome, ({ accuracy }) => accuracy, 1),
  ];
  const intervals = outcome.table.length === 0 ? null : armIntervals([losses]);
  const shares = outcome.table.length === 0 ? null : armIntervals([accuracies], { bounds: [0, 1] });
  return trial.arms.map((arm, place): ArmResult => {
    const { name, parameters, count, steps, exactSteps, tokens, flops, rates } = arm;
    const values = outcome.values[place]!;
    const chosen = outcome.chosen[place]!;
    const isRaced = trial.settings.stop === "race";
    const own = new Set(trial.runs[place]!.flat().map(({ run }) => run));
    const ended = endedOf(known).filter(({ run }) => own.has(run));
    const [interval, share] = [intervals?.[place] ?? null, shares?.[place] ?? null];
    const ofChosen = (chosen === null ? [] : values[chosen]!).filter((value) => value !== null);
    const tokensPerSecond = median(values.flat().flatMap((value) => value?.tokensPerSecond ?? []));
    return {
      ...{ name, architecture: arm.networks.at(-1)!.architecture, family: familyOf(arm) },
      ...{ parameters, flopsPerToken: count.flopsPerToken, state: count.stateElements.kept },
      forwardFlops: count.flopsPerToken.forward * trial.length,
      ...{ steps, exactSteps, tokens, flops, rates, tokensPerSecond },
      stages: arm.stages.map((stage, number) => ({
        ...stage,
        tokensPerSecond:
          arm.stages.length === 1
            ? tokensPerSecond
            : median(values.flat().flatMap((value) => value?.stageTokensPerSecond[number] ?? [])),
      })),
      networks: arm.networks.map(({ architecture, count: { parameters: sizes } }, number) => ({
        ...{ architecture, parameters: sizes.total },
        method: arm.growth[number - 1]?.method ?? null,
      })),
      // The first seed alone has had every rate of a race.
      rateLosses: values.map((seeds) =>
        mean(
          (isRaced ? seeds.slice(0, 1) : seeds).flatMap((value) => (value === null ? [] : value.selection)),
        ),
      ),
      rate: chosen === null ? null : rates[chosen]!,
      edge: edgeOf(chosen, rates.length),
      test:
        interval === null
          ? null
          : { loss: -interval.score, interval: overSeeds(interval, (low, high) => [-high, -low]) },
      tests: (losses[place] ?? []).map((cell) => (cell === null ? null : -cell.score)),
      accuracy:
        share === null
          ? null
          : { share: share.score, interval: overSeeds(share, (low, high) => [low, high]) },
      accuracies: (accuracies[place] ?? []).map((cell) => cell?.score ?? null),
      curves: ofChosen.map(({ curve }) => curve),
      statistics: meanStatistics(ofChosen.map(({ statistics }) => statistics)),
      spent: spentOn(ended),
    };
  });
}

const endedOf = ({ results, failures }: Known): readonly (Result | Failure)[] => [...results, ...failures];

/** What failed has cost, too, as far as its record tells it. */
function spentOn(ended: readonly (Result | Failure)[]): ArmResult["spent"] {
  return {
    runs: ended.length,
    flops: ended.reduce((sum, { flops = 0 }) => sum + flops, 0),
    seconds: ended.reduce((sum, { seconds = 0 }) => sum + seconds, 0),
  };
}

/** Null of one seed, and of seeds that agree to the last digit, which say nothing of others. */
function overSeeds(
  { over, low, high }: ScoreInterval,
  ends: (low: number, high: number) => readonly [number, number],
): readonly [number, number] | null {
  return over === "items" || low === high ? null : ends(low, high);
}

/** Of those that all runs have told. */
function meanStatistics(told: readonly TrialValue["statistics"][]): ArmResult["statistics"] {
  const names = Object.keys(told[0] ?? {}).filter((name) => told.every((one) => Object.hasOwn(one, name)));
  return Object.fromEntries(names.map((name) => [name, meanOf(told.map((one) => one[name]!))]));
}

/** @param chosen number of the rate, of so many */
export function edgeOf(chosen: number | null, count: number): ArmResult["edge"] {
  if (chosen === null || count < 2) return null;
  return chosen === 0 ? "lowest" : chosen === count - 1 ? "highest" : null;
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? null;
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

/** @param names of the arms */
export function pairResult(
  { arms, difference, low, high, seeds, verdict }: Comparison,
  names: readonly string[],
  measure: MeasureName = "loss",
): PairResult {
  return {
    first: names[arms[0]]!,
    second: names[arms[1]]!,
    measure,
    // Scores are negated losses or errors.
    difference: difference === null ? null : -difference,
    interval: low === null || high === null ? null : [-high, -low],
    seeds,
    verdict: verdict.kind,
    winner: verdict.kind === "win" ? names[verdict.winner]! : null,
    furtherSeeds: verdict.kind === "undecided" ? verdict.furtherSeeds : null,
    ...(verdict.kind === "undecided" && verdict.isWithheld
      ? { obstacle: "it hangs on rates that there was no budget left to run again" }
      : {}),
  };
}

function viewResult(
  view: View,
  names: readonly string[],
  headline: readonly PairResult[],
  asked: MeasureName,
): ViewResult {
  const measure = view.axis.of === "measure" ? view.axis.measure : asked;
  const pairs = view.comparisons.map((comparison) => pairResult(comparison, names, measure));
  const placesOf = (isSo: (pair: PairResult, before: PairResult) => boolean) =>
    pairs.flatMap((pair, place) => {
      const before = headline[place];
      return before !== undefined && isSo(pair, before) ? [place] : [];
    });
  return {
    ...{ axis: view.axis, name: view.name, budget: view.budget, pairs },
    losses: meansOf(view.table),
    flips: placesOf(
      ({ verdict, winner }, before) =>
        before.verdict !== "undecided" &&
        verdict !== "undecided" &&
        (verdict !== before.verdict || winner !== before.winner),
    ),
    wonHere: placesOf(({ winner }, before) => before.verdict === "undecided" && winner !== null),
    unsure: placesOf(
      ({ verdict, difference }, before) =>
        before.verdict !== "undecided" && verdict === "undecided" && difference !== null,
    ),
  };
}

function meansOf(table: Table): (number | null)[] {
  return table.map((row) => mean(row.flatMap((cell) => (cell === null ? [] : -cell.score))));
}
