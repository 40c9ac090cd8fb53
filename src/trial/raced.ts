// The race among the runs of a study, and the least that it needs to spend. Trains nothing.
import { RequestError, WorkError } from "../errors.ts";
import { type Budget, showBudget } from "../study/budget.ts";
import type { Job } from "../study/job.ts";
import { leastBudget } from "../study/racing/race.ts";
import type { Entry, RaceSettings } from "../study/racing/settings.ts";
import { runSeconds, USUAL_SPEED } from "../study/usual.ts";
import type { Trial } from "./define.ts";
import type { TrialSettings } from "./input.ts";
import type { TrialArm } from "./lengths.ts";
import { measures } from "./measures.ts";
import { jobOf, type TrialRun } from "./runs.ts";
import { subjectOf } from "./subjects/subjects.ts";
import { readValue, scoreOf } from "./values.ts";

/** The one rung of the race, in thousandths of a run: what is trained half has a rate that has not fallen yet. */
const WHOLE = 1000;

interface RaceContext {
  readonly settings: TrialSettings;
  readonly budget: Budget | null;
  readonly processes: number;
  readonly secondsPerStep: readonly number[] | undefined;
}

export function raceOf(
  runs: Trial["runs"],
  arms: readonly TrialArm[],
  { settings, budget, processes, secondsPerStep }: RaceContext,
): RaceSettings {
  const find = ({ arm, candidate, seed }: Entry): TrialRun => {
    const run = runs[arm]?.[candidate]?.[seed];
    if (run === undefined)
      throw new WorkError("study: the race names a run that does not exist; please report it");
    return run;
  };
  const measured = measures[subjectOf(settings).measure].of;
  const isTime = budget?.unit === "seconds";
  // Steps of arms differ in cost; results tell FLOPs.
  const mean = arms.reduce((sum, { flops, steps }) => sum + flops / steps, 0) / arms.length;
  const amount = budget === null ? null : budget.value * (budget.unit === "steps" ? mean : 1);
  return {
    ...{ arms: arms.length, items: 1, candidates: runs[0]!.length, seeds: settings.seeds, rungs: [WHOLE] },
    ...{ margin: settings.margin, budget: amount, ...(isTime ? { processes } : {}) },
    price(entry) {
      const { flops, steps } = find(entry);
      if (!isTime) return flops;
      const pace = secondsPerStep?.[entry.arm];
      return runSeconds(pace === undefined ? flops / USUAL_SPEED : pace * steps);
    },
    cost: ({ flops, seconds }) => (isTime ? seconds : flops),
    job: (entry): Job => jobOf(find(entry)),
    read(value, entry) {
      const read = readValue(find(entry).run, value);
      // The test is the same for all runs: what its choice does to a loss it does to all of them.
      const score = -(measured(scoreOf(read)) ?? Infinity);
      return { score, itemVariance: 0, selection: -read.selection, stopped: null };
    },
  };
}

/** Errors: RequestError, one line, with what is enough. */
export function requireEnough(budget: Budget, raced: RaceSettings): void {
  const least = leastBudget(raced);
  if (least <= raced.budget!) return;
  const needed = showBudget({ unit: budget.unit, value: (budget.value * least) / raced.budget! });
  throw new RequestError(
    `study: spend is too small for one run of each arm under each rate; expected at least ${needed}, or fewer arms or rates`,
  );
}
