import { describe, expect, test } from "vitest";
import { RequestError } from "../../../src/errors.ts";
import type { Failure, Job, Json, Result } from "../../../src/study/job.ts";
import { leastBudget, race, type Standing } from "../../../src/study/racing/race.ts";
import { planOf, replay } from "../../../src/study/racing/rule.ts";
import type { Entry, Outcome, RaceSettings } from "../../../src/study/racing/settings.ts";

interface World {
  /** Score of an entry at a step; null where the run fails. */
  readonly score: (entry: Entry, at: number) => number | null;
  readonly stopped?: (entry: Entry, at: number) => Outcome["stopped"];
}

function settingsOf(changes: Partial<RaceSettings> = {}): RaceSettings {
  return {
    arms: 3,
    items: 2,
    candidates: 3,
    seeds: 4,
    rungs: [100, 200, 400],
    budget: null,
    margin: 0.01,
    price: (_, from, until) => until - from,
    cost: ({ flops }) => flops,
    job: (entry, until) => ({
      run: `${entry.arm}-${entry.item}-${entry.candidate}-${entry.seed}`,
      until,
      spec: { ...entry },
    }),
    read: (value) => value as unknown as Outcome,
    ...changes,
  };
}

/** Makes one job, as a runner would. */
function work(world: World, job: Job, before: readonly Result[]): Result | Failure {
  const entry = job.spec as unknown as Entry;
  const from = Math.max(0, ...before.filter(({ run }) => run === job.run).map(({ until }) => until));
  const score = world.score(entry, job.until);
  const { run, until } = job;
  if (score === null) return { run, until, reason: "loss is not finite", attempts: 1 };
  const stopped = world.stopped?.(entry, until) ?? null;
  const value: Json = { score, itemVariance: 1e-5, selection: score, stopped };
  return { run, until, value, flops: until - from, seconds: 1 };
}

function finish(
  world: World,
  settings: RaceSettings,
): { standing: Standing; results: Result[]; failures: Failure[] } {
  const results: Result[] = [];
  const failures: Failure[] = [];
  for (;;) {
    const { jobs, finished, standing } = replay(race(settings), { results, failures });
    if (finished) return { standing, results, failures };
    for (const job of jobs) {
      const ended = work(world, job, results);
      if ("value" in ended) results.push(ended);
      else failures.push(ended);
    }
  }
}

const jitter = ({ arm, item, seed }: Entry): number => ((arm * 7 + item * 3 + seed * 5) % 11) / 1000;
/** Arm 0 is best, 2 worst; candidate 1 is the best rate; scores grow with steps. */
const plain: World = {
  score: (entry, at) =>
    (0.9 - 0.2 * entry.arm - 0.1 * Math.abs(entry.candidate - 1)) * (at / (at + 50)) + jitter(entry),
};

describe("the racing rule", () => {
  test("finds rates, ranks arms, and stops when all are told apart", () => {
    const { standing, results } = finish(plain, settingsOf({ seeds: 6 }));
    expect(standing.reason).toBe("decided");
    expect(standing.ranking).toEqual([0, 1, 2]);
    expect(standing.tuned.flat().every((lane) => lane?.candidate === 1 && lane.until === 400)).toBe(true);
    expect(standing.comparisons.map(({ verdict }) => verdict)).toEqual([
      { kind: "win", winner: 0 },
      { kind: "win", winner: 0 },
      { kind: "win", winner: 1 },
    ]);
    // 18 candidates to 100, 6 lanes on to 200 and 400, then by seed both items of every arm that is not yet told apart.
    const tuning = 18 + 6 + 6;
    const further = results.map(({ run }) => run).filter((run) => !run.endsWith("-0"));
    expect(results.length).toBe(tuning + further.length);
    for (const run of further) {
      const [arm, item, candidate, seed] = run.split("-");
      expect(further).toContain([arm, 1 - Number(item), candidate, seed].join("-"));
    }
    expect(further.filter((run) => run.endsWith("-1"))).toHaveLength(6);
    expect(results.length).toBeLessThan(tuning + 30);
    expect(standing.spent).toBe(results.reduce((sum, { flops }) => sum + flops, 0));
  });

  test("an arm that is told apart from all others gets no more seeds", () => {
    const world: World = {
      // Arms 0 and 1 cannot be told apart; arm 2 is far below.
      score: (entry) =>
        (entry.arm === 2 ? 0.1 : 0.8) + 20 * jitter({ ...entry, seed: entry.seed * (entry.arm + 1) }) * 0.2,
    };
    const { standing, results } = finish(world, settingsOf({ margin: 0, seeds: 5 }));
    const seedsOf = (arm: number) =>
      new Set(results.filter(({ run }) => run.startsWith(`${arm}-`)).map(({ run }) => run.at(-1))).size;
    expect(standing.comparisons[0]!.verdict.kind).toBe("undecided");
    expect(seedsOf(0)).toBe(5);
    expect(seedsOf(2)).toBeLessThan(5);
    expect(standing.reason).toBe("seeds");
  });

  test("solved and hopeless runs go no further", () => {
    const world: World = {
      ...plain,
      stopped: ({ arm }) => (arm === 0 ? "solved" : arm === 2 ? "hopeless" : null),
    };
    const { standing } = finish(world, settingsOf());
    expect(standing.tuned.map((row) => row[0]!.until)).toEqual([100, 400, 100]);
  });

  test("a rate that fails late is replaced by the next best; one where all fail leaves its arm unjudged", () => {
    const world: World = {
      score: (entry, at) =>
        (entry.arm === 0 && entry.candidate === 1 && at > 100) || entry.arm === 1
          ? null
          : plain.score(entry, at),
    };
    const { standing } = finish(world, settingsOf());
    expect(standing.tuned[0]!.map((lane) => [lane!.candidate, lane!.until])).toEqual([
      [0, 400],
      [0, 400],
    ]);
    expect(standing.tuned[1]!.every((lane) => lane!.candidate === null)).toBe(true);
    expect(standing.ranking).toEqual([0, 2, 1]);
    for (const { arms, verdict } of standing.comparisons) {
      expect(verdict.kind).toBe(arms.includes(1) ? "undecided" : "win");
    }
  });

  test.each([1900, 2500, 3300, 5000, 9000])("spends no more than a budget of %i", (budget) => {
    const { standing } = finish(plain, settingsOf({ budget }));
    expect(standing.spent).toBeLessThanOrEqual(budget);
    expect(standing.ranking).toEqual([0, 1, 2]);
  });

  test("a budget that gives no result is refused, and says the least", () => {
    const settings = settingsOf({ budget: 1799 });
    expect(leastBudget(settings)).toBe(1800);
    expect(() => race(settings)).toThrow(RequestError);
    expect(() => race(settings)).toThrow(/at least 1800/);
  });

  test("halves by the reduction asked for", () => {
    const { results } = finish(plain, settingsOf({ reduction: 2, seeds: 1 }));
    const at = (until: number) => results.filter((result) => result.until === until).length;
    expect([at(100), at(200), at(400)]).toEqual([18, 12, 6]);
  });
});

describe("a plan made of a rule", () => {
  test("asks for the same whatever the order in which jobs end, and wherever it is taken up again", () => {
    const settings = settingsOf({ budget: 6000 });
    const whole = finish(plain, settings);
    const plan = planOf(race(settings));
    const results: Result[] = [];
    const asked = new Set<string>();
    for (;;) {
      const jobs = plan({ results, failures: [] });
      if (jobs.length === 0) break;
      // One job at a time, the last first: as if killed after each.
      const job = jobs.at(-1)!;
      const key = `${job.run} ${job.until}`;
      expect(asked.has(key)).toBe(false);
      asked.add(key);
      results.unshift(work(plain, job, results) as Result);
    }
    expect(asked).toEqual(new Set(whole.results.map(({ run, until }) => `${run} ${until}`)));
  });

  test("leaves out what is no part of it", () => {
    const stray: Result = { run: "stray", until: 1, value: null, flops: 1, seconds: 1 };
    const settings = settingsOf();
    const { standing } = replay(race(settings), {
      results: [...finish(plain, settings).results, stray],
      failures: [],
    });
    expect(standing.reason).toBe("decided");
  });
});
