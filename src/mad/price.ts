// What runs cost in the unit of a budget. Knows no plan.

import type { Budget } from "../study/budget.ts";
import type { StudyBudget } from "../study/runner.ts";
import { BESIDE_SECONDS, USUAL_SPEED } from "../study/usual.ts";
import type { exhaustiveCost } from "./exhaustive.ts";
import type { RaceRequest } from "./racing.ts";
import type { CandidateRun } from "./runs.ts";

/** A race's budget with its prices, and the bound beyond which no run begins. */
export interface PricedBudget extends Pick<RaceRequest, "budget" | "price" | "cost" | "processes"> {
  readonly bound: StudyBudget;
}

/** Null: there is no bound, all is run. @param processes runs at a time */
export function priceOf(
  budget: Budget | null,
  cost: ReturnType<typeof exhaustiveCost>,
  processes: number,
): PricedBudget | null {
  if (budget === null) return null;
  const flopsOf = ({ flopsPerStep }: CandidateRun, steps: number) => steps * flopsPerStep;
  const { unit, value } = budget;
  switch (unit) {
    case "flops":
      return { budget: value, price: flopsOf, cost: ({ flops }) => flops, bound: { flops: value } };
    case "steps": {
      // Steps of average cost: the results of runs say FLOPs.
      const flops = (value * cost.flops) / cost.steps;
      return { budget: flops, price: flopsOf, cost: (result) => result.flops, bound: { flops } };
    }
    case "seconds":
      return {
        budget: value,
        processes,
        price: (run, steps) => BESIDE_SECONDS + flopsOf(run, steps) / USUAL_SPEED,
        cost: ({ seconds }) => seconds,
        // How long runs take is not known beforehand, so that what is planned may not be what is spent.
        bound: { clock: value },
      };
  }
}
