// A comparison as a report: what reads first, the heat map, curves, tables. Knows no file and no HTML.
import type { ReportDocument, ReportFigure, ReportPart, ReportTable } from "../report/document.ts";
import { moreSeedsLine } from "../study/moreSeeds.ts";
import type { Association } from "./against.ts";
import type { MadResult, PairVerdict, TaskResult } from "./result.ts";
import type { Estimate } from "./scores.ts";
import { pairText } from "./words.ts";

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
  const { architectures, tasks, results, verdicts, profile, spent } = result;
  const best = [...architectures].filter(({ mean }) => mean.score !== null);
  best.sort((a, b) => b.mean.score! - a.mean.score!);
  const hasVariants = results.some(({ variants }) => variants.length > 1);
  return {
    title: `${architectures.map(({ name }) => name).join(", ")} on ${tasks.length} synthetic tasks`,
    notes: [...notesOf(result), ...moreSeedsLine(earlierSeeds)],
    facts: [
      ...(best[0] === undefined
        ? []
        : [{ name: "best mean", value: `${best[0].name}, ${percent(best[0].mean.score!)}` }]),
      { name: "profile", value: profile },
      { name: "runs", value: String(spent.runs) },
      { name: "training FLOPs", value: spent.flops.toExponential(2) },
    ],
    verdicts: verdicts.mean.map((pair) => ({
      outcome: pair.verdict,
      text: `mean over tasks: ${pairText(pair)}`,
    })),
    sections: [
      { heading: "Scores", parts: [heatMap(result), scoreTable(result)] },
      {
        heading: "Differences",
        parts: [
          forest(result, "mean over tasks", verdicts.mean),
          ...tasks.map((task) => forest(result, task, verdicts.byTask[task]!)),
        ],
      },
      ...(hasVariants
        ? [{ heading: "Difficulty", parts: tasks.map((task) => difficulty(result, task)) }]
        : []),
      { heading: "Learning", parts: tasks.map((task) => learning(result, task)) },
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

function notesOf({ seeds, full, spent, score }: MadResult): string[] {
  const measure =
    score === "accuracy"
      ? "Scores are shares of right answers on test items."
      : "Scores are the mean over batches of 128 of macro recall, as mad-lab reports them.";
  const race = `Runs were stopped when they were solved or hopeless, or when architectures were told apart: ${percent(spent.share)} of the FLOPs of all runs were spent.`;
  const seed = "One seed alone says nothing of another: intervals are over test items.";
  return [measure, ...(full ? [] : [race]), ...(seeds.length === 1 ? [seed] : [])];
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const aboutSeeds = ({ seeds }: MadResult): string =>
  seeds.length === 1 ? `seed ${seeds[0]}` : `seeds ${seeds[0]} to ${seeds.at(-1)}`;

function find({ results }: MadResult, architecture: string, task: string): TaskResult {
  return results.find((one) => one.architecture === architecture && one.task === task)!;
}

function figure(
  result: MadResult,
  parts: Pick<ReportFigure, "title" | "description" | "data" | "chart">,
): ReportFigure {
  const convention = "95 % intervals over seeds and test items; a difference holds for all pairs at once";
  return { kind: "figure", seeds: aboutSeeds(result), convention, ...parts };
}

function heatMap(result: MadResult): ReportFigure {
  const { architectures, tasks } = result;
  return figure(result, {
    title: "Scores by architecture and task",
    description: "Mean score over seeds of every architecture on every task.",
    data: "test splits",
    chart: {
      kind: "heat map",
      rows: architectures.map(({ name }) => name),
      columns: [...tasks, "mean"],
      values: architectures.map(({ name, mean }) => [
        ...tasks.map((task) => find(result, name, task).score),
        mean.score,
      ]),
      unit: "share",
      domain: [0, 1],
    },
  });
}

function scoreTable(result: MadResult): ReportTable {
  const { architectures, tasks, verdicts } = result;
  const cell = (
    name: string,
    estimate: Estimate,
    column: readonly (readonly [string, Estimate])[],
    pairs: readonly PairVerdict[],
  ) =>
    estimate.score === null
      ? null
      : {
          value: estimate.score,
          interval: estimate.interval ?? undefined,
          mark: markOf(name, column, pairs),
        };
  return {
    kind: "table",
    title: "Scores with intervals",
    note: "95 % intervals over seeds and test items.",
    columns: [
      { heading: "architecture", unit: "number" },
      ...[...tasks, "mean"].map((heading) => ({ heading, unit: "share" as const })),
    ],
    rows: architectures.map(({ name, mean }) => [
      name,
      ...tasks.map((task) => {
        const column = architectures.map((one) => [one.name, find(result, one.name, task)] as const);
        return cell(name, find(result, name, task), column, verdicts.byTask[task]!);
      }),
      cell(
        name,
        mean,
        architectures.map((one) => [one.name, one.mean] as const),
        verdicts.mean,
      ),
    ]),
  };
}

/** How an architecture stands to the best of its column; undefined where it is surely worse. */
export function markOf(
  name: string,
  column: readonly (readonly [name: string, estimate: Estimate])[],
  pairs: readonly PairVerdict[],
): "best" | "tie" | "undecided" | undefined {
  const known = column.filter(([, { score }]) => score !== null);
  if (known.length === 0) return undefined;
  const [best] = known.reduce((one, other) => (other[1].score! > one[1].score! ? other : one));
  if (name === best) return "best";
  const pair = pairs.find(
    ({ first, second }) => [first, second].includes(name) && [first, second].includes(best),
  );
  if (pair === undefined || pair.difference === null || pair.verdict === "win") return undefined;
  return pair.verdict;
}

function forest(result: MadResult, title: string, pairs: readonly PairVerdict[]): ReportFigure {
  return figure(result, {
    title: `Differences: ${title}`,
    description: "Difference of every pair of architectures with its interval.",
    data: `${title}, test splits`,
    chart: {
      kind: "forest",
      x: { label: "difference of scores", unit: "points", scale: "linear" },
      equal: 0,
      rows: pairs.flatMap(({ first, second, difference, interval, verdict }) =>
        difference === null || interval === null
          ? []
          : [{ label: `${first} - ${second}`, value: difference, interval, outcome: verdict }],
      ),
    },
  });
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

function learning(result: MadResult, task: string): ReportFigure {
  const { architectures } = result;
  const [first] = architectures.map(({ name }) => find(result, name, task).variants[0]!);
  return figure(result, {
    title: `Learning ${task}`,
    description: "Share of right answers on the selection items over training steps, first seed, baseline.",
    data: `${task}, selection split`,
    chart: {
      kind: "curves",
      x: { label: "step", unit: "count", scale: "linear" },
      y: { label: "right answers", unit: "share", scale: "linear", domain: [0, 1] },
      series: architectures.map(({ name }) => ({
        name,
        points: (find(result, name, task).variants[0]!.curves[0] ?? []).map(({ step, accuracy }) => ({
          x: step,
          y: accuracy,
        })),
      })),
      levels: [{ name: "chance", y: first!.chance }],
    },
  });
}

function costTable({ architectures }: MadResult): ReportTable {
  return {
    kind: "table",
    title: "Costs",
    note: "Training FLOPs of all runs, solved, stopped and rejected ones too; seconds of their processes.",
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
