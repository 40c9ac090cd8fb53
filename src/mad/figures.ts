// The figures of a comparison's report. Computes nothing.
import type { ReportFigure } from "../report/document.ts";
import { find, scoreColumns } from "./columns.ts";
import type { MadResult, PairVerdict } from "./result.ts";
import { seedsRun, seedsText } from "./words.ts";

export function heatMap(result: MadResult): ReportFigure {
  const columns = scoreColumns(result);
  return {
    ...{ kind: "figure", title: "Scores by architecture and task" },
    description: "Mean score over seeds of every architecture on every task.",
    ...{ data: "test splits", seeds: seedsText(seedsRun(result)) },
    convention: "intervals stand in the table",
    chart: {
      kind: "heat map",
      rows: result.architectures.map(({ name }) => name),
      columns: columns.map(({ heading }) => heading),
      values: result.architectures.map((_, row) => columns.map(({ estimates }) => estimates[row]![1].score)),
      unit: "share",
      domain: [0, 1],
    },
  };
}

/** Of every pair, on the mean over tasks and on each task; of one task once. */
export function forests(result: MadResult): ReportFigure[] {
  const { tasks, verdicts, architectures } = result;
  const ofTasks = tasks.map((task) => {
    const ran = architectures.map(({ name }) => [name, find(result, name, task).ran] as const);
    return forest(result, task, verdicts.byTask[task]!, ran);
  });
  if (tasks.length === 1) return ofTasks;
  const ran = architectures.map(({ name, mean }) => [name, mean.ran] as const);
  return [forest(result, "mean over tasks", verdicts.mean, ran), ...ofTasks];
}

function forest(
  { full, tasks }: MadResult,
  title: string,
  pairs: readonly PairVerdict[],
  ran: Parameters<typeof seedsText>[0],
): ReportFigure {
  const alone = tasks.length > 1 && tasks.includes(title) ? "; each task by itself" : "";
  const looks = full ? "" : " and looks";
  return {
    ...{ kind: "figure", title: `Differences: ${title}` },
    description: "Difference of every pair of architectures with its interval.",
    ...{ data: `${title}, test splits`, seeds: seedsText(ran) },
    convention: `95 % intervals over seeds and test items; they hold for all pairs${looks} at once${alone}`,
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
  };
}

/** Of each architecture one run alone: curves of several would have to be told apart by more than their colours. */
export function learning(result: MadResult, task: string): ReportFigure {
  const { architectures } = result;
  const runs = architectures.map(({ name }) => [name, find(result, name, task).variants[0]!] as const);
  const isBaseline = find(result, architectures[0]!.name, task).variants.length > 1;
  return {
    ...{ kind: "figure", title: `Learning ${task}` },
    description: `Share of right answers on the selection items over training steps${isBaseline ? ", baseline" : ""}.`,
    data: `${task}, selection split`,
    seeds: seedsText(runs.map(([name, { ran }]) => [name, ran.slice(0, 1)])),
    convention: "of each architecture one run, the first that is scored, as far as it went; no intervals",
    chart: {
      kind: "curves",
      x: { label: "step", unit: "count", scale: "linear" },
      y: { label: "right answers", unit: "share", scale: "linear", domain: [0, 1] },
      series: runs.map(([name, { curves }]) => ({
        name,
        points: (curves[0] ?? []).map(({ step, accuracy }) => ({ x: step, y: accuracy })),
      })),
      levels: [{ name: "chance", y: runs[0]![1].chance }],
    },
  };
}
