// A design as a document: the recommendation and why, the finalists, every rung, what each stage cost, and what was tried. Runs
// nothing.
import { printStripe } from "../architecture/stripe.ts";
import type { ReportDocument, ReportPart, ReportSection, ReportTable } from "../report/document.ts";
import { formatCount, formatLoss } from "../report/format.ts";
import { flatten, type LossCurve } from "../report/run.ts";
import { failureSections } from "../report/runSections.ts";
import { diagramSection } from "../trial/diagrams.ts";
import { drawn } from "../trial/report.ts";
import { pairText } from "../trial/words.ts";
import type { Design } from "./define.ts";
import type { DesignResult } from "./design.ts";
import { curves, differences, rateFigure, winnerFigure } from "./figures.ts";
import { lowestLoss, noteLines, stageCosts, useLines, winnerLine } from "./words.ts";

export interface DesignReportRequest {
  readonly design: Design;
  readonly result: DesignResult;
  /** Of the winner's run; absent where it has not begun. */
  readonly curve?: LossCurve | undefined;
  /** Of the design. */
  readonly folder: string;
  readonly command: string;
  /** Of the request. */
  readonly hash: string;
}

export function designReport(request: DesignReportRequest): ReportDocument {
  const { result, command, hash } = request;
  return {
    title: result.winner === null ? "Design" : `Design: ${result.winner.name}`,
    notes: noteLines(result),
    facts: factsOf(request),
    verdicts: result.pairs.map((pair) => ({ outcome: pair.verdict, text: pairText(pair) })),
    sections: [
      winnerSection(request),
      ...(result.finalists.length === 0
        ? []
        : [
            { heading: "Finalists", parts: [finalistTable(result), ...drawn(differences(result))] },
            diagramSection(drawnArms(request)),
          ]),
      {
        heading: "Search",
        parts: [
          ...drawn(curves(result)),
          ...result.rungs.flatMap((_, place) => [
            rungTable(result, place),
            ...drawn(rateFigure(result, place)),
          ]),
        ],
      },
      { heading: "Costs", parts: [costTable(result)] },
      triedSection(result),
      ...failureSections(result.failures),
    ],
    origin: [
      { name: "made by", value: command },
      { name: "request", value: hash },
    ],
  };
}

const text = (line: string): ReportPart => ({ kind: "text", text: line });

function factsOf({ result, design, curve }: DesignReportRequest) {
  const { winner, run, cost } = result;
  const last = curve?.validation.at(-1);
  const flops = stageCosts(result).reduce((sum, stage) => sum + stage.flops, 0);
  return [
    ...(winner === null ? [] : [{ name: "winner", value: winner.name }]),
    ...(run === null || run.validationLoss === null
      ? []
      : [{ name: "its lowest validation loss", value: lowestLoss(run.validationLoss, run) }]),
    ...(last === undefined
      ? []
      : [
          {
            name: "its last validation loss",
            value: `${formatLoss(last.loss)} nat after update ${last.step}`,
          },
        ]),
    { name: "candidates", value: String(result.candidates.length) },
    { name: "runs of the search", value: String(cost.runs) },
    { name: "training FLOPs", value: flops.toExponential(2) },
    { name: "budget", value: budgetText(design) },
  ];
}

function budgetText({ settings: { budget } }: Design): string {
  return budget.unit === "flops" ? `${budget.value.toExponential(2)} FLOPs` : `${budget.value} s`;
}

function winnerSection({ design, result, folder, curve }: DesignReportRequest): ReportSection {
  const { winner, run } = result;
  if (winner === null) return { heading: "Winner", parts: [text(winnerLine(result))] };
  const { architecture, parameters, state, why, parametrisation } = design.candidates[winner.candidate]!;
  const { batch, length } = design.settings;
  const training = {
    ...design.settings.training,
    ...(parametrisation === undefined ? {} : { parametrisation }),
  };
  const trained =
    run === null
      ? []
      : [{ name: "trained", value: `${run.step} of ${run.steps} updates of ${batch} sequences` }];
  return {
    heading: "Winner",
    parts: [
      text(winnerLine(result)),
      {
        kind: "facts",
        facts: [
          { name: "what it is", value: why },
          { name: "stripe", value: printStripe(architecture) },
          { name: "width", value: String(architecture.width) },
          { name: "norm, positions", value: `${architecture.norm}, ${architecture.positions}` },
          { name: "parameters", value: formatCount(parameters) },
          { name: "state", value: `${formatCount(state)} numbers at ${length} tokens` },
          { name: "learning rate", value: String(winner.rate) },
          ...flatten(training, "training.").map(([name, value]) => ({ name, value })),
          ...trained,
        ],
      },
      ...(curve === undefined ? [] : drawn(winnerFigure(curve, result.data, design.settings.firstSeed))),
      text("To use it:"),
      { kind: "verbatim", text: useLines(folder).join("\n") },
    ],
  };
}

/** The winner, and whom it won against. */
function drawnArms({ design: { candidates }, result: { winner, finalists } }: DesignReportRequest) {
  const names = new Set([winner, ...finalists].flatMap((one) => (one === null ? [] : [one.name])));
  return [...names].map((name) => candidates.find((candidate) => candidate.name === name)!);
}

function finalistTable({ finalists, seeds }: DesignResult): ReportTable {
  return {
    kind: "table",
    title: "Finalists",
    note: `At their best rates, seeds ${seeds[0]} to ${seeds.at(-1)}; 95 % intervals over seeds. Ranked by the tokens that select.`,
    columns: [
      ...[{ heading: "candidate" }, { heading: "rate" }, { heading: "seeds" }],
      ...[
        { heading: "loss, selection", unit: "nat" as const },
        { heading: "loss, test", unit: "nat" as const },
      ],
    ],
    rows: finalists.map(({ name, rate, seeds, selection, test, interval }) => [
      ...[name, rate, seeds, selection],
      Number.isFinite(test) ? { value: test, interval: interval ?? undefined } : null,
    ]),
  };
}

function rungTable({ rungs }: DesignResult, place: number): ReportTable {
  const { results } = rungs[place]!;
  return {
    kind: "table",
    title: `Rung ${place + 1}: ${results.length} candidates`,
    note: "The loss at the best rate on the tokens that select, under the first seed; a dash: all its runs failed.",
    columns: [
      { heading: "candidate" },
      { heading: "loss", unit: "nat" },
      { heading: "rate" },
      { heading: "updates", unit: "count" },
      { heading: "FLOPs of a run", unit: "count" },
      { heading: "went on" },
    ],
    rows: results.map(({ name, loss, rate, steps, flops, goesOn }) => [
      ...[name, loss, rate, steps, flops],
      goesOn ? "yes" : "no",
    ]),
  };
}

function costTable(result: DesignResult): ReportTable {
  return {
    kind: "table",
    title: "What each stage cost",
    note: "Seconds are those of processes: two side by side for a minute take two minutes.",
    columns: [
      { heading: "stage" },
      { heading: "runs" },
      { heading: "training FLOPs", unit: "count" },
      { heading: "time", unit: "seconds" },
    ],
    rows: stageCosts(result).map(({ name, runs, flops, seconds }) => [name, runs, flops, seconds]),
  };
}

function triedSection({ candidates, leftOut, screened }: DesignResult): ReportSection {
  return {
    heading: "Candidates",
    parts: [
      {
        kind: "table",
        title: "What was tried",
        note: "Parameters: all of them. State: numbers that decoding carries for one sequence of the design's length.",
        columns: [
          ...[
            { heading: "candidate" },
            { heading: "what it is" },
            { heading: "parameters", unit: "count" as const },
          ],
          ...[
            { heading: "state", unit: "count" as const },
            { heading: "FLOPs a token", unit: "count" as const },
          ],
          { heading: "rates" },
        ],
        rows: candidates.map(({ name, why, parameters, state, flopsPerToken, rates }) => [
          ...[name, why, parameters, state, flopsPerToken],
          rates.join(", "),
        ]),
      },
      ...(screened === null ? [] : [taskTable(screened.scores)]),
      ...leftOut.map(({ name, reason }) => text(`Left out: ${name}: ${reason}`)),
    ],
  };
}

function taskTable(scores: NonNullable<DesignResult["screened"]>["scores"]): ReportTable {
  return {
    kind: "table",
    title: "Synthetic tasks",
    note: "In-context recall and selective copying by small models of the same blocks; share of right answers, three seeds.",
    columns: [{ heading: "blocks of" }, { heading: "score" }],
    rows: scores.map(({ name, score, interval }) => [
      name,
      score === null ? null : { value: score, interval: interval ?? undefined },
    ]),
  };
}
