// The racing rule: candidates by successive halving on the first seed, then seed after seed for the arms that are not
// told apart, until all are or the budget is spent. Knows arms, items, candidates, seeds, scores and costs; no tasks.
import { RequestError } from "../../errors.ts";
import type { Comparison } from "../statistics/compare.ts";
import type { Table } from "../statistics/table.ts";
import { costTogether, createBook } from "./book.ts";
import type { Rule } from "./rule.ts";
import { raceSeeds } from "./seeds.ts";
import type { Outcome, RaceSettings } from "./settings.ts";
import { tune } from "./tune.ts";

/** What was found for an arm and an item: by the first seed, or later where a pair hung on it. */
export interface Tuned {
  /** The candidate that is raced; null where all failed. */
  readonly candidate: number | null;
  /** How far it was taken, and the same for all seeds. */
  readonly until: number;
  readonly stopped: Outcome["stopped"];
  /** Its last outcome with the first seed; null where all failed. */
  readonly outcome: Outcome | null;
}

/** Why a race came to its end; null while it goes on. */
export type Reason = "decided" | "seeds" | "budget" | null;

/** Where a race stands. */
export interface Standing {
  /** [arms][items]; null before the first rung. */
  readonly tuned: readonly (readonly (Tuned | null)[])[];
  /** Scores of the raced candidates, one table an item, [arms][seeds]. */
  readonly tables: readonly Table[];
  /** All pairs of arms by the mean over items, corrected for all looks so far; empty before the first look. */
  readonly comparisons: readonly Comparison[];
  /** Arms from best to worst by mean score over items, those without a score in every item last. */
  readonly ranking: readonly number[];
  readonly spent: number;
  readonly reason: Reason;
}

/**
 * The rule. First seed: all candidates of each arm and item run to the first rung, the best by `selection` go on to the
 * next, and so on; a lane ends at the last rung, or where its best is solved or hopeless. Where the budget's share for
 * this does not pay for a rung of all that are left, it is spent item by item, the item first whose scores lie furthest
 * from settled, so that arms stay comparable. Then seed by seed, every arm that has an undecided pair runs its candidate
 * on every item as far as the first seed did; after each seed from the second on there is a look. Before a look decides a pair,
 * candidates of its arms that came as far with the first seed, and with which the pair could come out otherwise, are given the
 * seeds they lack, and their arm takes the best of them. Arms all of whose pairs are decided drop out.
 */
export function race(settings: RaceSettings): Rule<Standing> {
  const least = leastBudget(settings);
  if (settings.budget !== null && settings.budget < least) {
    throw new RequestError(
      `budget: expected at least ${least}, which takes every candidate to ${settings.rungs[0]}, got ${settings.budget}; raise it or race fewer`,
    );
  }
  return function* () {
    const book = createBook(settings);
    yield* tune(book);
    const reason = yield* raceSeeds(book);
    return book.standing(reason);
  };
}

/** What it costs to take all candidates of all arms and items to the first rung: no smaller budget gives a result. */
export function leastBudget({ arms, items, candidates, rungs, price, processes }: RaceSettings): number {
  const prices: number[] = [];
  for (let item = 0; item < items; item++) {
    for (let arm = 0; arm < arms; arm++) {
      for (let candidate = 0; candidate < candidates; candidate++) {
        prices.push(price({ arm, item, candidate, seed: 0 }, 0, rungs[0]!));
      }
    }
  }
  return costTogether(prices, processes);
}
