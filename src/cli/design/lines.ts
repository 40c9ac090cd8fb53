// A design in lines of plain text: what would be tried, and what came out.

import type { DesignCost } from "../../design/cost.ts";
import type { Design } from "../../design/define.ts";
import type { DesignResult } from "../../design/design.ts";
import { epochLines, lowestLoss, noteLines, stageCosts, useLines, winnerLine } from "../../design/words.ts";
import { formatCount, formatDuration, formatNumber } from "../../report/format.ts";
import { pairLine } from "../../trial/words.ts";

/** What would be tried: candidates, then stages. */
export function planLines(
  { candidates, leftOut, processes, settings, data, screen }: Design,
  cost: DesignCost,
): string[] {
  const width = Math.max(...candidates.map(({ name }) => name.length));
  const amount = (value: number) =>
    settings.budget.unit === "flops" ? `${value.toExponential(2)} FLOPs` : formatDuration(value);
  // Of a budget in time they are known when the search is over.
  const tokens = candidates.map(({ flopsPerToken }) =>
    settings.budget.unit === "flops" ? cost.final / flopsPerToken : 0,
  );
  return [
    `${data.name}: ${candidates.length} candidates, ${processes} runs at a time`,
    ...candidates.map(
      ({ name, why, parameters, state, flopsPerToken }) =>
        `  ${name.padEnd(width)}  ${formatCount(parameters).padStart(6)} parameters  ${formatCount(state).padStart(6)} state  ` +
        `${formatCount(flopsPerToken).padStart(6)} FLOPs a token  ${why}`,
    ),
    ...leftOut.map(leftOutLine),
    ...(screen === null
      ? []
      : [
          `synthetic tasks: ${screen.contestants.length} kinds of blocks, ${screen.flops.toExponential(2)} FLOPs`,
        ]),
    ...cost.rungs.map(
      ({ candidates: count, rates, runs, amount: each, steps }, place) =>
        `rung ${place + 1}: ${formatNumber(count, "candidate")}, ${formatNumber(rates, "rate")}, ${formatNumber(runs, "run")} of ` +
        `${amount(each)}, ${steps[0].toLocaleString("en-US")} to ${formatNumber(steps[1], "update")}`,
    ),
    `the winner's run: ${amount(cost.final)}`,
    ...epochLines(Math.min(...tokens), Math.max(...tokens), data.trainingTokens),
    `all: ${cost.runs} runs and the winner's, at most ${amount(settings.budget.value)}, about ${formatDuration(cost.seconds)}`,
  ];
}

const leftOutLine = ({ name, reason }: Design["leftOut"][number]): string => `left out: ${name}: ${reason}`;

/** The recommendation, why, and what it cost. */
export function resultLines(result: DesignResult, folder: string): string[] {
  const { finalists, pairs, run } = result;
  const width = Math.max(0, ...finalists.map(({ name }) => name.length));
  return [
    ...noteLines(result),
    ...result.leftOut.map(leftOutLine),
    "",
    winnerLine(result),
    ...finalists.map(({ name, rate, test, interval, seeds }) => {
      const range = interval === null ? "" : ` [${interval.map((end) => end.toFixed(4)).join(", ")}]`;
      return `  ${name.padEnd(width)}  test loss ${test.toFixed(4)}${range} at rate ${rate}, ${formatNumber(seeds, "seed")}`;
    }),
    ...pairs.map((pair) => `  ${pairLine(pair)}`),
    "",
    ...stageCosts(result).map(
      ({ name, runs, flops, seconds }) =>
        `${name}: ${formatNumber(runs, "run")}, ${flops.toExponential(2)} FLOPs, ${formatDuration(seconds)} of processes`,
    ),
    ...(run === null || run.validationLoss === null
      ? []
      : [
          `the winner: lowest validation loss ${lowestLoss(run.validationLoss, run)} of ${run.step}`,
          "",
          ...useLines(folder),
        ]),
  ];
}
