// What an arm of a study has come to: its losses, its best rate, its speed, what its runs cost. Knows no other arm.
import type { Failure, Known, Result } from "../study/job.ts";
import { armIntervals, type ScoreInterval } from "../study/statistics/interval.ts";
import type { Trial } from "./define.ts";
import type { TrialArm } from "./lengths.ts";
import { type MeasureName, measures } from "./measures.ts";
import { mean, type TrialOutcome, tableBy } from "./outcome.ts";
import { meanOf } from "./records.ts";
import { familyOf } from "./shapes.ts";
import type { TrialValue } from "./values.ts";
import type { Look, ViewStage } from "./views.ts";

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
  /** Of its fastest run. */
  readonly tokensPerSecond: number | null;
  /** What modules told at the end, such as the routers of experts, by dotted name: means over its seeds. */
  readonly statistics: Readonly<Record<string, readonly number[]>>;
  /** All its runs, those that failed too. */
  readonly spent: { readonly runs: number; readonly flops: number; readonly seconds: number };
}

/** What the verdict is on; infinite where there is no result. */
export function decidedBy({ test, accuracy }: ArmResult, measure: MeasureName): number {
  if (test === null) return Infinity;
  return measures[measure].of({ loss: test.loss, accuracy: accuracy?.share ?? null }) ?? Infinity;
}

export function armResults(trial: Trial, known: Known, outcome: TrialOutcome): ArmResult[] {
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
    const tokensPerSecond = fastest(values.flat().flatMap((value) => value?.tokensPerSecond ?? []));
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
            : fastest(values.flat().flatMap((value) => value?.stageTokensPerSecond[number] ?? [])),
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

export const endedOf = ({ results, failures }: Known): readonly (Result | Failure)[] => [
  ...results,
  ...failures,
];

/** What failed has cost, too, as far as its record tells it. */
export function spentOn(ended: readonly (Result | Failure)[]): ArmResult["spent"] {
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

/** Of the speeds of runs: what else the machine does makes a run slower, and never faster. Null of none. */
export function fastest(speeds: readonly number[]): number | null {
  return speeds.length === 0 ? null : Math.max(...speeds);
}
