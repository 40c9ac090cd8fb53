// What a race has seen and spent so far. Knows no order in which things are done.
import type { Job } from "../job.ts";
import { clockSeconds } from "../spent.ts";
import { type Comparison, compareArms } from "../statistics/compare.ts";
import { levelsOfLooks } from "../statistics/looks.ts";
import type { Cell, Table } from "../statistics/table.ts";
import type { Reason, Standing, Tuned } from "./race.ts";
import { type Ended, isResult, type Wave } from "./rule.ts";
import type { Entry, Outcome, RaceSettings } from "./settings.ts";

/** Part of a rule that yields waves and comes to a T. */
export type Steps<T> = Generator<Wave<Standing>, T, Ended>;

/** One job to be made: an entry taken from one rung to another. */
export interface Step {
  readonly entry: Entry;
  readonly from: number;
  readonly until: number;
}

/** One arm on one item. */
export interface Lane {
  readonly arm: number;
  readonly item: number;
}

/** An arm that another candidate could help, and what the pair's difference has to spare before that matters. */
export interface Stake {
  readonly arm: number;
  readonly slack: number;
}

/** A race's memory. */
export interface Book {
  readonly settings: RaceSettings;
  /** [arms][items]. */
  readonly tuned: (Tuned | null)[][];
  /** What is left to spend; Infinity without a budget. */
  readonly left: () => number;
  readonly priceOf: (steps: readonly Step[]) => number;
  /** Makes jobs of steps and tells how each ended: null for one that failed. */
  readonly run: (steps: readonly Step[]) => Steps<(Outcome | null)[]>;
  /** Null takes a score back. */
  readonly record: (entry: Entry, cell: Cell | null) => void;
  /** Of the raced candidates, [items][arms][seeds]. */
  readonly tables: () => readonly Table[];
  /** A candidate's outcomes at a rung by seed: null where its run failed, undefined where there was none. */
  readonly outcomes: (
    lane: Lane,
    candidate: number,
    until: number,
  ) => readonly (Outcome | null | undefined)[];
  /** Takes the candidate with the best mean selection among those that have all seeds of the one that is raced. */
  readonly chooseAgain: (arm: number, item: number) => void;
  /** Looks at all seeds so far, the `seeds`-th being the last; settled pairs stay as they are. */
  readonly look: (seeds: number, last: boolean) => void;
  /** Numbers of pairs that the look has decided and that are not settled. */
  readonly decided: () => readonly number[];
  /** Of a decided pair. */
  readonly stakes: (pair: number) => readonly Stake[];
  /** Settles what the look has decided, but for pairs that stay undecided. */
  readonly settle: (withheld: readonly number[]) => void;
  /** Arms that more seeds could tell from another. */
  readonly racing: () => number[];
  readonly standing: (reason: Reason) => Standing;
}

/** The chance of error that each look is tested at, after the second seed, the third, … */
export function raceLevels({
  seeds,
  alpha = 0.05,
}: Pick<RaceSettings, "seeds" | "alpha">): readonly number[] {
  const looks = Math.max(1, seeds - 1);
  return levelsOfLooks(
    alpha,
    Array.from({ length: looks }, (_, look) => Math.min(1, (look + 2) / seeds)),
  );
}

/** What jobs that are made together cost. @param each by itself, in their order */
export function costTogether(each: readonly number[], processes: RaceSettings["processes"]): number {
  return processes === undefined ? each.reduce((sum, one) => sum + one, 0) : clockSeconds(each, processes);
}

/** An empty memory. */
export function createBook(settings: RaceSettings): Book {
  const { arms, items, seeds, budget, alpha = 0.05, margin } = settings;
  const tuned = Array.from({ length: arms }, () => Array.from({ length: items }, (): Tuned | null => null));
  const tables = Array.from({ length: items }, () => Array.from({ length: arms }, (): (Cell | null)[] => []));
  const levels = raceLevels({ seeds, alpha });
  const seen = new Map<string, { readonly until: number; readonly outcome: Outcome | null }>();
  let settled: readonly Comparison[] = [];
  let comparisons: readonly Comparison[] = [];
  let spent = 0;

  const standing = (reason: Reason): Standing => ({
    tuned: tuned.map((row) => [...row]),
    tables: tables.map((table) => table.map((row) => [...row])),
    comparisons,
    ranking: rank(tables, arms),
    spent,
    reason,
  });

  const record: Book["record"] = ({ item, arm, seed }, cell) => {
    const row = tables[item]![arm]!;
    while (row.length < seed) row.push(null);
    row[seed] = cell === null ? null : { score: cell.score, itemVariance: cell.itemVariance };
  };
  const outcomes: Book["outcomes"] = (lane, candidate, until) =>
    Array.from({ length: seeds }, (_, seed) => {
      const one = seen.get(keyOf({ ...lane, candidate, seed }));
      return one?.until === until ? one.outcome : undefined;
    });

  return {
    settings,
    tuned,
    record,
    outcomes,
    tables: () => tables,
    left: () => (budget === null ? Infinity : budget - spent),
    priceOf: (steps) =>
      costTogether(
        steps.map(({ entry, from, until }) => settings.price(entry, from, until)),
        settings.processes,
      ),
    *run(steps) {
      if (steps.length === 0) return [];
      const jobs: readonly Job[] = steps.map(({ entry, until }) => settings.job(entry, until));
      const ended = yield { jobs, standing: standing(null) };
      const costs = ended.map(({ flops = 0, seconds = 0 }) => settings.cost({ flops, seconds }));
      spent += costTogether(costs, settings.processes);
      return ended.map((each, index) => {
        const { entry, until } = steps[index]!;
        const outcome = isResult(each) ? settings.read(each.value, entry) : null;
        seen.set(keyOf(entry), { until, outcome });
        return outcome;
      });
    },
    chooseAgain(arm, item) {
      const { candidate: raced, until } = tuned[arm]![item]!;
      const own = outcomes({ arm, item }, raced!, until);
      const whole = Array.from({ length: settings.candidates }, (_, candidate) => ({
        candidate,
        all: outcomes({ arm, item }, candidate, until),
      })).filter(({ all }) => own.every((one, seed) => !one || all[seed]));
      const shared = [...own.keys()].filter((seed) => whole.every(({ all }) => all[seed]));
      const selection = (all: ReturnType<Book["outcomes"]>): number =>
        shared.reduce((sum, seed) => sum + all[seed]!.selection, 0);
      const best = whole.reduce((a, b) => (selection(b.all) > selection(a.all) ? b : a));
      const outcome = best.all[0] ?? null;
      tuned[arm]![item] = { candidate: best.candidate, until, stopped: outcome?.stopped ?? null, outcome };
      for (const [seed, one] of best.all.entries()) {
        if (one !== undefined) record({ arm, item, candidate: best.candidate, seed }, one);
      }
    },
    look(count, last) {
      // A study that ends early for want of budget is tested at its end as one that ran to its end.
      const level = last ? levels.at(-1)! : levels[Math.max(0, count - 2)]!;
      comparisons = compareArms(tables, { alpha: level, lastAlpha: levels.at(-1)!, margin }).map(
        (now, pair) => (isOpen(settled[pair]) ? now : settled[pair]!),
      );
    },
    decided: () =>
      comparisons.flatMap((now, pair) =>
        isOpen(settled[pair]) && now.verdict.kind !== "undecided" ? [pair] : [],
      ),
    stakes(pair) {
      const { arms: both, verdict, low, high } = comparisons[pair]!;
      if (verdict.kind === "undecided" || low === null || high === null) return [];
      if (verdict.kind === "tie") {
        return [
          { arm: both[0], slack: margin - high },
          { arm: both[1], slack: margin + low },
        ];
      }
      return [{ arm: both[verdict.winner === both[0] ? 1 : 0], slack: Math.max(0, low, -high) }];
    },
    settle(withheld) {
      comparisons = comparisons.map((one, pair) =>
        withheld.includes(pair)
          ? { ...one, verdict: { kind: "undecided", furtherSeeds: null, isWithheld: true } }
          : one,
      );
      settled = comparisons;
    },
    racing() {
      const whole = tuned.map((row) => row.every((lane) => lane !== null && lane.candidate !== null));
      return Array.from(whole.keys()).filter(
        (arm) =>
          whole[arm] &&
          comparisons.some(
            ({ arms: pair, verdict }) =>
              verdict.kind === "undecided" && pair.includes(arm) && whole[pair[0]] && whole[pair[1]],
          ),
      );
    },
    standing,
  };
}

const keyOf = ({ arm, item, candidate, seed }: Entry): string => `${arm} ${item} ${candidate} ${seed}`;

const isOpen = (one: Comparison | undefined): boolean =>
  one === undefined || one.verdict.kind === "undecided";

function rank(tables: readonly (readonly (readonly (Cell | null)[])[])[], arms: number): number[] {
  const means = Array.from({ length: arms }, (_, arm) =>
    tables.reduce((sum, table) => {
      const cells = table[arm]!.filter((cell) => cell !== null);
      // No score at all: NaN, and last.
      return sum + cells.reduce((total, cell) => total + cell.score, 0) / cells.length;
    }, 0),
  );
  const order = (arm: number): number => (Number.isNaN(means[arm]!) ? -Infinity : means[arm]!);
  return [...means.keys()].sort((a, b) => (order(b) === order(a) ? a - b : order(b) - order(a)));
}
