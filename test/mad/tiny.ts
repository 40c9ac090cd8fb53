// A comparison so small that it takes seconds, and a learner that needs no training: scores by a formula.

import type { Profile } from "../../src/mad/profile.ts";
import type { RunSpec } from "../../src/mad/runs.ts";
import type { Job, Json, Known, Plan, Result } from "../../src/study/job.ts";

const rates = [1e-3, 2e-3, 4e-3];

export const tiny: Profile = {
  ...{ name: "tiny", summary: "for tests", data: "clean", seeds: 2, score: "accuracy", choice: "selection" },
  sizes: { width: 16, positions: "none", attentionHeads: 2 },
  ...{ selectionItems: 8, testItems: 16 },
  tasks: Object.fromEntries(
    ["in-context-recall", "selective-copying"].map((task) => [
      task,
      [
        {
          ...{
            name: "baseline",
            settings: task === "selective-copying" ? { length: 16, copied: 2 } : { length: 16 },
          },
          trainingItems: 32,
          points: rates.map((rate) => ({
            name: `rate ${rate}`,
            recipe: {
              ...{ steps: 40, batch: 4, evaluateEvery: 2, solved: null },
              schedule: { decay: "constant" as const, rate },
            },
          })),
        },
      ],
    ]),
  ),
};

/** What a run would score: the share of its steps, times how good it is. */
export type Skill = (spec: RunSpec, run: string) => number;

export function fakeResult({ run, until, spec: raw }: Job, skill: Skill): Result {
  const spec = raw as unknown as RunSpec;
  const share = until / spec.recipe.steps;
  const accuracy = Math.min(1, Math.max(0, skill(spec, run) * (0.5 + 0.5 * share)));
  const split = {
    ...{ loss: 2 * (1 - accuracy), accuracy, aboveChance: accuracy, macroRecall: accuracy },
    ...{ macroRecallOfBatches: accuracy, items: { count: 512, mean: accuracy, deviation: 0.1 } },
  };
  const value: Json = {
    step: until,
    curve: [{ step: until, trainingLoss: 1, loss: split.loss, accuracy }],
    ...{ solvedAt: null, looksAtChance: 0, selection: split, test: split },
    ...{ parameters: 100, state: { mad: 1, kept: 1 }, flopsInAll: 1000 * until, seconds: 1 },
  };
  return { run, until, value, flops: 1000 * until, seconds: 1 };
}

/** Follows a plan to its end. @param more what is otherwise of a job's result; default: it cost next to nothing */
export function play(
  plan: Plan,
  skill: Skill,
  failing: (run: string) => boolean = () => false,
  more: (job: Job) => Partial<Result> = () => ({}),
): Known {
  let known: Known = { results: [], failures: [] };
  for (let wave = 0; wave < 1000; wave++) {
    const jobs = plan(known);
    if (jobs.length === 0) return known;
    const failures = jobs
      .filter(({ run }) => failing(run))
      .map(({ run, until }) => ({ run, until, reason: "killed", attempts: 3 }));
    const results = jobs
      .filter(({ run }) => !failing(run))
      .map((job) => ({ ...fakeResult(job, skill), ...more(job) }));
    known = { results: [...known.results, ...results], failures: [...known.failures, ...failures] };
  }
  throw new Error("the plan has no end");
}
