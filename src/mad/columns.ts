// The table of a comparison by columns: each task and, where there are several, their mean. Computes nothing.
import type { MadResult, PairVerdict, TaskResult } from "./result.ts";
import type { Estimate } from "./scores.ts";

/** A task or the mean over tasks. */
export interface ScoreColumn {
  readonly heading: string;
  /** Of each architecture, in their order. */
  readonly estimates: readonly (readonly [architecture: string, estimate: Estimate])[];
  readonly pairs: readonly PairVerdict[];
}

export function scoreColumns(result: MadResult): readonly ScoreColumn[] {
  const { tasks, architectures, verdicts } = result;
  const ofTasks = tasks.map((task) => ({
    heading: task,
    estimates: architectures.map(({ name }) => [name, find(result, name, task)] as const),
    pairs: verdicts.byTask[task]!,
  }));
  // The mean of one task is that task.
  if (tasks.length === 1) return ofTasks;
  const estimates = architectures.map(({ name, mean }) => [name, mean] as const);
  return [...ofTasks, { heading: "mean", estimates, pairs: verdicts.mean }];
}

export function find({ results }: MadResult, architecture: string, task: string): TaskResult {
  return results.find((one) => one.architecture === architecture && one.task === task)!;
}

/** How an architecture stands to the best of its column; undefined where it is surely worse. */
export function markOf(
  name: string,
  column: readonly (readonly [name: string, estimate: Estimate])[],
  pairs: readonly PairVerdict[],
): "best" | "tie" | "undecided" | undefined {
  const known = column.filter(([, { score }]) => score !== null);
  if (known.length === 0) return undefined;
  const [best] = known.reduce((one, other) => (other[1].score! > one[1].score! ? other : one));
  if (name === best) return "best";
  const pair = pairs.find(
    ({ first, second }) => [first, second].includes(name) && [first, second].includes(best),
  );
  if (pair === undefined || pair.difference === null || pair.verdict === "win") return undefined;
  return pair.verdict;
}
