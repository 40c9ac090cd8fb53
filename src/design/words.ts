// A design's result in words, a line for each thing to know. Computes nothing.
import { RequestError } from "../errors.ts";
import { formatCount, formatLoss, formatNumber } from "../report/format.ts";
import { stepDownLine } from "../study/statistics/stepDown.ts";
import type { RunResult } from "../train/runResult.ts";
import { edgeLine } from "../trial/words.ts";
import type { DesignResult } from "./design.ts";
import type { Cost, SearchResult } from "./result.ts";

/** What must be known before the first number. */
export function noteLines(result: DesignResult): string[] {
  const { isBuiltIn, data, trainingTokens, finished, sizedBy, candidates, leftOut, finalists } = result;
  const { failures, seeds, run } = result;
  const sizes = candidates.map(({ parameters }) => parameters);
  const isChosen = finalists.length < candidates.length || candidates.some(({ rates }) => rates.length > 1);
  const range = `${formatCount(Math.min(...sizes))} to ${formatCount(Math.max(...sizes))}`;
  return [
    isBuiltIn ? "Data: the built-in language, since no other is given (--data)." : `Data: ${data}.`,
    ...(finished ? [] : ["The search is not finished: what follows is what is known so far."]),
    ...(sizedBy === null
      ? []
      : [
          `Candidates whose size was not given have what law ${sizedBy} holds for best; all have ${range} parameters.`,
        ]),
    ...(leftOut.length === 0
      ? []
      : [`Left out: ${leftOut.map(({ name }) => name).join(", ")}; reasons are below.`]),
    ...(seeds.length === 1 && finalists.length > 0
      ? ["One seed alone decides nothing: give two or more."]
      : []),
    ...(candidates.every(({ rates }) => rates.length === 1)
      ? ["Rates were not tuned: there is one, and at another rate another candidate may be the better."]
      : []),
    ...(finalists.length > 0 && isChosen
      ? ["Finalists were chosen by their first seed, so their losses look a little better than they are."]
      : []),
    ...stepDownLine(result.pairs),
    ...finalists.slice(0, 1).flatMap(edgeLine),
    ...(run === null ? [] : epochLines(run.tokens, run.tokens, trainingTokens)),
    ...(failures.length === 0
      ? []
      : [
          `${formatNumber(failures.length, "run")} failed; ${failures.length === 1 ? "it is" : "they are"} listed below.`,
        ]),
  ];
}

/** Where a run of so many tokens reads the text more than once. */
export function epochLines(least: number, most: number, trainingTokens: number): string[] {
  if (most <= trainingTokens) return [];
  const [low, high] = [least, most].map((tokens) => (tokens / trainingTokens).toFixed(1));
  return [
    `The winner's run reads the text ${low === high ? high : `${low} to ${high}`} times; more text would be worth more.`,
  ];
}

/** The recommendation. */
export function winnerLine({ winner }: SearchResult): string {
  if (winner === null) return "no winner yet: the first rung has not ended";
  return `winner: ${winner.name} at rate ${winner.rate}: ${winner.reason}`;
}

/** A stage of the design and what it cost. */
export interface StageCost extends Cost {
  readonly name: string;
}

/** All of them. */
export function stageCosts({ rungs, run, screened }: DesignResult): StageCost[] {
  return [
    ...(screened === null ? [] : [{ name: "synthetic tasks", ...screened.cost }]),
    ...rungs.map(({ cost, results }, place) => ({
      name: `${place + 1}: ${formatNumber(results.length, "candidate")}${place === rungs.length - 1 && place > 0 ? ", seeds" : ""}`,
      ...cost,
    })),
    ...(run === null
      ? []
      : [{ name: "the winner's run", runs: 1, flops: run.flops ?? 0, seconds: run.seconds }]),
  ];
}

/** A run's lowest loss, and where that was: "1.2818 nat after update 684". */
export function lowestLoss(loss: number, { bestStep, step }: Pick<RunResult, "bestStep" | "step">): string {
  return `${formatLoss(loss)} nat after update ${bestStep ?? step}`;
}

/** What to do with the winner. */
export function useLines(folder: string): string[] {
  const run = `${folder}/winner`;
  return [
    `scantling sample ${run} --tokens 200`,
    `scantling evaluate ${run}`,
    `scantling train --resume ${run} --steps MORE`,
    `scantling export ${run} --to pytorch --out winner.py`,
  ];
}

/** A design's trials are its own affair, and their arms its candidates. */
export function asDesign<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    const { message } = error;
    throw new RequestError(
      message
        .replace(/^study: arms are /, "design: candidates are ")
        .replace(/^study: an arm is /, "design: a candidate is ")
        .replace(/^study: arms\./, "design: candidates.")
        .replace(/^study: /, "design: "),
    );
  }
}
