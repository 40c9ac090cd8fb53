// Simulated studies: the truth is planted, noise has heavy tails, and what the study's own race concludes is held to it.
import { createRandom } from "../../src/data/random.ts";
import type { Result } from "../../src/study/job.ts";
import { race } from "../../src/study/racing/race.ts";
import { replay } from "../../src/study/racing/rule.ts";
import type { Trial } from "../../src/trial/define.ts";
import { outcomeOf } from "../../src/trial/outcome.ts";
import type { TrialRun } from "../../src/trial/runs.ts";
import { resultOf } from "./harness.ts";

/** What many studies came to. */
export interface Simulated {
  /** Share of studies with any win that is not true. */
  readonly anyFalseWin: number;
  /** Of the pairs that differ, the share that is decided for the better arm. */
  readonly decidedRightly: number;
  /** Runs made, as a share of those of all rates and seeds. */
  readonly runs: number;
}

/** Student's t with 3 degrees of freedom, brought to variance 1. */
function heavyTailed(seed: number): () => number {
  const random = createRandom(seed, 0);
  let next = 0;
  const normal = () =>
    Math.sqrt(-2 * Math.log(1 - random.uniform(next++))) * Math.cos(2 * Math.PI * random.uniform(next++));
  return () => normal() / Math.sqrt(normal() ** 2 + normal() ** 2 + normal() ** 2);
}

/**
 * @param losses of the arms, in units of the seed spread of one arm
 * @param shared of that variance, what all arms of a seed have in common, as the same batches give them
 */
export function simulate(
  trial: Trial,
  losses: readonly number[],
  studies: number,
  shared: number,
): Simulated {
  const all = trial.runs.flat(2);
  const byName = new Map(all.map((run) => [run.run, run]));
  let falseWins = 0;
  let pairs = 0;
  let right = 0;
  let made = 0;
  for (let study = 0; study < studies; study++) {
    const noise = heavyTailed(study + 1);
    const common = trial.seeds.map(() => Math.sqrt(shared) * noise());
    const own = trial.arms.map(() => trial.seeds.map(() => Math.sqrt(1 - shared) * noise()));
    // Rates differ by far more than noise: choosing among them is not what is tested.
    const lossOf = ({ arm, seed, candidate }: TrialRun) =>
      100 + losses[arm]! + common[seed]! + own[arm]![seed]! + 50 * candidate;
    const results: Result[] = [];
    for (;;) {
      const { jobs, finished } = replay(race(trial.raced), { results, failures: [] });
      if (finished) break;
      for (const { run } of jobs) results.push(resultOf(byName.get(run)!, lossOf(byName.get(run)!)));
    }
    made += results.length / all.length;
    let isFalse = false;
    // What a study's pairs are told from; all else of its result, other budgets most of all, takes ten times as long.
    for (const { arms, verdict } of outcomeOf(trial, { results, failures: [] }).comparisons) {
      const [first, second] = arms;
      const winner = verdict.kind === "win" ? verdict.winner : null;
      const better =
        losses[first] === losses[second] ? null : losses[first]! < losses[second]! ? first : second;
      if (winner !== null && winner !== better) isFalse = true;
      if (better !== null) pairs++;
      if (better !== null && winner === better) right++;
    }
    if (isFalse) falseWins++;
  }
  return {
    anyFalseWin: falseWins / studies,
    decidedRightly: pairs === 0 ? 0 : right / pairs,
    runs: made / studies,
  };
}

/** 5 % plus two standard errors. */
export const bound = (studies: number): number => 0.05 + 2 * Math.sqrt((0.05 * 0.95) / studies);
