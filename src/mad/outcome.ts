// What is known of the cells of a comparison, read off the results of a study. Decides nothing.
import { z } from "zod";
import { unreadableResult } from "../study/ended.ts";
import type { Known } from "../study/job.ts";
import type { ScoreName } from "./profile.ts";
import type { CandidateRun, Cell } from "./runs.ts";

const score = z.object({
  loss: z.number(),
  accuracy: z.number(),
  aboveChance: z.number(),
  macroRecall: z.number(),
  macroRecallOfBatches: z.number(),
  items: z.object({ count: z.number(), mean: z.number(), deviation: z.number() }),
});

/** What the worker brings back of a run, as far as it is used here. */
const learned = z.object({
  step: z.number(),
  curve: z.array(
    z.object({ step: z.number(), trainingLoss: z.number(), loss: z.number(), accuracy: z.number() }),
  ),
  solvedAt: z.number().nullable(),
  looksAtChance: z.number(),
  selection: score,
  test: score,
  parameters: z.number(),
  state: z.object({ mad: z.number(), kept: z.number() }),
  flopsInAll: z.number(),
  seconds: z.number(),
});

export type RunValue = z.infer<typeof learned>;

/** How far a run has come. */
export interface RunState {
  /** Of its furthest job. */
  readonly value: RunValue | null;
  readonly until: number;
  readonly failed: string | null;
  /** Training FLOPs and seconds of its processes, over all its jobs. */
  readonly flops: number;
  readonly seconds: number;
}

const untouched: RunState = { value: null, until: 0, failed: null, flops: 0, seconds: 0 };

/** The furthest state of every run. Errors: WorkError for a result that no worker of this version wrote. */
export function statesOf(known: Known): (run: string) => RunState {
  const states = new Map<string, RunState>();
  for (const { run, until, value, flops, seconds } of known.results) {
    const before = states.get(run) ?? untouched;
    const spent = { flops: before.flops + flops, seconds: before.seconds + seconds };
    if (until < before.until) states.set(run, { ...before, ...spent });
    else states.set(run, { ...before, ...spent, until, value: readValue(run, value) });
  }
  for (const { run, reason } of known.failures) {
    states.set(run, { ...(states.get(run) ?? untouched), failed: reason });
  }
  return (run) => states.get(run) ?? untouched;
}

const parsed = new WeakMap<object, RunValue>();

/** A result as it is used here. */
export function readValue(run: string, value: unknown): RunValue {
  const known = typeof value === "object" && value !== null ? parsed.get(value) : undefined;
  if (known !== undefined) return known;
  const read = learned.safeParse(value);
  if (!read.success) throw unreadableResult(run);
  if (typeof value === "object" && value !== null) parsed.set(value, read.data);
  return read.data;
}

/** Whether nothing more is to be had from a run: it has failed, has solved the task or has had all its steps. */
export function isOver(
  { value, failed }: Pick<RunState, "value" | "failed">,
  { steps }: Pick<CandidateRun, "steps">,
): boolean {
  return failed !== null || (value !== null && (value.solvedAt !== null || value.step >= steps));
}

/** A run, and what came of it. */
export interface ScoredRun {
  readonly run: CandidateRun;
  readonly value: RunValue;
}

/**
 * The best run of a cell so far, by the split that chooses: of those with a score. Fewer steps decide between two that
 * solved the task, the lower loss between equals.
 */
export function bestRun(
  cell: Cell,
  stateOf: (run: string) => RunState,
  name: ScoreName,
  choice: "selection" | "test",
): ScoredRun | null {
  let best: ScoredRun | null = null;
  for (const run of cell.runs) {
    const { value } = stateOf(run.run);
    if (value === null) continue;
    if (best === null || isBetter(value, best.value, name, choice)) best = { run, value };
  }
  return best;
}

function isBetter(one: RunValue, other: RunValue, name: ScoreName, choice: "selection" | "test"): boolean {
  if (one.solvedAt !== null && other.solvedAt !== null) return one.solvedAt < other.solvedAt;
  const difference = one[choice][name] - other[choice][name];
  return difference > 0 || (difference === 0 && one[choice].loss < other[choice].loss);
}
