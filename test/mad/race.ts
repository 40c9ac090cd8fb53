// Races of the tiny profile without training: what they come to where architectures have such skills.
import { type Comparison, defineComparison, type MadRequest } from "../../src/mad/request.ts";
import { type MadResult, resultOf } from "../../src/mad/result.ts";
import type { Known } from "../../src/study/job.ts";
import { race } from "../../src/study/racing/race.ts";
import { planOf } from "../../src/study/racing/rule.ts";
import { play, tiny } from "./tiny.ts";

/** Shares of right answers at the end of a run, by task and architecture. */
export type Skills = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface Raced {
  readonly comparison: Comparison;
  readonly known: Known;
  readonly result: MadResult;
}

/** @param budget share of the cost of all runs; what runs cost is what they are reckoned at */
export function raced(skills: Skills, budget: number, changes: Partial<MadRequest> = {}): Raced {
  const tasks = Object.keys(skills);
  const architectures = Object.keys(skills[tasks[0]!]!);
  const request = { architectures, profile: tiny, tasks, ...changes };
  const { flops } = defineComparison({ ...request, full: true }).cost;
  const comparison = defineComparison({ ...request, budget: { unit: "flops", value: budget * flops } });
  const runs = new Map(comparison.cells.flatMap((cell) => cell.runs.map((run) => [run.run, run] as const)));
  const known = play(
    planOf(race(comparison.raced!)),
    ({ task, recipe, seed }, run) => {
      const name = architectures.find((one) => run.startsWith(one))!;
      const isBest = (recipe.schedule as { rate: number }).rate === 2e-3;
      return skills[task]![name]! * (isBest ? 1 : 0.8) + ((seed % 7) - 3) / 1000;
    },
    () => false,
    ({ run, until }) => ({ flops: until * runs.get(run)!.flopsPerStep }),
  );
  return { comparison, known, result: resultOf(comparison, known, "done") };
}
