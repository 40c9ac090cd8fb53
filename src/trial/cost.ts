// What a study costs on this machine: each arm's speed and memory, measured on a few updates. Trains nothing to an end.
import type { Machine } from "../backend/machine.ts";
import { timeSteps } from "../train/benchmarkSteps.ts";
import type { Arm } from "./arms.ts";
import type { Trial } from "./define.ts";
import type { TrialArm } from "./lengths.ts";

/** One arm, measured. */
export interface ArmPace {
  readonly secondsPerStep: number;
  /** Predicted, of one run; null for a backend that does not plan memory. */
  readonly peakBytes: number | null;
}

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

/** Seconds of a run beside its updates: process, data, plan, looks. */
const BESIDE_SECONDS = 2;
/** What looks at the loss add to the updates. */
const LOOKS = 1.1;
const TIMED = 6;

/** An arm; of one that grows all its networks, and how many updates each is given. */
export type TimedArm = Pick<Arm, "architecture"> & Partial<Pick<TrialArm, "networks" | "stages">>;

/**
 * Updates of each arm on one thread, alone on the machine; of one that grows the mean over its run, and the most memory.
 * Errors: RequestError for an arm that the backend cannot run.
 */
export async function measurePaces(
  machine: Machine,
  arms: readonly TimedArm[],
  batch: number,
): Promise<ArmPace[]> {
  const paces: ArmPace[] = [];
  for (const { architecture, networks = [{ architecture }], stages } of arms) {
    let [seconds, steps, peak] = [0, 0, 0];
    for (const [place, network] of networks.entries()) {
      const timing = await timeSteps(machine, network.architecture, { batch, steps: TIMED, seed: 1 });
      const own = stages?.[place]?.steps ?? 1;
      seconds += (own * timing.msPerStep) / 1000;
      steps += own;
      peak = Math.max(peak, timing.memory?.peakBytes ?? 0);
    }
    paces.push({ secondsPerStep: seconds / steps, peakBytes: peak === 0 ? null : peak });
  }
  return paces;
}

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
