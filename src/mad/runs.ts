// Every run that a comparison could make: each architecture on each setting of each task, under each seed, in each way to
// learn. Decides nothing and trains nothing.
import { createHash } from "node:crypto";
import { count } from "../architecture/count.ts";
import type { Architecture } from "../architecture/schema.ts";
import { type DataProfile, openTask } from "../data/tasks/openTask.ts";
import { stepsPerEpoch } from "../train/tasks/items.ts";
import { defineRecipe, type Recipe } from "../train/tasks/recipe.ts";
import { type Contestant, modelFor } from "./contestants.ts";
import type { Profile, ProfileVariant } from "./profile.ts";

/** What the worker is told of a run. */
export interface RunSpec {
  readonly architecture: Architecture;
  readonly data: DataProfile;
  readonly task: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly items: { readonly training: number; readonly selection: number; readonly test: number };
  /** Of the data, the first values and the order of training; its own for every task, the same for all architectures. */
  readonly seed: number;
  readonly recipe: Recipe;
  /** Where computations run; null: the fastest that is there. */
  readonly backend: string | null;
}

/** One run that could be made. */
export interface CandidateRun {
  readonly run: string;
  /** Of the point, short. */
  readonly point: string;
  readonly spec: RunSpec;
  /** Updates of the whole run, and between looks at the selection items. */
  readonly steps: number;
  readonly evaluateEvery: number;
  readonly flopsPerStep: number;
}

/** One number of the exhaustive table: an architecture on one setting of a task under one seed. */
export interface Cell {
  readonly architecture: string;
  readonly task: string;
  readonly variant: string;
  readonly seed: number;
  readonly chance: number;
  /** All the ways to learn. */
  readonly runs: readonly CandidateRun[];
}

export interface RunsRequest {
  readonly contestants: readonly Contestant[];
  readonly profile: Profile;
  readonly tasks: readonly string[];
  readonly seeds: readonly number[];
  readonly backend: string | null;
}

/**
 * All cells, architecture by architecture, task by task.
 * Errors: RequestError, one line, for settings that a task refuses and architectures that cannot serve it.
 */
export function cellsOf({ contestants, profile, tasks, seeds, backend }: RunsRequest): Cell[] {
  return contestants.flatMap((contestant) =>
    tasks.flatMap((task) =>
      profile.tasks[task]!.flatMap((variant) => {
        const instance = openTask({ task, profile: profile.data, settings: variant.settings });
        const architecture = modelFor(contestant, instance);
        const length = instance.lengthOf("training");
        const flopsPerItem = count(architecture, length).flopsPerToken.training * length;
        const common = {
          architecture: contestant.name,
          task,
          variant: variant.name,
          chance: instance.chance,
        };
        return seeds.map((seed): Cell => {
          const runs = variant.points.map(({ name, recipe: input }): CandidateRun => {
            const recipe = defineRecipe(input, stepsPerEpoch(variant.trainingItems, input.batch));
            const spec: RunSpec = {
              ...{ architecture, data: profile.data, task, settings: instance.settings },
              items: itemsOf(profile, variant),
              ...{ seed: seedOf(profile.data, task, seed), recipe, backend },
            };
            const { steps, batch, evaluateEvery } = recipe;
            const label = [contestant.name, task, variant.name, name, `seed ${seed}`].join(" ");
            return {
              run: runName(label, spec),
              ...{ point: name, spec, steps, evaluateEvery, flopsPerStep: flopsPerItem * batch },
            };
          });
          return { ...common, seed, runs };
        });
      }),
    ),
  );
}

function itemsOf({ selectionItems, testItems }: Profile, { trainingItems }: ProfileVariant) {
  return { training: trainingItems, selection: selectionItems, test: testItems };
}

/** The released code has one seed for all tasks; elsewhere errors on different tasks are to be independent. */
function seedOf(data: DataProfile, task: string, seed: number): number {
  if (data !== "clean") return seed;
  return createHash("sha256").update(`${task} ${seed}`).digest().readUInt32BE() & 0x7fffffff;
}

/** As the study's folders are called: legible, and different for everything that differs. */
function runName(label: string, spec: RunSpec): string {
  const hash = createHash("sha256").update(JSON.stringify(spec)).digest("hex").slice(0, 8);
  const legible = label
    .replace(/baseline /, "")
    .replace(/[^\w.]+/g, "-")
    .slice(0, 120);
  return `${legible}-${hash}`;
}
