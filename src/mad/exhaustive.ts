// The plan that runs everything to its end. Knows scores only where the first seed chooses how the others learn.
import { type Job, type Plan, toJson } from "../study/job.ts";
import { bestRun, statesOf } from "./outcome.ts";
import type { Profile } from "./profile.ts";
import type { CandidateRun, Cell } from "./runs.ts";

/**
 * All runs of all cells, the first seed of all first; where the profile tunes on the first seed, of others only the run that
 * was best there.
 */
export function exhaustivePlan(
  cells: readonly Cell[],
  { score, choice, tunedOn = "every seed" }: Pick<Profile, "score" | "choice" | "tunedOn">,
): Plan {
  const seeds = [...new Set(cells.map(({ seed }) => seed))];
  const [first, ...others] = seeds.map((seed) => cells.filter((cell) => cell.seed === seed));
  return (known) => {
    const ended = new Set([...known.results, ...known.failures].map(({ run }) => run));
    const open = (runs: readonly CandidateRun[]): Job[] =>
      runs
        .filter(({ run }) => !ended.has(run))
        .map(({ run, steps, spec }) => ({ run, until: steps, spec: toJson(spec) }));
    const all = (group: readonly Cell[]) => open(group.flatMap(({ runs }) => runs));
    if (tunedOn === "every seed") return [first!, ...others].flatMap(all);
    const tuning = all(first!);
    if (tuning.length > 0) return tuning;
    const stateOf = statesOf(known);
    return others.flatMap((group) =>
      open(
        group.flatMap(({ runs }, place) => {
          const tuned = first![place]!;
          const best = bestRun(tuned, stateOf, score, choice);
          return best === null ? runs : [runs[tuned.runs.indexOf(best.run)]!];
        }),
      ),
    );
  };
}

/** What it costs where every seed has all its runs and none ends early. */
export function exhaustiveCost(cells: readonly Cell[]): {
  readonly runs: number;
  readonly steps: number;
  readonly flops: number;
} {
  const runs = cells.flatMap((cell) => cell.runs);
  return {
    runs: runs.length,
    steps: runs.reduce((sum, { steps }) => sum + steps, 0),
    flops: runs.reduce((sum, { steps, flopsPerStep }) => sum + steps * flopsPerStep, 0),
  };
}
