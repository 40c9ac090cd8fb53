// What a design comes to on this machine: runs, updates, time. Trains nothing.
import { runSeconds } from "../study/usual.ts";
import type { ArmPace } from "../trial/paces.ts";
import type { Design, DesignRung } from "./define.ts";
import { wavesOf } from "./rungs.ts";

/** A rung, and how long its runs are. */
export interface RungCost extends Pick<DesignRung, "candidates" | "rates" | "runs" | "amount"> {
  /** Fewest and most updates of a run. */
  readonly steps: readonly [number, number];
}

/** All of a design. */
export interface DesignCost {
  readonly rungs: readonly RungCost[];
  /** Of the search. */
  readonly runs: number;
  /** Planned for the winner's run, in the budget's unit. */
  readonly final: number;
  /** Of everything. */
  readonly seconds: number;
}

/** Later rungs are reckoned with candidates of average speed. */
export function costOfDesign(
  { rungs, candidates, settings, final, processes, screen }: Design,
  paces: readonly ArmPace[],
): DesignCost {
  const { batch, length, budget } = settings;
  const speeds = candidates.map(
    ({ flopsPerToken }, place) => (flopsPerToken * batch * length) / paces[place]!.secondsPerStep,
  );
  const speed = speeds.reduce((sum, one) => sum + one, 0) / speeds.length;
  const secondsOf = (flops: number) => runSeconds(flops / speed);
  const runs = rungs.reduce((sum, rung) => sum + rung.runs, 0);
  const tasks = screen === null ? 0 : secondsOf(screen.flops) / processes;
  const search = rungs.reduce((sum, rung) => sum + wavesOf(rung, processes) * secondsOf(rung.amount), tasks);
  return {
    rungs: rungs.map(({ candidates: count, rates, runs: made, amount, trial }) => {
      const steps = trial.arms.map((arm) => arm.steps);
      return {
        candidates: count,
        rates,
        runs: made,
        amount,
        steps: [Math.min(...steps), Math.max(...steps)],
      };
    }),
    ...{ runs, final },
    seconds: budget.unit === "seconds" ? budget.value : search + secondsOf(final),
  };
}
