// What a pair of arms has come to, as asked and held to other budgets. Knows how scores are told, no run.
import type { Comparison } from "../study/statistics/compare.ts";
import type { Table } from "../study/statistics/table.ts";
import type { MeasureName } from "./measures.ts";
import { mean } from "./outcome.ts";
import type { View } from "./views.ts";

/** A pair of arms. */
export interface PairResult {
  readonly first: string;
  readonly second: string;
  /** By what they are compared: differences are nats of loss, or points of error in per cent. */
  readonly measure: MeasureName;
  /** That of the first - that of the second, over seeds that both have. */
  readonly difference: number | null;
  /** Holding at once for all pairs, and every look that a race takes. */
  readonly interval: readonly [number, number] | null;
  readonly seeds: number;
  readonly verdict: "win" | "tie" | "undecided";
  readonly winner: string | null;
  /** Of an undecided pair; null where more than 1,000 or not known. */
  readonly furtherSeeds: number | null;
  /** A race decided it when it had so many seeds, and its arms have had more since; absent where not. */
  readonly decidedAfter?: number;
  /** Why it is undecided whatever the difference is; absent where seeds decide. */
  readonly obstacle?: string;
}

/** The arms held to a budget. */
export interface ViewResult extends Pick<View, "axis" | "name" | "budget"> {
  /** What is compared, mean over seeds; null where an arm's curve does not reach. */
  readonly losses: readonly (number | null)[];
  readonly pairs: readonly PairResult[];
  /** Pairs, by number, that are decided as asked and decided otherwise here. */
  readonly flips: readonly number[];
  /** Pairs, by number, that are undecided as asked and won here. */
  readonly wonHere: readonly number[];
  /** Pairs, by number, that are decided as asked and undecided here. */
  readonly unsure: readonly number[];
}

/** @param names of the arms */
export function pairResult(
  { arms, difference, low, high, seeds, verdict }: Comparison,
  names: readonly string[],
  measure: MeasureName = "loss",
): PairResult {
  return {
    first: names[arms[0]]!,
    second: names[arms[1]]!,
    measure,
    // Scores are negated losses or errors.
    difference: difference === null ? null : -difference,
    interval: low === null || high === null ? null : [-high, -low],
    seeds,
    verdict: verdict.kind,
    winner: verdict.kind === "win" ? names[verdict.winner]! : null,
    furtherSeeds: verdict.kind === "undecided" ? verdict.furtherSeeds : null,
    ...(verdict.kind === "undecided" && verdict.isWithheld
      ? { obstacle: "it hangs on rates that there was no budget left to run again" }
      : {}),
  };
}

/** @param headline pairs as asked */
export function viewResult(
  view: View,
  names: readonly string[],
  headline: readonly PairResult[],
  asked: MeasureName,
): ViewResult {
  const measure = view.axis.of === "measure" ? view.axis.measure : asked;
  const pairs = view.comparisons.map((comparison) => pairResult(comparison, names, measure));
  const placesOf = (isSo: (pair: PairResult, before: PairResult) => boolean) =>
    pairs.flatMap((pair, place) => {
      const before = headline[place];
      return before !== undefined && isSo(pair, before) ? [place] : [];
    });
  return {
    ...{ axis: view.axis, name: view.name, budget: view.budget, pairs },
    losses: meansOf(view.table),
    flips: placesOf(
      ({ verdict, winner }, before) =>
        before.verdict !== "undecided" &&
        verdict !== "undecided" &&
        (verdict !== before.verdict || winner !== before.winner),
    ),
    wonHere: placesOf(({ winner }, before) => before.verdict === "undecided" && winner !== null),
    unsure: placesOf(
      ({ verdict, difference }, before) =>
        before.verdict !== "undecided" && verdict === "undecided" && difference !== null,
    ),
  };
}

function meansOf(table: Table): (number | null)[] {
  return table.map((row) => mean(row.flatMap((cell) => (cell === null ? [] : -cell.score))));
}
