import { describe, expect, test } from "vitest";
import type { Failure, Json, Result } from "../../../src/study/job.ts";
import { race, type Standing } from "../../../src/study/racing/race.ts";
import { replay } from "../../../src/study/racing/rule.ts";
import type { Entry, RaceSettings } from "../../../src/study/racing/settings.ts";

/** Scores over seeds of two arms with two rates each; null fails. */
type World = readonly (readonly (readonly (number | null)[])[])[];

interface Raced {
  readonly standing: Standing;
  /** "arm rate seed". */
  readonly runs: readonly string[];
}

function raced(world: World, changes: Partial<RaceSettings> = {}): Raced {
  const seeds = world[0]![0]!.length;
  const rule = race({
    ...{ arms: world.length, items: 1, candidates: world[0]!.length, seeds, rungs: [1], budget: null },
    ...{ margin: 0, price: () => 1, cost: ({ flops }) => flops },
    job: (entry, until) => ({
      run: `${entry.arm} ${entry.candidate} ${entry.seed}`,
      ...{ until, spec: { ...entry } },
    }),
    read: (value) => ({ itemVariance: 0, stopped: null, ...(value as { score: number; selection: number }) }),
    ...changes,
  });
  const results: Result[] = [];
  const failures: Failure[] = [];
  for (;;) {
    const { jobs, standing, finished } = replay(rule, { results, failures });
    if (finished) return { standing, runs: [...results, ...failures].map(({ run }) => run) };
    for (const { run, until, spec } of jobs) {
      const { arm, candidate, seed } = spec as unknown as Entry;
      const score = world[arm]![candidate]![seed]!;
      const value: Json = { score, selection: score };
      if (score === null) failures.push({ run, until, reason: "loss is not finite", attempts: 1 });
      else results.push({ run, until, value, flops: 1, seconds: 1 });
    }
  }
}

/** Ours wins with certainty over the loser at the rate that its first seed took for the better one. */
const ours = [
  [5, 5.1, 4.9, 5, 5.05],
  [-90, -90, -90, -90, -90],
];
const lucky = [4.2, 2.1, 1.9, 2, 2.2];
const verdictOf = ({ standing }: Raced) => standing.comparisons[0]!.verdict;

describe("an appeal", () => {
  test("a rate that the first seed left behind by little has all seeds before its arm loses, and is the arm's if it is better", () => {
    const result = raced([ours, [lucky, [4, 5, 5.1, 5, 4.9]]]);
    expect(result.runs).toContain("1 1 1");
    expect(result.standing.tuned[1]![0]!.candidate).toBe(1);
    expect(verdictOf(result).kind).toBe("undecided");
    const row = result.standing.tables[0]![1]!.map((cell) => cell!.score);
    expect(row).toEqual([4, 5, 5.1, 5, 4.9]);
    expect(result.runs.length).toBe(new Set(result.runs).size);
  });

  test("where that rate is no better after all, the win stands, and the arm keeps its rate", () => {
    const result = raced([ours, [lucky, [4, 1, 1.1, 1, 0.9]]]);
    expect(result.runs).toContain("1 1 1");
    expect(result.standing.tuned[1]![0]!.candidate).toBe(0);
    expect(verdictOf(result)).toEqual({ kind: "win", winner: 0 });
  });

  test("rates that are far off never run again, nor do those of an arm that wins", () => {
    const { runs, standing } = raced([ours, [lucky, [-80, 5, 5, 5, 5]]]);
    expect(standing.comparisons[0]!.verdict).toEqual({ kind: "win", winner: 0 });
    expect(runs.filter((run) => /^\d 1 [1-9]/.test(run))).toEqual([]);
  });

  test("without the money for it the pair stays undecided, and nothing more is spent", () => {
    const world = [ours, [lucky, [4, 5, 5.1, 5, 4.9]]];
    const whole = raced(world);
    const first = whole.runs.findIndex((run) => /^1 1 [1-9]/.test(run));
    const { standing } = raced(world, { budget: first, tuningShare: 0.5 });
    expect(standing.spent).toBe(first);
    expect(standing.reason).toBe("budget");
    expect(standing.comparisons[0]!.verdict.kind).toBe("undecided");
  });

  test("a rate that fails under a later seed is left, and asked for once", () => {
    const result = raced([ours, [lucky, [4, 5, null, 5, 4.9]]]);
    expect(result.runs.length).toBe(new Set(result.runs).size);
    expect(result.standing.tuned[1]![0]!.candidate).toBe(0);
    expect(verdictOf(result)).toEqual({ kind: "win", winner: 0 });
  });

  test.each([0, 1])("of a tie arm %i may appeal", (place) => {
    const near = [5.02, 5.05, 4.93, 5.04, 5];
    const tieOf = (other: readonly number[]) => {
      const world = place === 0 ? [[near, other], ours] : [ours, [near, other]];
      return verdictOf(raced(world, { margin: 0.15 })).kind;
    };
    expect(tieOf([-80, 7, 7.1, 7, 6.9])).toBe("tie");
    expect(tieOf([5.01, 7, 7.1, 7, 6.9])).not.toBe("tie");
  });
});
