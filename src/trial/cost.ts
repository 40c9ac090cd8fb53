// What a study costs on this machine: runs, FLOPs, time and memory, from the speed of its arms. Measures nothing.
import { clockSeconds } from "../study/spent.ts";
import { runSeconds } from "../study/usual.ts";
import type { Trial } from "./define.ts";
import type { ArmPace } from "./paces.ts";

/** What the runs of a study come to. */
export interface TrialCost {
  readonly arms: readonly {
    readonly name: string;
    readonly steps: number;
    readonly tokens: number;
    /** Of one run. */
    readonly flops: number;
    readonly seconds: number;
    readonly peakBytes: number | null;
    /** At least, and at most where the first seed tells the rates apart. */
    readonly runs: readonly [number, number];
  }[];
  readonly runs: readonly [number, number];
  /** Every rate under every seed: more is never run, and in a race so much only where rates come near each other. */
  readonly allRuns: number;
  /** No more than `spend`, where it is in them; as are seconds. */
  readonly flops: readonly [number, number];
  /** With as many runs at a time as asked for. */
  readonly seconds: readonly [number, number];
  /** Of all runs that go on at a time; null where it is not known. */
  readonly peakBytes: number | null;
}

/** At least: of a race, every rate of the first seed and one more seed; at most: every seed of the best rate, but for rates that a pair hangs on; in full: all. */
export function costOfTrial(trial: Trial, paces: readonly ArmPace[]): TrialCost {
  const { settings, seeds, processes } = trial;
  const arms = trial.arms.map(({ name, rates, steps, tokens, flops }, place) => {
    const { secondsPerStep, peakBytes } = paces[place]!;
    const runs: readonly [number, number] =
      settings.stop === "full"
        ? [rates.length * seeds.length, rates.length * seeds.length]
        : [rates.length + Math.min(1, seeds.length - 1), rates.length + seeds.length - 1];
    const seconds = runSeconds(steps * secondsPerStep);
    return { name, steps, tokens, flops, seconds, peakBytes, runs };
  });
  const total = (of: (arm: (typeof arms)[number]) => number, end: 0 | 1) =>
    arms.reduce((sum, arm) => sum + arm.runs[end] * of(arm), 0);
  const both = (of: (arm: (typeof arms)[number]) => number) => [total(of, 0), total(of, 1)] as const;
  const peaks = arms.flatMap(({ peakBytes }) => peakBytes ?? []);
  const flops = within(
    both((arm) => arm.flops),
    trial,
    "flops",
  );
  const allRuns = trial.arms.reduce((sum, { rates }) => sum + rates.length * seeds.length, 0);
  const atOnce = settings.stop === "full" ? allRuns : allRuns / seeds.length;
  const seconds = within([clockOf(trial, arms, 0), clockOf(trial, arms, 1)], trial, "seconds");
  return {
    arms,
    runs: both(() => 1),
    allRuns,
    ...{ flops, seconds },
    peakBytes: peaks.length === 0 ? null : Math.max(...peaks) * Math.min(processes, atOnce),
  };
}

/** Runs wait for a free process, and in a race every further seed for the one before it. @param end least or most */
function clockOf(
  { settings, seeds, processes }: Trial,
  arms: readonly { readonly seconds: number; readonly runs: readonly [number, number] }[],
  end: 0 | 1,
): number {
  const each = (of: (arm: (typeof arms)[number]) => number) =>
    clockSeconds(
      arms.flatMap((arm) => Array.from({ length: of(arm) }, () => arm.seconds)),
      processes,
    );
  if (settings.stop === "full") return each(({ runs }) => runs[end]);
  const further = end === 0 ? Math.min(1, seeds.length - 1) : seeds.length - 1;
  return each(({ runs }) => runs[end] - further) + further * each(() => 1);
}

/** Nothing begins beyond what a study may spend. */
function within(
  [least, most]: readonly [number, number],
  { budget }: Trial,
  unit: "flops" | "seconds",
): readonly [number, number] {
  if (budget === null || budget.unit !== unit) return [least, most];
  return [Math.min(least, budget.value), Math.min(most, budget.value)];
}
