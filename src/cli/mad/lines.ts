// A comparison as lines for people: what will be run, the table, verdicts, costs. Computes nothing.

import type { Association } from "../../mad/against.ts";
import { markOf, scoreColumns } from "../../mad/columns.ts";
import { reachOf } from "../../mad/ending.ts";
import type { Comparison } from "../../mad/request.ts";
import type { MadResult, TaskResult } from "../../mad/result.ts";
import type { Estimate } from "../../mad/scores.ts";
import { budgetText, endingLine, pairLine, racedLines, seedsRun, seedsText } from "../../mad/words.ts";
import { formatCount, formatDuration, formatShare } from "../../report/format.ts";
import { stepDownLine } from "../../study/statistics/stepDown.ts";

/** Columns as wide as their widest cell, the first to the left, others to the right. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
}

export function planLines({
  profile,
  tasks,
  seeds,
  cost,
  budget,
  isFull,
  contestants,
  isoStates,
}: Comparison): string[] {
  const whole = `${formatCount(cost.runs)} runs, ${formatCount(cost.steps)} steps, ${flops(cost.flops)}`;
  const how = isFull
    ? `all of it: ${whole}`
    : `a race for at most ${budgetText(budget!)}${budget!.unit === "flops" ? `, ${formatShare(budget!.value / cost.flops)} of all` : ""}; all would be ${whole}`;
  return [
    `${contestants.length} architectures on ${tasks.length} ${tasks.length === 1 ? "task" : "tasks"}, profile ${profile.name}, ${seedText(seeds)}`,
    how,
    ...isoStateLines(contestants.map(({ name }) => [name, isoStates.get(name)!])),
  ];
}

function flops(value: number): string {
  return `${value.toExponential(2)} training FLOPs`;
}

function seedText(seeds: readonly number[]): string {
  return seeds.length === 1 ? `seed ${seeds[0]}` : `seeds ${seeds[0]} to ${seeds.at(-1)}`;
}

function isoStateLines(
  states: readonly (readonly [
    string,
    {
      readonly recurrent: number;
      readonly perToken: number;
      readonly rule: number;
      readonly verdict: string;
    },
  ])[],
): string[] {
  const told = states.map(([name, { recurrent, perToken, rule, verdict }]) => {
    const grows = perToken > 0 ? `${recurrent > 0 ? " and " : ""}${perToken} a token` : "";
    const own = `${recurrent > 0 || perToken === 0 ? recurrent : ""}${grows}`;
    const judged =
      verdict === "grows"
        ? "attention exempt"
        : verdict === "equal"
          ? "as the rule"
          : `${verdict} than ${rule}`;
    return `${name} ${own} (${judged})`;
  });
  return [`recurrent state over all mixers, 4096 at width 128: ${told.join(", ")}`];
}

/** The table of a comparison and what follows from it. */
export function resultLines(result: MadResult): string[] {
  const { architectures, results, verdicts, score, profile } = result;
  const scored = scoreColumns(result);
  const rows = architectures.map(({ name }, row) => [
    name,
    ...scored.map(({ estimates, pairs }) => cell(estimates[row]![1], signOf(name, estimates, pairs))),
  ]);
  const measure = score === "accuracy" ? "right answers" : "macro recall";
  return [
    `${measure} on test items, %, mean of ${seedsText(seedsRun(result))} with 95 % intervals (profile ${profile}); * best, = tied with it, ? not told apart from it`,
    ...columns([["", ...scored.map(({ heading }) => heading)], ...rows]),
    "",
    ...verdicts.mean.map((pair) => pairLine(pair)),
    ...stepDownLine(verdicts.mean),
    "",
    ...difficultyLines(result),
    ...columns([
      ["", "parameters", "state", "training FLOPs", "time", "stopped early"],
      ...architectures.map(({ name, parameters, isoState, flops: spent, seconds }) => [
        name,
        formatCount(parameters),
        isoState.perToken > 0
          ? `${isoState.recurrent} + ${isoState.perToken}/token`
          : String(isoState.recurrent),
        spent.toExponential(2),
        formatDuration(seconds),
        stopped(results.filter(({ architecture }) => architecture === name)),
      ]),
    ]),
    "",
    spentLine(result),
    endingLine(result),
    ...racedLines(result),
    ...result.failures.map(({ run, reason }) => `failed: ${run}: ${reason}`),
  ];
}

/** A table for each task that has more than one setting. */
function difficultyLines({ tasks, architectures, results }: MadResult): string[] {
  return tasks.flatMap((task) => {
    const rows = architectures.map(
      ({ name }) =>
        [name, results.find((one) => one.architecture === name && one.task === task)!.variants] as const,
    );
    const settings = rows[0]![1].map(({ variant }) => variant);
    if (settings.length < 2) return [];
    const cells = rows.map(([name, variants]) => [name, ...variants.map((one) => cell(one, "").trimEnd())]);
    return [`difficulty of ${task}`, ...columns([["", ...settings], ...cells]), ""];
  });
}

function stopped(results: readonly TaskResult[]): string {
  const { early, runs, solved } = reachOf(results);
  return `${early} of ${runs}, ${solved} solved`;
}

function spentLine({ spent, exhaustive, full }: MadResult): string {
  const all = full
    ? ""
    : `; all ${formatCount(exhaustive.runs)} to their ends would be ${exhaustive.flops.toExponential(2)}`;
  return (
    `${spent.runs} runs, ${formatCount(spent.steps)} steps, ${flops(spent.flops)} (${formatShare(spent.share)}), ` +
    `${formatDuration(spent.clock)} by the clock, ${formatDuration(spent.seconds)} of processes${all}`
  );
}

function cell({ score, interval }: Estimate, sign: string): string {
  if (score === null) return "-";
  const percent = (share: number) => (100 * share).toFixed(1);
  const range = interval === null ? "" : ` [${interval.map(percent).join(", ")}]`;
  return `${percent(score)}${range} ${sign === "" ? " " : sign}`;
}

const signs = { best: "*", tie: "=", undecided: "?" } as const;

function signOf(...asked: Parameters<typeof markOf>): string {
  const mark = markOf(...asked);
  return mark === undefined ? "" : signs[mark];
}

/** Scores against perplexities. */
export function againstLines(associations: readonly Association[]): string[] {
  const number = (value: number | null) => (value === null ? "-" : value.toFixed(3));
  return columns([
    ["perplexity against", "architectures", "Pearson", "Spearman", "Kendall", "Pearson without one of them"],
    ...associations.map(({ name, count, pearson, spearman, kendall, leaveOneOut }) => {
      const left = leaveOneOut.flatMap((one) => one.pearson ?? []);
      return [
        name,
        String(count),
        ...[pearson, spearman, kendall].map(
          ({ value, low, high }) =>
            `${number(value)}${low === null ? "" : ` [${number(low)}, ${number(high)}]`}`,
        ),
        left.length === 0 ? "-" : `${number(Math.min(...left))} to ${number(Math.max(...left))}`,
      ];
    }),
  ]);
}
