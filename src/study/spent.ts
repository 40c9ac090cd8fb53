// What a study has spent and may spend: training FLOPs, seconds of processes, seconds of the clock. Knows no disk and no plan.

/** What a study may spend. */
export interface StudyBudget {
  /** Seconds of jobs' processes: two side by side for a minute spend two minutes. */
  readonly seconds?: number | undefined;
  /** Seconds of the clock while jobs are at work, one or many; of earlier calls, what their jobs take on as many processes. */
  readonly clock?: number | undefined;
  /** Training FLOPs. */
  readonly flops?: number | undefined;
}

/** What a job has cost, as far as it is known. */
export interface Spent {
  readonly flops?: number | undefined;
  readonly seconds?: number | undefined;
}

/** Keeps account of a study while it goes on. */
export interface Ledger {
  /** What earlier calls have done of a stage, job by job in the plan's order. */
  recall(jobs: readonly Spent[]): void;
  /** A run's job has begun. */
  begin(run: string): void;
  /** It has ended, one way or the other. */
  end(run: string, spent: Spent): void;
  /** Whether no job may begin. */
  isSpent(): boolean;
  /** All that is spent, of jobs that have ended. */
  totals(): Totals;
}

/** What all jobs of a study have spent. */
export type Totals = Readonly<Record<"flops" | "seconds" | "clock", number>>;

const nothing: Totals = { flops: 0, seconds: 0, clock: 0 };

/**
 * Begins an account.
 * @param processes jobs at the same time
 * @param clock seconds, of any origin
 * @param kept what earlier calls had spent as they saw it; what can be recalled of their jobs may be less
 */
export function createLedger(
  budget: StudyBudget,
  processes: number,
  clock: () => number = () => performance.now() / 1000,
  kept: Totals = nothing,
): Ledger {
  const [earlier, own] = [{ ...nothing }, { ...nothing }];
  const began = new Map<string, number>();
  let busySince = 0;
  const add = (total: typeof own, { flops = 0, seconds = 0 }: Spent) => {
    total.flops += flops;
    total.seconds += seconds;
  };
  const spent = (of: keyof Totals) => Math.max(earlier[of], kept[of]) + own[of];
  return {
    recall(jobs) {
      for (const job of jobs) add(earlier, job);
      earlier.clock += clockSeconds(
        jobs.map(({ seconds = 0 }) => seconds),
        processes,
      );
    },
    begin(run) {
      if (began.size === 0) busySince = clock();
      began.set(run, clock());
    },
    end(run, cost) {
      add(own, cost);
      began.delete(run);
      if (began.size === 0) own.clock += clock() - busySince;
    },
    isSpent() {
      const now = clock();
      const running = [...began.values()].reduce((sum, start) => sum + now - start, 0);
      const busy = began.size === 0 ? 0 : now - busySince;
      return (
        spent("flops") >= (budget.flops ?? Infinity) ||
        spent("seconds") + running >= (budget.seconds ?? Infinity) ||
        spent("clock") + busy >= (budget.clock ?? Infinity)
      );
    },
    totals: () => ({ flops: spent("flops"), seconds: spent("seconds"), clock: spent("clock") }),
  };
}

/** How long jobs take of which so many go on at the same time, each begun in its turn as soon as a process is free. */
export function clockSeconds(jobs: readonly number[], processes: number): number {
  const ends = Array.from({ length: Math.min(processes, jobs.length) }, () => 0);
  for (const seconds of jobs) {
    const first = ends.indexOf(Math.min(...ends));
    ends[first]! += seconds;
  }
  return Math.max(0, ...ends);
}
