// Runs held against each other, as a document. Compares nothing.
import type { Series } from "../report/charts/chart.ts";
import type { ReportDocument, ReportFigure, ReportTable } from "../report/document.ts";
import { capitalised, shortList } from "../report/format.ts";
import type { RunResult } from "../train/runResult.ts";
import { fastest } from "./armResult.ts";
import type { ComparedRun, RunComparison } from "./compareRuns.ts";
import { diagramSection } from "./diagrams.ts";
import { differenceFigure } from "./differences.ts";
import { banded, drawn } from "./report.ts";
import type { Reading } from "./views.ts";
import { pairText } from "./words.ts";

/** The comparison as a document. */
export function comparisonReport(comparison: RunComparison, command: string): ReportDocument {
  const { runs, arms, pairs, notes } = comparison;
  return {
    title: arms.join(", "),
    notes,
    facts: [
      { name: "runs", value: String(runs.length) },
      { name: "arms", value: String(arms.length) },
      { name: "seeds", value: String(new Set(runs.map(({ seed }) => seed)).size) },
      { name: "data", value: shortList(comparison.data) },
    ],
    verdicts: pairs.map((pair) => ({ outcome: pair.verdict, text: pairText(pair) })),
    sections: [
      {
        heading: "Learning",
        parts: groupsOf(comparison).flatMap((group) =>
          axes.flatMap((axis) => learned.flatMap((value) => drawn(curves(group, axis, value)))),
        ),
      },
      { heading: "Differences", parts: drawn(differences(comparison)) },
      diagramSection(
        arms.map((name) => ({ name, architecture: runs.find(({ arm }) => arm === name)!.architecture })),
      ),
      { heading: "Runs", parts: [runTable(runs)] },
    ],
    origin: [{ name: "made by", value: command }],
  };
}

/** What each of a run's steps has come to, where all take the same. */
function perStep({ step: last }: RunResult, all: number): (step: number) => number | null {
  return (step) => (last === 0 ? null : (step * all) / last);
}

/** Runs whose losses are of one thing. */
interface Group {
  readonly runs: readonly ComparedRun[];
  /** "shapes"; with the objective, or the tokens of validation, where others have others on the same data. */
  readonly name: string;
  /** Whether there is no other. */
  readonly isAll: boolean;
}

function groupsOf({ runs }: RunComparison): Group[] {
  const keyOf = ({ scored }: ComparedRun): string => JSON.stringify(scored);
  const keys = [...new Set(runs.map(keyOf))];
  return keys.map((key) => {
    const own = runs.filter((run) => keyOf(run) === key);
    const { data, objective, validation } = own[0]!.scored;
    const beside = runs.map(({ scored }) => scored).filter((scored) => scored.data === data);
    const isCut = beside.some(
      ({ validation: other }) => other?.tokens !== validation?.tokens || other?.of !== validation?.of,
    );
    const name = [
      data,
      ...(beside.some((scored) => scored.objective !== objective) ? [objective] : []),
      ...(isCut && validation !== null ? [`${validation.tokens} of ${validation.of} tokens`] : []),
    ].join(", ");
    return { runs: own, name, isAll: keys.length === 1 };
  });
}

const seedsOf = ({ runs }: Pick<RunComparison, "runs">): string => {
  const seeds = [...new Set(runs.map(({ seed }) => seed))].sort((a, b) => a - b);
  return seeds.length === 1 ? `seed ${seeds[0]}` : `seeds ${seeds.join(", ")}`;
};

/** What curves are drawn over. */
interface Spent {
  readonly label: string;
  readonly unit: "count" | "seconds";
  /** What the first steps of an arm's runs have taken; null where it is not known. */
  readonly by: (runs: readonly [ComparedRun, ...ComparedRun[]]) => (step: number) => number | null;
  readonly convention: string;
}

const axes: readonly Spent[] = [
  {
    ...{ label: "tokens", unit: "count", convention: "means over seeds" },
    by: ([{ result }]) => perStep(result, result.tokens),
  },
  {
    ...{ label: "training FLOPs", unit: "count" },
    convention: "means over seeds; all operations of forward and backward that run",
    by: ([{ curve, flops }]) => {
      const spent = new Map(curve.map(({ step }, place) => [step, flops[place] ?? null]));
      return (step) => spent.get(step) ?? null;
    },
  },
  {
    ...{ label: "seconds", unit: "seconds" },
    convention: "means over seeds; seconds of updates at the speed of the arm's fastest run",
    by: (runs) => {
      const speed = fastest(runs.flatMap(({ result }) => result.tokensPerSecond ?? []));
      const [{ result }] = runs;
      return speed === null ? () => null : perStep(result, result.tokens / speed);
    },
  },
];

/** What is drawn over it. */
interface Learned {
  readonly name: string;
  readonly unit: "nat" | "share";
  readonly of: (run: ComparedRun) => readonly Reading[];
}

const learned: readonly Learned[] = [
  {
    ...{ name: "loss", unit: "nat" },
    of: ({ curve }) => curve.map(({ step, loss }) => ({ step, value: loss })),
  },
  {
    ...{ name: "accuracy", unit: "share" },
    of: ({ accuracies }) => accuracies.map(({ step, accuracy }) => ({ step, value: accuracy })),
  },
];

function curves({ runs, name, isAll }: Group, axis: Spent, { name: what, unit, of }: Learned): ReportFigure {
  const read = runs.map((run) => ({ run, curve: of(run) }));
  const telling = read.filter(({ curve }) => curve.length > 0);
  const silent = read.filter(({ run, curve }) => curve.length === 0 && run.curve.length > 0);
  const isOfImages = runs.some(({ result }) => result.imagesPerSecond !== null);
  const arms = [...new Set(telling.map(({ run }) => run.arm))];
  const bands = telling.length > arms.length ? "; bands from the lowest to the highest seed" : "";
  const without =
    silent.length === 0
      ? ""
      : ` Runs that do not tell it: ${shortList(silent.map(({ run }) => run.folder))}.`;
  return {
    kind: "figure",
    title: `${capitalised(what)} over ${axis.label}${isAll ? "" : `: ${name}`}`,
    description: `Validation ${what} of every arm against ${axis.label}${bands}.${without}`,
    data: `${name}, validation`,
    seeds: seedsOf({ runs: telling.map(({ run }) => run) }),
    convention:
      isOfImages && axis.label === "tokens" ? `${axis.convention}; a token is a patch` : axis.convention,
    chart: {
      kind: "curves",
      x: { label: axis.label, unit: axis.unit, scale: "log" },
      y: { label: what, unit, scale: "linear" },
      series: arms.flatMap((arm): Series[] => {
        const own = telling.filter(({ run }) => run.arm === arm);
        const [first, ...others] = own.map(({ run }) => run);
        const spent = axis.by([first!, ...others]);
        const points = banded(own.map(({ curve }) => curve)).flatMap(({ x, ...rest }) => {
          const at = spent(x);
          return at === null ? [] : [{ x: at, ...rest }];
        });
        return points.length === 0 ? [] : [{ name: arm, points }];
      }),
      levels: [],
    },
  };
}

function differences(comparison: RunComparison): ReportFigure {
  return differenceFigure(comparison.pairs, {
    title: "Differences of arms",
    description:
      "Difference of the last loss of every pair of arms with its interval; below zero the first is better.",
    data: `${comparison.data.join(", ")}, validation`,
    seeds: seedsOf(comparison),
    ...{ label: "difference of losses", unit: "nat" },
  });
}

function runTable(runs: readonly ComparedRun[]): ReportTable {
  const isTold = runs.some(({ result }) => result.validationAccuracy !== null);
  return {
    kind: "table",
    title: "Runs",
    note: `Losses of validation, in nats${isTold ? "; the accuracy is that of the evaluation with the lowest loss" : ""}.`,
    columns: [
      { heading: "run" },
      { heading: "arm" },
      { heading: "seed", unit: "whole" },
      { heading: "last loss", unit: "nat" },
      { heading: "lowest loss", unit: "nat" },
      ...(isTold ? [{ heading: "accuracy at lowest loss, %", unit: "percent" as const }] : []),
      { heading: "parameters", unit: "count" },
      { heading: "tokens", unit: "count" },
      { heading: "FLOPs", unit: "count" },
      { heading: "tokens/s", unit: "count" },
      { heading: "time", unit: "seconds" },
    ],
    rows: runs.map(({ folder, arm, seed, loss, result }) => [
      ...[folder, arm, seed, loss, result.validationLoss],
      ...(isTold ? [result.validationAccuracy === null ? null : 100 * result.validationAccuracy] : []),
      ...[result.parameters, result.tokens, result.flops, result.tokensPerSecond, result.seconds],
    ]),
  };
}
