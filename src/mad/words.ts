// What a comparison has come to, in words: pairs, seeds, its budget, why it ended and how far its runs went.
import { formatCount, formatDuration, formatShare } from "../report/format.ts";
import type { Budget } from "../study/budget.ts";
import { reachOf } from "./ending.ts";
import type { MadResult, PairVerdict } from "./result.ts";

/** "win: attention over gla by 12.0 points [8.1, 15.9]". */
export function pairLine(pair: PairVerdict): string {
  return `${pair.verdict}: ${pairText(pair)}`;
}

/** The same without the verdict in front. */
export function pairText(pair: PairVerdict): string {
  const { first, second, difference, interval, verdict, winner, furtherSeeds } = pair;
  if (difference === null) return `${first} and ${second} have nothing to compare`;
  const points = (value: number) => (100 * value).toFixed(1);
  const isTurned = winner === second;
  const ends = interval !== null && isTurned ? ([-interval[1], -interval[0]] as const) : interval;
  const range = ends === null ? "" : ` [${points(ends[0])}, ${points(ends[1])}]`;
  if (verdict === "win") {
    return `${winner} over ${isTurned ? first : second} by ${points(Math.abs(difference))} points${range}`;
  }
  const apart = `${first} - ${second} is ${points(difference)} points${range}`;
  if (verdict === "tie" || furtherSeeds === null) return apart;
  return `${apart}; about ${furtherSeeds} more ${furtherSeeds === 1 ? "seed" : "seeds"} would tell`;
}

/** "seeds 1 to 3"; of architectures that have not the same: "seeds 1 to 3 (attention, gla); seed 1 (min-gru)". */
export function seedsText(
  ran: readonly (readonly [architecture: string, seeds: readonly number[]])[],
): string {
  const groups = new Map<string, string[]>();
  for (const [name, seeds] of ran) {
    const text = seedList(seeds);
    groups.set(text, [...(groups.get(text) ?? []), name]);
  }
  const [one, ...others] = groups;
  if (one === undefined) return seedList([]);
  if (others.length === 0) return one[0];
  return [one, ...others].map(([text, names]) => `${text} (${names.join(", ")})`).join("; ");
}

function seedList(seeds: readonly number[]): string {
  const [first, last] = [seeds[0], seeds.at(-1)];
  if (first === undefined || last === undefined) return "no seed";
  if (seeds.length === 1) return `seed ${first}`;
  if (seeds.length > 2 && last - first === seeds.length - 1) return `seeds ${first} to ${last}`;
  return `seeds ${seeds.slice(0, -1).join(", ")} and ${last}`;
}

/** Of each architecture, those under which anything of it is scored. */
export function seedsRun({ architectures, results }: Pick<MadResult, "architectures" | "results">) {
  return architectures.map(({ name }) => {
    const own = results.filter(({ architecture }) => architecture === name);
    const seeds = new Set(own.flatMap(({ variants }) => variants.flatMap(({ ran }) => ran)));
    return [name, [...seeds].sort((a, b) => a - b)] as const;
  });
}

/** "20.0k steps", "10 min 00 s by the clock", "3.00e+13 training FLOPs". */
export function budgetText({ unit, value }: Budget): string {
  if (unit === "seconds") return `${formatDuration(value)} by the clock`;
  return unit === "flops" ? `${value.toExponential(2)} training FLOPs` : `${formatCount(value)} ${unit}`;
}

/** Why it ended: one sentence. */
export function endingLine({ ending, budget, seeds, architectures, verdicts }: MadResult): string {
  const whole = budget === null ? "its budget" : budgetText(budget);
  switch (ending) {
    case "complete":
      return "Nothing was raced: every run went to its last step, or until it had solved its task.";
    case "decided":
      if (architectures.length === 1) {
        return "The race ended after the first seed: one architecture alone has nothing to be told apart from.";
      }
      return verdicts.mean.some(({ verdict }) => verdict === "undecided")
        ? "The race ended because no pair was left that further seeds could tell apart."
        : "The race ended because every pair was decided.";
    case "seeds":
      return seeds.length === 1
        ? "The race ended with its only seed."
        : `The race ended with the last of its ${seeds.length} seeds.`;
    case "budget":
      return `The race ended for want of budget: what was left of ${whole} paid for no further runs.`;
    case "unfinished":
      return "The comparison is not finished: what follows is what is known so far.";
  }
}

/** Which runs scores are of, where that is not plain; none where all is run. */
export function racedLines({ full }: Pick<MadResult, "full">): string[] {
  if (full) return [];
  return [
    "Scores are of the learning rate that was raced, as the verdicts are, under all seeds that it ran; other rates may look better by " +
      "having been stopped sooner. The difference of a pair is over the seeds that both have, and of means it is as it was when the pair was decided.",
  ];
}

/** How far the runs that are scored went; none where all went to their ends. */
export function reachLines({ results }: Pick<MadResult, "results">): string[] {
  const { runs, early, solved, share } = reachOf(results);
  if (early === 0) return [];
  const caveat =
    early > solved ? ": verdicts are about what was run, not about what longer runs would learn" : "";
  return [
    `Of ${runs} runs that are scored ${early} ended before their last step (${solved} solved their task), the shortest after ` +
      `${formatShare(share![0])} of its steps${caveat}.`,
  ];
}

/** "75 of 500 steps", "75 to 500 of 500 steps"; in shares where whole runs differ; null where there is no run. */
export function reachText(results: MadResult["results"]): string | null {
  const { share, steps } = reachOf(results);
  if (share === null) return null;
  if (steps === null) {
    const [least, most] = share.map(formatShare);
    return `${least === most ? least : `${least} to ${most}`} of the steps`;
  }
  const { least, most, whole } = steps;
  return `${least === most ? least : `${least} to ${most}`} of ${whole} steps`;
}
