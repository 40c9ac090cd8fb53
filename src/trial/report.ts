// A study of trained models as a document: verdicts, losses over everything they cost, rates, differences, tables,
// block diagrams. Runs nothing.
import type { Series } from "../report/charts/chart.ts";
import type { ReportDocument, ReportFigure, ReportPart } from "../report/document.ts";
import { formatAccuracy } from "../report/format.ts";
import { failureSections } from "../report/runSections.ts";
import type { ArmResult } from "./armResult.ts";
import { costTable, growthTables } from "./costTables.ts";
import { diagramSection } from "./diagrams.ts";
import { differenceFigure } from "./differences.ts";
import { measures } from "./measures.ts";
import { moduleSection } from "./modules.ts";
import type { TrialResult } from "./result.ts";
import { shapeFigures } from "./shapes.ts";
import { lossTable, rateTable, verdictTable, viewTable } from "./tables.ts";
import { type Reading, ratesOf, spentAfter, type ViewStage } from "./views.ts";
import { aboutSeeds, flipLines, noteLines, pairText, seedsRun } from "./words.ts";

/** What the report says besides the result. */
export interface TrialReportRequest {
  readonly result: TrialResult;
  readonly title?: string | undefined;
  /** As it was typed, or said of a call of the library. */
  readonly command: string;
  /** Of the request. */
  readonly hash: string;
}

export function trialReport({ result, title, command, hash }: TrialReportRequest): ReportDocument {
  return {
    title: title ?? result.name,
    notes: noteLines(result),
    facts: factsOf(result),
    verdicts: result.pairs.map((pair) => ({ outcome: pair.verdict, text: pairText(pair) })),
    sections: trialSections(result),
    origin: [
      { name: "made by", value: command },
      { name: "request", value: hash },
    ],
  };
}

function factsOf(result: TrialResult) {
  const { arms, spent, seeds, optimum } = result;
  const ran = seedsRun(result).length;
  const tested = arms.filter(({ test }) => test !== null).sort((a, b) => a.test!.loss - b.test!.loss);
  const told = arms
    .filter(({ accuracy }) => accuracy !== null)
    .sort((a, b) => b.accuracy!.share - a.accuracy!.share);
  const [best, right] = [tested[0], told[0]];
  return [
    ...(right === undefined
      ? []
      : [{ name: "highest accuracy", value: `${right.name}, ${formatAccuracy(right.accuracy!.share)}` }]),
    ...(best === undefined
      ? []
      : [{ name: "lowest loss", value: `${best.name}, ${best.test!.loss.toFixed(4)} nat` }]),
    ...(optimum === null ? [] : [{ name: "lowest possible", value: `${optimum.toFixed(4)} nat` }]),
    { name: "seeds", value: ran < seeds.length ? `${ran} of ${seeds.length}` : String(ran) },
    { name: "runs", value: String(spent.runs) },
    { name: "training FLOPs", value: spent.flops.toExponential(2) },
  ];
}

/** Everything below the verdicts. */
export function trialSections(result: TrialResult): ReportDocument["sections"] {
  const flips = flipLines(result);
  return [
    {
      heading: "Losses",
      parts: [lossTable(result), ...drawn(differences(result)), ...shapeFigures(result)],
    },
    {
      heading: "Learning",
      parts: [
        ...drawn(curves(result, "tokens", tokensPerStep, "count")),
        ...drawn(
          curves(
            result,
            "training FLOPs",
            (arm, { flopsPerToken }) => flopsPerToken.training * tokensPerStep(arm),
            "count",
          ),
        ),
        ...drawn(curves(result, "seconds", secondsPerStep, "seconds")),
      ],
    },
    { heading: "Rates", parts: [...drawn(rateFigure(result)), rateTable(result)] },
    {
      heading: "Held to other budgets",
      parts: [
        ...(flips.length > 0 ? flips : [unmoved(result)]).map((text): ReportPart => ({ kind: "text", text })),
        viewTable(result),
        verdictTable(result),
      ],
    },
    ...moduleSection(result),
    diagramSection(result.arms.flatMap(networksOf)),
    ...growthTables(result).map((table) => ({ heading: "Growth", parts: [table] })),
    { heading: "Costs", parts: [costTable(result)] },
    ...failureSections(result.failures),
  ];
}

/** The arm as it is drawn: of one that grows every network, the last first, which may be that of others. */
function networksOf({ name, networks }: ArmResult) {
  const isOne = networks.length === 1;
  const drawnOnes = networks.map(({ architecture }, place) => ({
    name: isOne ? name : `${name} (${place + 1} of ${networks.length})`,
    architecture,
  }));
  return drawnOnes.reverse();
}

/** The figure, where there is something to draw yet. */
export function drawn(figure: ReportFigure): ReportFigure[] {
  const { chart } = figure;
  const isEmpty =
    (chart.kind === "curves" && chart.series.every(({ points }) => points.length === 0)) ||
    (chart.kind === "forest" && chart.rows.length === 0);
  return isEmpty ? [] : [figure];
}

const tokensPerStep = ({ tokens, steps }: ArmResult): number => tokens / steps;
const secondsPerStep = (arm: ArmResult, { tokensPerSecond }: ViewStage): number | null =>
  tokensPerSecond === null ? null : tokensPerStep(arm) / tokensPerSecond;

function differences(result: TrialResult): ReportFigure {
  const { unit, named } = measures[result.measure];
  return differenceFigure(result.pairs, {
    title: "Differences of arms",
    description: `Difference of the test's ${result.measure} of every pair of arms with its interval; below zero the first is better.`,
    data: `${result.data}, test`,
    seeds: aboutSeeds(result),
    ...{ label: `difference of ${result.measure}, ${named}`, unit },
  });
}

const conventions = {
  tokens: "means over seeds",
  "training FLOPs": "all operations of forward and backward that run",
  seconds:
    "seconds of updates at the speed of the arm's fastest run on this machine, with other runs beside it",
};

function curves(
  result: TrialResult,
  label: keyof typeof conventions,
  perStep: (arm: ArmResult, stage: ViewStage) => number | null,
  unit: "count" | "seconds",
): ReportFigure {
  return {
    kind: "figure",
    title: `Loss over ${label}`,
    description: `Mean loss over seeds of every arm at its best rate against ${label}; bands from the lowest to the highest seed.`,
    data: `${result.data}, ${result.words.selection}`,
    seeds: aboutSeeds(result),
    convention: conventions[label],
    chart: {
      kind: "curves",
      x: { label, unit, scale: "log" },
      y: { label: "loss", unit: "nat", scale: "linear" },
      series: result.arms.flatMap((arm): Series[] => {
        const rates = ratesOf(arm.stages, (stage) => perStep(arm, stage));
        if (rates === null || arm.curves.length === 0) return [];
        const curves = arm.curves.map((curve) => curve.map(({ step, loss }) => ({ step, value: loss })));
        const points = banded(curves).map(({ x, ...rest }) => ({ x: spentAfter(rates, x), ...rest }));
        return [{ name: arm.name, points }];
      }),
      levels: result.optimum === null ? [] : [{ name: "lowest possible", y: result.optimum }],
    },
  };
}

/** By steps that all curves have. */
export function banded(curves: readonly (readonly Reading[])[]) {
  const bySteps = curves.map((curve) => new Map(curve.map(({ step, value }) => [step, value])));
  return curves[0]!.flatMap(({ step }) => {
    const values = bySteps.flatMap((curve) => curve.get(step) ?? []);
    if (values.length < curves.length) return [];
    const y = values.reduce((sum, value) => sum + value, 0) / values.length;
    const interval = [Math.min(...values), Math.max(...values)] as const;
    return [{ x: step, y, ...(values.length > 1 ? { interval } : {}) }];
  });
}

const unmoved = ({ pairs }: TrialResult): string =>
  pairs.some(({ verdict }) => verdict !== "undecided")
    ? "No verdict flips under any of these."
    : "No pair is decided as asked, so that none can flip.";

function rateFigure(result: TrialResult): ReportFigure {
  return {
    kind: "figure",
    title: "Loss over the rate",
    description: `Loss on ${result.words.selection} of every arm over the learning rate.`,
    data: `${result.data}, ${result.words.selection}`,
    seeds: result.raced ? `seed ${result.seeds[0]}` : aboutSeeds(result),
    convention: result.raced ? "one seed" : "means over seeds",
    chart: {
      kind: "curves",
      x: { label: "learning rate", unit: "number", scale: "log" },
      y: { label: "loss", unit: "nat", scale: "linear" },
      series: result.arms.map(({ name, rates, rateLosses }) => ({
        name,
        points: rates.flatMap((rate, i) => (rateLosses[i] === null ? [] : [{ x: rate, y: rateLosses[i]! }])),
      })),
      levels: [],
    },
  };
}
