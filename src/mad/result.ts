// What came out of a comparison, as plain data: the table, verdicts, difficulty curves, costs. Prints nothing.
import { countedParameters } from "../architecture/count.ts";
import type { Budget } from "../study/budget.ts";
import type { StudyEndEvent } from "../study/events.ts";
import type { Known } from "../study/job.ts";
import { race } from "../study/racing/race.ts";
import { replay } from "../study/racing/rule.ts";
import type { Comparison as Verdict } from "../study/statistics/compare.ts";
import { endingOf } from "./ending.ts";
import type { IsoState } from "./isoState.ts";
import { bestRun, type RunState, statesOf } from "./outcome.ts";
import { clockOf } from "./plan.ts";
import { racedRuns } from "./racing.ts";
import type { Comparison } from "./request.ts";
import { type Estimate, estimatesOf, type Scores, type SeedScore, scoresOf } from "./scores.ts";
import { verdictsFor } from "./verdicts.ts";

/** A pair of architectures, by name. */
export interface PairVerdict {
  readonly first: string;
  readonly second: string;
  /** Score of the first - score of the second; null where they share no seed. */
  readonly difference: number | null;
  readonly interval: readonly [low: number, high: number] | null;
  readonly verdict: "win" | "tie" | "undecided";
  readonly winner: string | null;
  /** Of an undecided pair: seeds that would probably decide it. */
  readonly furtherSeeds: number | null;
}

/** An architecture on one setting of a task. */
export interface VariantResult extends Estimate {
  readonly variant: string;
  /** Token accuracy and macro recall over all test items, means over seeds. */
  readonly accuracy: number | null;
  readonly macroRecall: number | null;
  /** 0 at chance, 1 where all is right. */
  readonly aboveChance: number | null;
  readonly chance: number;
  readonly solved: number;
  /** Updates of the runs that are scored, and of one that is not stopped early. */
  readonly steps: readonly number[];
  readonly wholeSteps: number;
  /** The point that is scored, by seed: of a race the one that was raced, else the best of the seed. */
  readonly points: readonly string[];
  /** Its looks at the selection items, by seed. */
  readonly curves: readonly (readonly {
    readonly step: number;
    readonly loss: number;
    readonly accuracy: number;
  }[])[];
  /** Of all runs for this result, those of other points too. */
  readonly flops: number;
  readonly seconds: number;
}

/** An architecture on a task: the mean over its settings. */
export interface TaskResult extends Estimate {
  readonly architecture: string;
  readonly task: string;
  readonly variants: readonly VariantResult[];
  readonly flops: number;
  readonly seconds: number;
}

/** An architecture over all tasks. */
export interface ArchitectureResult {
  readonly name: string;
  /** On the first task. */
  readonly parameters: number;
  readonly isoState: IsoState;
  readonly mean: Estimate;
  readonly flops: number;
  readonly seconds: number;
}

/** All that came out, as JSON. */
export interface MadResult {
  readonly profile: string;
  readonly score: string;
  readonly tasks: readonly string[];
  /** Those asked for; an estimate says which of them it is over. */
  readonly seeds: readonly number[];
  readonly full: boolean;
  /** Of a race; null: all is run. */
  readonly budget: Budget | null;
  /**
   * `complete`: all runs were made. Of a race: `decided`, no pair was left that further seeds could tell apart; `seeds`, the last of
   * them was run; `budget`, what was left of it paid for no more. `unfinished`: it was interrupted.
   */
  readonly ending: "complete" | "decided" | "seeds" | "budget" | "unfinished";
  readonly architectures: readonly ArchitectureResult[];
  readonly results: readonly TaskResult[];
  /** Of the mean over tasks, and of each task by itself, all pairs; with one task these are the same. */
  readonly verdicts: {
    readonly mean: readonly PairVerdict[];
    readonly byTask: Readonly<Record<string, readonly PairVerdict[]>>;
  };
  readonly failures: readonly { readonly run: string; readonly reason: string }[];
  /** FLOPs of training, seconds of the runs' processes, and by the clock; `share`: of the FLOPs of all runs to their ends. */
  readonly spent: {
    readonly runs: number;
    readonly steps: number;
    readonly flops: number;
    readonly seconds: number;
    readonly clock: number;
    readonly share: number;
  };
  readonly exhaustive: { readonly runs: number; readonly steps: number; readonly flops: number };
}

/** @param ended why the study ended; where it is not given, what is not done is unfinished */
export function resultOf(comparison: Comparison, known: Known, ended?: StudyEndEvent["reason"]): MadResult {
  const { profile, cells, tasks, seeds, contestants, cost, isFull, raced, budget } = comparison;
  const stand = raced === null ? null : replay(race(raced), known);
  const stateOf = statesOf(known);
  // One report has one number of an architecture on a task: that which the verdicts are about.
  const raceRun = stand === null ? null : racedRuns(cells, stand.standing, known);
  const scores = scoresOf(
    cells,
    profile,
    raceRun ?? ((cell) => bestRun(cell, stateOf, profile.score, profile.choice)),
  );
  const results = tasks.flatMap((task) => taskResults(comparison, scores, stateOf, task));
  const means = estimatesOf(scores.meanTable(), scores.seeds);
  const verdicts = verdictsFor(comparison, scores, stand?.standing ?? null);
  const runs = [...new Set([...known.results, ...known.failures].map(({ run }) => run))];
  const sum = (of: "flops" | "seconds") => known.results.reduce((total, result) => total + result[of], 0);
  const pairs = (found: readonly Verdict[]) => found.map((verdict) => pairOf(verdict, scores.architectures));
  return {
    ...{ profile: profile.name, score: profile.score, tasks, seeds, full: isFull },
    ...{ budget, ending: endingOf(comparison, known, stand, ended) },
    architectures: contestants.map(({ name }, arm) => {
      const own = results.filter(({ architecture }) => architecture === name);
      const first = cells.find(({ architecture }) => architecture === name)!.runs[0]!;
      return {
        name,
        parameters: countedParameters(first.spec.architecture).total,
        isoState: comparison.isoStates.get(name)!,
        mean: means[arm]!,
        flops: own.reduce((total, { flops }) => total + flops, 0),
        seconds: own.reduce((total, { seconds }) => total + seconds, 0),
      };
    }),
    results,
    verdicts: {
      mean: pairs(verdicts.mean),
      byTask: Object.fromEntries(tasks.map((task) => [task, pairs(verdicts.byTask[task]!)])),
    },
    failures: known.failures.map(({ run, reason }) => ({ run, reason })),
    spent: {
      runs: runs.length,
      steps: runs.reduce((total, run) => total + (stateOf(run).value?.step ?? 0), 0),
      ...{ flops: sum("flops"), seconds: sum("seconds"), clock: clockOf(comparison, known) },
      share: sum("flops") / cost.flops,
    },
    exhaustive: cost,
  };
}

function taskResults(
  { cells }: Comparison,
  scores: Scores,
  stateOf: (run: string) => RunState,
  task: string,
): TaskResult[] {
  const whole = estimatesOf(scores.taskTable(task), scores.seeds);
  const ofVariants = scores.variants[task]!.map((variant) =>
    estimatesOf(scores.variantTable(task, variant), scores.seeds),
  );
  return scores.architectures.map((architecture, arm): TaskResult => {
    const variants = scores.variants[task]!.map((variant, place): VariantResult => {
      const own = cells.filter(
        (cell) => cell.architecture === architecture && cell.task === task && cell.variant === variant,
      );
      const states = own.flatMap(({ runs }) => runs.map(({ run }) => stateOf(run)));
      const found = scores.seedScores(architecture, task, variant).filter((one) => one !== null);
      const mean = (of: (one: SeedScore) => number) =>
        found.length === 0 ? null : found.reduce((sum, one) => sum + of(one), 0) / found.length;
      return {
        ...{ variant, ...ofVariants[place]![arm]! },
        accuracy: mean(({ value }) => value.test.accuracy),
        macroRecall: mean(({ value }) => value.test.macroRecall),
        aboveChance: mean(({ value }) => value.test.aboveChance),
        chance: own[0]!.chance,
        solved: found.filter(({ value }) => value.solvedAt !== null).length,
        steps: found.map(({ value }) => value.step),
        wholeSteps: own[0]!.runs[0]!.steps,
        points: found.map(({ run }) => run.point),
        curves: found.map(({ value }) => value.curve),
        ...spentBy(states),
      };
    });
    return { architecture, task, ...whole[arm]!, variants, ...spentBy(variants) };
  });
}

function spentBy(parts: readonly { readonly flops: number; readonly seconds: number }[]) {
  return {
    flops: parts.reduce((sum, { flops }) => sum + flops, 0),
    seconds: parts.reduce((sum, { seconds }) => sum + seconds, 0),
  };
}

function pairOf({ arms, difference, low, high, verdict }: Verdict, names: readonly string[]): PairVerdict {
  return {
    ...{ first: names[arms[0]]!, second: names[arms[1]]!, difference },
    interval: low === null || high === null ? null : [low, high],
    verdict: verdict.kind,
    winner: verdict.kind === "win" ? names[verdict.winner]! : null,
    furtherSeeds: verdict.kind === "undecided" ? verdict.furtherSeeds : null,
  };
}
