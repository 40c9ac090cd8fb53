// A comparison as a report: what reads first, the heat map, curves, tables. Knows no file and no HTML.
import type { ReportDocument, ReportPart, ReportTable } from "../report/document.ts";
import { formatDuration } from "../report/format.ts";
import { moreSeedsLine } from "../study/moreSeeds.ts";
import { stepDownLine } from "../study/statistics/stepDown.ts";
import type { Association } from "./against.ts";
import { find, markOf, scoreColumns } from "./columns.ts";
import { reachOf } from "./ending.ts";
import { forests, heatMap, learning } from "./figures.ts";
import type { MadResult } from "./result.ts";
import type { Estimate } from "./scores.ts";
import {
  budgetText,
  endingLine,
  pairText,
  racedLines,
  reachLines,
  reachText,
  seedsRun,
  seedsText,
} from "./words.ts";

/** What the report says besides the result. */
export interface ReportRequest {
  readonly result: MadResult;
  readonly associations: readonly Association[] | null;
  /** How many seeds the comparison had when it was looked at before; default: it was not. */
  readonly earlierSeeds?: readonly number[] | undefined;
  /** As it was typed, or said of a call of the library. */
  readonly command: string;
  /** Of the request. */
  readonly hash: string;
}

export function madReport(request: ReportRequest): ReportDocument {
  const { result, associations, earlierSeeds = [], command, hash } = request;
  const { architectures, tasks, results, verdicts, profile, spent, budget } = result;
  const isOne = tasks.length === 1;
  const best = [...architectures].filter(({ mean }) => mean.score !== null);
  best.sort((a, b) => b.mean.score! - a.mean.score!);
  const hasVariants = results.some(({ variants }) => variants.length > 1);
  return {
    title: `${architectures.map(({ name }) => name).join(", ")} on ${isOne ? "1 synthetic task" : `${tasks.length} synthetic tasks`}`,
    notes: [...notesOf(result), ...moreSeedsLine(earlierSeeds)],
    facts: [
      ...(best[0] === undefined
        ? []
        : [
            {
              name: isOne ? "best score" : "best mean",
              value: `${best[0].name}, ${percent(best[0].mean.score!)}`,
            },
          ]),
      { name: "profile", value: profile },
      ...(budget === null ? [] : [{ name: "budget", value: budgetText(budget) }]),
      { name: "runs", value: String(spent.runs) },
      { name: "training FLOPs", value: spent.flops.toExponential(2) },
      { name: "time by the clock", value: formatDuration(spent.clock) },
    ],
    verdicts: verdicts.mean.map((pair) => ({
      outcome: pair.verdict,
      text: `${isOne ? "" : "mean over tasks: "}${pairText(pair)}`,
    })),
    sections: [
      { heading: "Scores", parts: [heatMap(result), scoreTable(result)] },
      { heading: "Differences", parts: forests(result) },
      ...(hasVariants
        ? [{ heading: "Difficulty", parts: tasks.map((task) => difficulty(result, task)) }]
        : []),
      { heading: "Learning", parts: [reachTable(result), ...tasks.map((task) => learning(result, task))] },
      { heading: "Costs", parts: [costTable(result)] },
      ...(associations === null
        ? []
        : [{ heading: "Against perplexity", parts: [associationTable(associations)] }]),
      ...(result.failures.length === 0
        ? []
        : [
            {
              heading: "Failed runs",
              parts: result.failures.map(
                ({ run, reason }): ReportPart => ({ kind: "text", text: `${run}: ${reason}` }),
              ),
            },
          ]),
    ],
    origin: [
      { name: "made by", value: command },
      { name: "request", value: hash },
    ],
  };
}

function notesOf(result: MadResult): string[] {
  const { full, spent, score } = result;
  const measure =
    score === "accuracy"
      ? "Scores are shares of right answers on test items."
      : "Scores are the mean over batches of 128 of macro recall, as mad-lab reports them.";
  const share = full ? "" : ` ${percent(spent.share)} of the FLOPs of all runs were spent.`;
  return [
    measure,
    `${endingLine(result)}${share}`,
    ...reachLines(result),
    ...seedNotes(result),
    ...stepDownLine(result.verdicts.mean),
  ];
}

/** What seeds the scores are over, where a reader could think of others. */
function seedNotes(result: MadResult): string[] {
  const ran = seedsRun(result);
  const isUneven = new Set(ran.map(([, seeds]) => seeds.join())).size > 1;
  return [
    ...(isUneven ? [`Architectures were run under different seeds: ${seedsText(ran)}.`] : []),
    ...(ran.some(([, seeds]) => seeds.length === 1)
      ? [
          `One seed alone says nothing of another: ${isUneven ? "where there is one, " : ""}intervals are over test items.`,
        ]
      : []),
  ];
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function scoreTable(result: MadResult): ReportTable {
  const { architectures } = result;
  const columns = scoreColumns(result);
  const cell = ({ score, interval }: Estimate, mark: ReturnType<typeof markOf>) =>
    score === null ? null : { value: score, interval: interval ?? undefined, mark };
  return {
    kind: "table",
    title: "Scores with intervals",
    note: [
      `95 % intervals over seeds and test items; ${seedsText(seedsRun(result))}.`,
      ...racedLines(result),
    ].join(" "),
    columns: [
      { heading: "architecture", unit: "number" },
      ...columns.map(({ heading }) => ({ heading, unit: "share" as const })),
    ],
    rows: architectures.map(({ name }, row) => [
      name,
      ...columns.map(({ estimates, pairs }) => cell(estimates[row]![1], markOf(name, estimates, pairs))),
    ]),
  };
}

/** Scores over the settings of a task, in their order, the factor in the table below. */
function difficulty(result: MadResult, task: string): ReportTable {
  const { architectures } = result;
  const { variants } = find(result, architectures[0]!.name, task);
  return {
    kind: "table",
    title: `Difficulty: ${task}`,
    note: "One factor at a time from the baseline.",
    columns: [
      { heading: "setting", unit: "number" },
      ...architectures.map(({ name }) => ({ heading: name, unit: "share" as const })),
    ],
    rows: variants.map(({ variant }, place) => [
      variant,
      ...architectures.map(({ name }) => {
        const { score, interval } = find(result, name, task).variants[place]!;
        return score === null ? null : { value: score, interval: interval ?? undefined };
      }),
    ]),
  };
}

function reachTable(result: MadResult): ReportTable {
  const { architectures, tasks, results } = result;
  return {
    kind: "table",
    title: "How far runs went",
    note: "Of the runs that are scored, over their seeds and settings; one that has solved its task ends as well.",
    columns: [
      { heading: "architecture" },
      ...tasks.map((heading) => ({ heading })),
      ...["runs", "stopped early", "solved"].map((heading) => ({ heading, unit: "count" as const })),
    ],
    rows: architectures.map(({ name }) => {
      const own = results.filter(({ architecture }) => architecture === name);
      const { runs, early, solved } = reachOf(own);
      return [name, ...tasks.map((task) => reachText([find(result, name, task)])), runs, early, solved];
    }),
  };
}

function costTable({ architectures }: MadResult): ReportTable {
  return {
    kind: "table",
    title: "Costs",
    note: "Training FLOPs of all runs, solved, stopped and rejected ones too; seconds of their processes, which add up where runs go on side by side.",
    columns: [
      { heading: "architecture", unit: "number" },
      { heading: "parameters", unit: "count" },
      { heading: "recurrent state", unit: "count" },
      { heading: "state a token adds", unit: "count" },
      { heading: "training FLOPs", unit: "count" },
      { heading: "time", unit: "seconds" },
    ],
    rows: architectures.map(({ name, parameters, isoState, flops, seconds }) => [
      ...[name, parameters, isoState.recurrent, isoState.perToken, flops, seconds],
    ]),
  };
}

function associationTable(associations: readonly Association[]): ReportTable {
  return {
    kind: "table",
    title: "Correlation with perplexity",
    note: "Over architectures; intervals from Fisher's z, wide with few of them. Low perplexity is good, so -1 is agreement.",
    columns: ["scores", "Pearson", "Spearman", "Kendall"].map((heading) => ({ heading, unit: "number" })),
    rows: associations.map(({ name, pearson, spearman, kendall }) => [
      name,
      ...[pearson, spearman, kendall].map(({ value, low, high }) =>
        value === null ? null : { value, interval: low === null ? undefined : ([low, high!] as const) },
      ),
    ]),
  };
}
