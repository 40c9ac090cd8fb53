// What a study costs on this machine: runs, FLOPs, time and memory, from the speed of its arms. Measures nothing.
import { BESIDE_SECONDS } from "../study/usual.ts";
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
    /** At least, and at most. */
    readonly runs: readonly [number, number];
  }[];
  readonly runs: readonly [number, number];
  readonly flops: readonly [number, number];
  /** With as many runs at a time as asked for. */
  readonly seconds: readonly [number, number];
  /** Of all runs that go on at a time; null where it is not known. */
  readonly peakBytes: number | null;
}

/** What looks at the loss add to the updates. */
const LOOKS = 1.1;

/** At least: of a race, every rate of the first seed and one more seed; at most: every seed of the best rate; in full: all. */
export function costOfTrial(trial: Trial, paces: readonly ArmPace[]): TrialCost {
  const { settings, seeds, processes } = trial;
  const arms = trial.arms.map(({ name, rates, steps, tokens, flops }, place) => {
    const { secondsPerStep, peakBytes } = paces[place]!;
    const runs: readonly [number, number] =
      settings.stop === "full"
        ? [rates.length * seeds.length, rates.length * seeds.length]
        : [rates.length + Math.min(1, seeds.length - 1), rates.length + seeds.length - 1];
    const seconds = BESIDE_SECONDS + LOOKS * steps * secondsPerStep;
    return { name, steps, tokens, flops, seconds, peakBytes, runs };
  });
  const total = (of: (arm: (typeof arms)[number]) => number, end: 0 | 1) =>
    arms.reduce((sum, arm) => sum + arm.runs[end] * of(arm), 0);
  const both = (of: (arm: (typeof arms)[number]) => number) => [total(of, 0), total(of, 1)] as const;
  const peaks = arms.flatMap(({ peakBytes }) => peakBytes ?? []);
  const [least, most] = both(({ seconds }) => seconds / processes);
  return {
    arms,
    runs: both(() => 1),
    flops: both(({ flops }) => flops),
    seconds: [least, most],
    peakBytes: peaks.length === 0 ? null : Math.max(...peaks) * processes,
  };
}
