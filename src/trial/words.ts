// A study's result in words, a line for each thing to know. Computes nothing.
import { shortList } from "../report/format.ts";
import { moreSeedsLine } from "../study/moreSeeds.ts";
import { stepDownLine } from "../study/statistics/stepDown.ts";
import { type ArmResult, decidedBy } from "./armResult.ts";
import { measures, showDifference } from "./measures.ts";
import type { PairResult, ViewResult } from "./pairResult.ts";
import type { TrialResult } from "./result.ts";

/** Seeds that an arm has a result of, by their numbers: a race may end before its last. */
export function seedsRun({ seeds, arms }: Pick<TrialResult, "seeds" | "arms">): number[] {
  return [...seeds.keys()].filter((seed) => arms.some(({ tests }) => (tests[seed] ?? null) !== null));
}

/** "seeds 1 to 3", of those that were run; before the first of all. */
export function aboutSeeds(result: Pick<TrialResult, "seeds" | "arms">): string {
  const ran = seedsRun(result).map((seed) => result.seeds[seed]!);
  const told = ran.length === 0 ? result.seeds : ran;
  return told.length === 1 ? `seed ${told[0]}` : `seeds ${told[0]} to ${told.at(-1)}`;
}

/** "win: deep over wide by 0.0312 nat [0.0201, 0.0423]". */
export function pairLine(pair: PairResult): string {
  return `${pair.verdict}: ${pairText(pair)}`;
}

/** The same without the verdict in front. */
export function pairText(pair: PairResult): string {
  const { first, second, measure, difference, interval, winner, verdict } = pair;
  const { furtherSeeds, seeds, decidedAfter, obstacle } = pair;
  const range = (ends: readonly [number, number]): string =>
    ` [${ends.map((end) => endText(end, measures[measure].digits)).join(", ")}]`;
  const early = decidedAfter === undefined ? "" : `, decided after ${decidedAfter} seeds`;
  if (difference === null) return `${first} and ${second} have no seed in common`;
  if (winner !== null) {
    const ends =
      interval === null ? "" : winner === first ? range([-interval[1], -interval[0]]) : range(interval);
    return `${winner} over ${winner === first ? second : first} by ${showDifference(Math.abs(difference), measure)}${ends}${early}`;
  }
  const apart = `${first} - ${second} is ${showDifference(difference, measure)}${interval === null ? "" : range(interval)}`;
  if (verdict === "tie") return `${apart}${early}`;
  if (obstacle !== undefined) return `${apart}; ${obstacle}`;
  if (seeds < 2) return `${apart}; one seed decides nothing`;
  if (interval === null) return `${apart}; the runs say nothing of the spread over seeds`;
  if (furtherSeeds === null) return `${apart}; more than 1,000 more seeds would be needed`;
  return `${apart}; about ${furtherSeeds} more ${furtherSeeds === 1 ? "seed" : "seeds"} would probably decide`;
}

/** What is not 0 does not look so. */
function endText(end: number, digits: number): string {
  const text = end.toFixed(digits);
  return end !== 0 && Number(text) === 0 ? end.toPrecision(1) : text;
}

/**
 * Where a pair that is decided is decided otherwise under other budgets and conventions ("flips"), and where it is
 * undecided there ("not sure"), or won there alone ("only elsewhere"): a line for each such pair.
 */
export function flipLines({ pairs, views }: TrialResult): string[] {
  return pairs.flatMap((pair, place) => {
    const toldOf = (among: readonly ViewResult[]): string => {
      const places = new Map<string, string[]>();
      for (const { name, axis, pairs: there } of among) {
        const how = axis.of === "parameters" ? " (reckoned by Kaplan's power law)" : "";
        const what = shortly(there[place]!);
        places.set(what + how, [...(places.get(what + how) ?? []), name]);
      }
      return [...places].map(([what, names]) => `${what} at ${names.join(", ")}`).join("; ");
    };
    const turned = views.filter(({ flips }) => flips.includes(place));
    const won = views.filter(({ wonHere }) => wonHere.includes(place));
    const open = views.filter(({ unsure }) => unsure.includes(place)).map(({ name }) => name);
    const asked = `${pair.first}, ${pair.second}: ${shortly(pair)} as asked`;
    return [
      ...(turned.length === 0 ? [] : [`flips: ${asked}, but ${toldOf(turned)}`]),
      ...(won.length === 0 ? [] : [`only elsewhere: ${asked}, but ${toldOf(won)}`]),
      ...(open.length === 0 ? [] : [`not sure: ${asked}, undecided at ${open.join(", ")}`]),
    ];
  });
}

function shortly({ verdict, winner }: PairResult): string {
  return winner === null ? verdict : `${winner} wins`;
}

/** "Every pair would have been decided at a difference of 0.0312 nat or more."; nothing where nothing is known of the spread. */
function decidableLines({ decidable, measure }: Pick<TrialResult, "decidable" | "measure">): string[] {
  return decidable === null
    ? []
    : [
        `Every pair would have been decided at a difference of ${showDifference(decidable, measure)} or more.`,
      ];
}

/** What must be known before the first number. */
export function noteLines(result: TrialResult): string[] {
  const { builtIn, data, words, seeds, earlierSeeds, raced, appeals, arms, pairs, spent, ended } = result;
  const { backends } = result;
  const edges = arms.flatMap((arm) => edgeLine(arm));
  const isTuned = arms.some(({ rates }) => rates.length > 1);
  return [
    `Data: ${builtIn ?? data}.`,
    ...(words.verdict === null ? [] : [words.verdict]),
    ...leaderLines(result),
    ...endLines(result),
    ...(seeds.length === 1 ? ["One seed alone decides nothing: give two or more."] : []),
    ...lengthLines(result),
    ...(isTuned
      ? []
      : ["Rates were not tuned: there is one, and at another rate another arm may be the better."]),
    ...(raced && ended === "done" && pairs.some(({ verdict }) => verdict !== "undecided")
      ? [
          `Raced: ${isTuned ? "rates were chosen on the first seed, and " : ""}arms that were told apart got no more seeds: ${spent.runs} runs of the ` +
            `${spent.of} of all rates and seeds.`,
        ]
      : []),
    ...(appeals.length === 0
      ? []
      : [
          `Other rates of ${appeals.join(", ")} ran under all seeds too, since a verdict hung on them; the best is the arm's.`,
        ]),
    ...moreSeedsLine(earlierSeeds, seeds.length),
    ...(backends.length < 2
      ? []
      : [
          `Runs were made by ${backends.join(" and ")}: their losses can differ by rounding, and their speeds are no comparison.`,
        ]),
    ...decidableLines(result),
    ...stepDownLine(pairs),
    ...edges,
  ];
}

/** The arm that leads and how surely, where a list of pairs would have to be read for it. */
function leaderLines({ arms, pairs, measure }: TrialResult): string[] {
  const [leader, ...others] = arms
    .filter((arm) => Number.isFinite(decidedBy(arm, measure)))
    .sort((a, b) => decidedBy(a, measure) - decidedBy(b, measure))
    .map(({ name }) => name);
  if (leader === undefined || others.length < 2) return [];
  const withLeader = pairs.filter(({ first, second }) => first === leader || second === leader);
  const among = (isSo: (pair: PairResult) => boolean): string[] => {
    const found = withLeader.filter(isSo).flatMap(({ first, second }) => [first, second]);
    return others.filter((other) => found.includes(other));
  };
  const better = among(({ winner }) => winner === leader);
  const has = `${leader} has the ${measures[measure].lowest}`;
  if (better.length === arms.length - 1) return [`${has}, surely lower than that of every other arm.`];
  const parts = [
    { words: "surely better than", names: better },
    { words: "surely worse than", names: among(({ winner }) => winner !== null && winner !== leader) },
    { words: "as good as", names: among(({ verdict }) => verdict === "tie") },
    { words: "not told apart from", names: among(({ verdict }) => verdict === "undecided") },
  ].filter(({ names }) => names.length > 0);
  return [`${has}: ${parts.map(({ words, names }) => `${words} ${shortList(names)}`).join("; ")}.`];
}

/** Why there are fewer runs than all. */
function endLines({ ended, spent, raced }: TrialResult): string[] {
  if (ended === "done") return [];
  if (ended === "interrupted") return [`Not finished: ${spent.runs} runs have ended.`];
  const all = raced ? `the ${spent.of} of all rates and seeds` : String(spent.of);
  return [`Stopped: spend is used up after ${spent.runs} runs of ${all}.`];
}

/** A share of what was asked by which a run may be longer or shorter unsaid. */
const UNSAID = 0.05;

/** Where whole updates are far more or less than what was asked. */
function lengthLines({ arms, words }: TrialResult): string[] {
  const lines = new Map<string, string[]>();
  for (const { name, steps, exactSteps, tokens } of arms) {
    const off = steps / exactSteps - 1;
    if (Math.abs(off) <= UNSAID) continue;
    const text =
      `trained on ${tokens.toLocaleString("en-US")} ${words.tokens}, ${Math.round(100 * Math.abs(off))} % ` +
      `${off > 0 ? "more" : "less"} than train gives, since updates of ${(tokens / steps).toLocaleString("en-US")} are whole`;
    lines.set(text, [...(lines.get(text) ?? []), name]);
  }
  return [...lines].map(([text, names]) => {
    return names.length === arms.length ? `Every arm is ${text}.` : `${shortList(names)}: ${text}.`;
  });
}

/** Where the best rate is the first or the last of them. */
export function edgeLine({ name, rate, edge }: Pick<ArmResult, "name" | "rate" | "edge">): string[] {
  if (edge === null) return [];
  const beyond = edge === "lowest" ? "lower" : "higher";
  return [`warning: the best rate of ${name}, ${rate}, is the ${edge} that was tried; try ${beyond} ones.`];
}
