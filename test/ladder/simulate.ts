// A ladder without training: losses come from a known law.
import { createRandom } from "../../src/data/random.ts";
import { type Progress, progressOf } from "../../src/ladder/progress.ts";
import type { LadderRequest } from "../../src/ladder/request.ts";
import type { LadderRun } from "../../src/ladder/runs.ts";

/** The parts of the study's plan: every stage's progress, before its jobs are done. */
export function climb(
  request: LadderRequest,
  lossOf: (run: LadderRun, at: number) => number | null,
): { stages: Progress[]; last: Progress } {
  const losses = new Map<string, number | null>();
  const stages: Progress[] = [];
  for (;;) {
    const progress = progressOf(request, losses);
    const jobs = progress.jobs.filter(({ run }) => !losses.has(run));
    if (jobs.length === 0) return { stages, last: progress };
    stages.push(progress);
    for (const run of jobs) losses.set(run.run, lossOf(run, losses.size));
  }
}

/** Normal noise, a function of seed and place. */
export function noise(seed: number, at: number): number {
  const random = createRandom(seed, 3);
  return (
    Math.sqrt(-2 * Math.log(1 - random.uniform(2 * at))) * Math.cos(2 * Math.PI * random.uniform(2 * at + 1))
  );
}
