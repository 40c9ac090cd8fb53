// What a profile fixes: which settings of which tasks, how they are learned and scored. Data; knows no architecture.
import type { DataProfile } from "../data/tasks/openTask.ts";
import type { TaskVariant } from "../data/tasks/task.ts";
import type { RecipeInput } from "../train/tasks/recipe.ts";
import type { MixerSizes } from "./mixers.ts";

/** One way to learn: what is searched over, such as a learning rate. */
export interface RecipePoint {
  /** Short, for names of runs and tables: "rate 0.001". */
  readonly name: string;
  readonly recipe: RecipeInput;
}

/** One setting of a task under a profile. */
export interface ProfileVariant extends TaskVariant {
  readonly points: readonly RecipePoint[];
}

/** Which number of a split is the score. */
export type ScoreName = "accuracy" | "macroRecallOfBatches";

/** Settings under a name: comparisons under the same one may be held against each other. */
export interface Profile {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  readonly data: DataProfile;
  /** Of architectures with a short name. */
  readonly sizes: MixerSizes;
  /** Seeds of a result where none are asked for. */
  readonly seeds: number;
  /** Of them; default 1. */
  readonly firstSeed?: number;
  /** Whether runs are raced where nothing else is asked for; otherwise all go to their ends. Default true. */
  readonly isRaced?: boolean;
  readonly score: ScoreName;
  /** How the best point is chosen: by a split of its own, or by the test items as the released code does. */
  readonly choice: "selection" | "test";
  /** Where all points are tried when everything is run; others take the best point of the first seed. Default every seed. */
  readonly tunedOn?: "first seed" | "every seed";
  readonly selectionItems: number;
  readonly testItems: number;
  /** Settings of each task, by its name, the baseline first. */
  readonly tasks: Readonly<Record<string, readonly ProfileVariant[]>>;
  /** Settings of tasks that take part where they are named. */
  readonly further?: Readonly<Record<string, readonly ProfileVariant[]>>;
  /** Further settings, run where difficulty is asked for. */
  readonly harder?: Readonly<Record<string, readonly ProfileVariant[]>>;
}
