// A study's result in words, a line for each thing to know. Computes nothing.
import type { ArmResult, PairResult, TrialResult } from "./result.ts";

const nat = (value: number): string => `${value.toFixed(4)} nat`;
const range = ([low, high]: readonly [number, number]): string => ` [${low.toFixed(4)}, ${high.toFixed(4)}]`;

/** "win: deep over wide by 0.0312 nat [0.0201, 0.0423]". */
export function pairLine(pair: PairResult): string {
  return `${pair.verdict}: ${pairText(pair)}`;
}

/** The same without the verdict in front. */
export function pairText({
  first,
  second,
  difference,
  interval,
  winner,
  verdict,
  furtherSeeds,
  seeds,
}: PairResult): string {
  if (difference === null) return `${first} and ${second} have no seed in common`;
  if (winner !== null) {
    const ends =
      interval === null ? "" : winner === first ? range([-interval[1], -interval[0]]) : range(interval);
    return `${winner} over ${winner === first ? second : first} by ${nat(Math.abs(difference))}${ends}`;
  }
  const apart = `${first} - ${second} is ${nat(difference)}${interval === null ? "" : range(interval)}`;
  if (verdict === "tie") return apart;
  if (seeds < 2) return `${apart}; one seed decides nothing`;
  if (interval === null) return `${apart}; the runs say nothing of the spread over seeds`;
  if (furtherSeeds === null) return `${apart}; more than 1,000 more seeds would be needed`;
  return `${apart}; about ${furtherSeeds} more ${furtherSeeds === 1 ? "seed" : "seeds"} would decide`;
}

/**
 * Where a pair that is decided is decided otherwise under other budgets and conventions ("flips"), and where it is
 * undecided there ("not sure"): a line for each such pair.
 */
export function flipLines({ pairs, views }: TrialResult): string[] {
  return pairs.flatMap((pair, place) => {
    const turned = views
      .filter(({ flips }) => flips.includes(place))
      .map(({ name, pairs: there }) => `${shortly(there[place]!)} at ${name}`);
    const open = views.filter(({ unsure }) => unsure.includes(place)).map(({ name }) => name);
    const asked = `${pair.first}, ${pair.second}: ${shortly(pair)} as asked`;
    return [
      ...(turned.length === 0 ? [] : [`flips: ${asked}, but ${turned.join("; ")}`]),
      ...(open.length === 0 ? [] : [`not sure: ${asked}, undecided at ${open.join(", ")}`]),
    ];
  });
}

function shortly({ verdict, winner }: PairResult): string {
  return winner === null ? verdict : `${winner} wins`;
}

/** What must be known before the first number. */
export function noteLines(result: TrialResult): string[] {
  const { isBuiltIn, data, seeds, raced, arms, spent, finished, decidable } = result;
  const edges = arms.flatMap((arm) => edgeLine(arm));
  return [
    isBuiltIn
      ? "Data: the built-in language, since no other is given (--data, or data: in the study)."
      : `Data: ${data}.`,
    ...(finished ? [] : [`Not finished: ${spent.runs} runs have ended.`]),
    ...(seeds.length === 1 ? ["One seed alone decides nothing: give two or more."] : []),
    ...(raced
      ? [
          `Raced: rates were chosen on the first seed, and arms that were told apart got no more seeds: ${spent.runs} runs of the ` +
            `${spent.of} of all rates and seeds.`,
        ]
      : []),
    ...(decidable === null ? [] : [`A difference of ${nat(decidable)} or more would have been decided.`]),
    ...edges,
  ];
}

function edgeLine({ name, rate, edge }: ArmResult): string[] {
  if (edge === null) return [];
  const beyond = edge === "lowest" ? "lower" : "higher";
  return [`warning: the best rate of ${name}, ${rate}, is the ${edge} that was tried; try ${beyond} ones.`];
}
