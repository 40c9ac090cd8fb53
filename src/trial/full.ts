// The runs of a study that makes every one under every seed, in order, as far as they are paid for. Trains nothing.
import type { Trial } from "./define.ts";
import type { TrialRun } from "./runs.ts";

/**
 * The first seed of all arms first, so that a study that is stopped can be compared. Of FLOPs, which are known beforehand, no run is
 * begun that is not paid for; seconds of the clock show as they pass.
 */
export function payableRuns({ runs, budget, raced }: Trial): TrialRun[] {
  const all = runs.flat(2).sort((a, b) => a.seed - b.seed);
  if (budget === null || budget.unit === "seconds") return all;
  let left = raced.budget!;
  const unpaid = all.findIndex(({ flops }) => {
    left -= flops;
    return left < 0;
  });
  return unpaid < 0 ? all : all.slice(0, unpaid);
}
