// Runs held against each other, as a document. Compares nothing.
import type { Series } from "../report/charts/chart.ts";
import type { ReportDocument, ReportFigure, ReportTable } from "../report/document.ts";
import type { RunResult } from "../train/runResult.ts";
import type { ComparedRun, RunComparison } from "./compareRuns.ts";
import { diagramSection } from "./diagrams.ts";
import { differenceFigure } from "./differences.ts";
import { banded, drawn } from "./report.ts";
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
    ],
    verdicts: pairs.map((pair) => ({ outcome: pair.verdict, text: pairText(pair) })),
    sections: [
      {
        heading: "Learning",
        parts: groupsOf(comparison).flatMap((group) =>
          [
            curves(group, "tokens", "count", ({ result }) => perStep(result, result.tokens)),
            curves(group, "training FLOPs", "count", ({ curve, flops }) => {
              const spent = new Map(curve.map(({ step }, place) => [step, flops[place] ?? null]));
              return (step) => spent.get(step) ?? null;
            }),
            curves(group, "seconds", "seconds", ({ result }) =>
              result.tokensPerSecond === null
                ? () => null
                : perStep(result, result.tokens / result.tokensPerSecond),
            ),
          ].flatMap(drawn),
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
  readonly arms: readonly string[];
  /** "shapes"; with the objective where others have another one on the same data. */
  readonly name: string;
  /** Whether there is no other. */
  readonly isAll: boolean;
}

function groupsOf({ runs }: RunComparison): Group[] {
  const keyOf = ({ scored }: ComparedRun): string => JSON.stringify(scored);
  const keys = [...new Set(runs.map(keyOf))];
  return keys.map((key) => {
    const own = runs.filter((run) => keyOf(run) === key);
    const { data, objective } = own[0]!.scored;
    const isShared = runs.some(({ scored }) => scored.data === data && scored.objective !== objective);
    return {
      runs: own,
      arms: [...new Set(own.map(({ arm }) => arm))],
      name: isShared ? `${data}, ${objective}` : data,
      isAll: keys.length === 1,
    };
  });
}

const seedsOf = ({ runs }: Pick<RunComparison, "runs">): string => {
  const seeds = [...new Set(runs.map(({ seed }) => seed))].sort((a, b) => a - b);
  return seeds.length === 1 ? `seed ${seeds[0]}` : `seeds ${seeds.join(", ")}`;
};

function curves(
  group: Group,
  label: string,
  unit: "count" | "seconds",
  spentBy: (run: ComparedRun) => (step: number) => number | null,
): ReportFigure {
  const { runs, arms, name, isAll } = group;
  return {
    kind: "figure",
    title: `Loss over ${label}${isAll ? "" : `: ${name}`}`,
    description: `Validation loss of every arm against ${label}; bands from the lowest to the highest seed.`,
    data: `${name}, validation`,
    seeds: seedsOf(group),
    convention:
      label === "training FLOPs" ? "all operations of forward and backward that run" : "means over seeds",
    chart: {
      kind: "curves",
      x: { label, unit, scale: "log" },
      y: { label: "loss", unit: "nat", scale: "linear" },
      series: arms.flatMap((arm): Series[] => {
        const own = runs.filter((run) => run.arm === arm && run.curve.length > 0);
        if (own[0] === undefined) return [];
        const spent = spentBy(own[0]);
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
