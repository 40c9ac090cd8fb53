// The plan of a comparison, and the time by the clock of what is done of it. Knows no scores and no folder.
import type { Failure, Known, Plan, Result } from "../study/job.ts";
import { race } from "../study/racing/race.ts";
import { planOf } from "../study/racing/rule.ts";
import { clockSeconds } from "../study/spent.ts";
import { exhaustivePlan } from "./exhaustive.ts";
import type { Comparison } from "./request.ts";

/** A race, or everything. */
export function planFor({ cells, raced, profile }: Pick<Comparison, "cells" | "raced" | "profile">): Plan {
  return raced === null ? exhaustivePlan(cells, profile) : planOf(race(raced));
}

/**
 * Seconds that pass while jobs are at work, so many of them side by side, those of a stage once the one before has ended. With other
 * processes than these it would have been another time.
 */
export function clockOf(
  comparison: Pick<Comparison, "cells" | "raced" | "profile" | "processes">,
  known: Known,
): number {
  const plan = planFor(comparison);
  const ended = new Map([...known.failures, ...known.results].map((one) => [keyOf(one), one] as const));
  const results: Result[] = [];
  const failures: Failure[] = [];
  let clock = 0;
  for (;;) {
    const jobs = plan({ results, failures });
    const done = jobs.flatMap((job) => ended.get(keyOf(job)) ?? []);
    clock += clockSeconds(
      done.map(({ seconds = 0 }) => seconds),
      comparison.processes,
    );
    if (jobs.length === 0 || done.length < jobs.length) return clock;
    for (const one of done) {
      if ("value" in one) results.push(one);
      else failures.push(one);
    }
  }
}

const keyOf = ({ run, until }: { readonly run: string; readonly until: number }): string => `${until} ${run}`;
