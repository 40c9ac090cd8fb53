// Why a comparison came to its end, and how far its runs went by then. Plans nothing.
import type { StudyEndEvent } from "../study/events.ts";
import type { Known } from "../study/job.ts";
import type { Standing } from "../study/racing/race.ts";
import type { Replay } from "../study/racing/rule.ts";
import { exhaustivePlan } from "./exhaustive.ts";
import type { Comparison } from "./request.ts";
import type { MadResult, TaskResult } from "./result.ts";

type Ending = MadResult["ending"];

/**
 * @param raced where the race stands; null: all is run
 * @param ended why the study ended; undefined: that is not known
 */
export function endingOf(
  { cells, profile }: Pick<Comparison, "cells" | "profile">,
  known: Known,
  raced: Replay<Standing> | null,
  ended: StudyEndEvent["reason"] | undefined,
): Ending {
  const isDone = raced === null ? exhaustivePlan(cells, profile)(known).length === 0 : raced.finished;
  const done = raced === null ? "complete" : raced.standing.reason;
  if (isDone && done !== null) return done;
  // How long runs take is not known beforehand: the time of a race may be spent before its rule would have ended.
  return ended === "budget" ? "budget" : "unfinished";
}

/** The runs that are scored. */
export interface Reach {
  readonly runs: number;
  /** Of them, those that ended before their last step, and those that solved the task. */
  readonly early: number;
  readonly solved: number;
  /** The least and the most that a run had of its steps; null where there is none. */
  readonly share: readonly [least: number, most: number] | null;
  /** The same in steps, and what a whole run has; null where whole runs differ. */
  readonly steps: { readonly least: number; readonly most: number; readonly whole: number } | null;
}

export function reachOf(results: readonly Pick<TaskResult, "variants">[]): Reach {
  const variants = results.flatMap((one) => one.variants);
  const runs = variants.flatMap(({ steps, wholeSteps }) =>
    steps.map((step) => ({ step, whole: wholeSteps })),
  );
  const shares = runs.map(({ step, whole }) => step / whole);
  const wholes = new Set(runs.map(({ whole }) => whole));
  const [whole] = wholes;
  const steps = runs.map(({ step }) => step);
  return {
    runs: runs.length,
    early: runs.filter((run) => run.step < run.whole).length,
    solved: variants.reduce((sum, { solved }) => sum + solved, 0),
    share: runs.length === 0 ? null : [Math.min(...shares), Math.max(...shares)],
    steps:
      whole === undefined || wholes.size > 1
        ? null
        : { least: Math.min(...steps), most: Math.max(...steps), whole },
  };
}
