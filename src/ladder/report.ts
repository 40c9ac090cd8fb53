// A ladder as a document: the prediction beside its outcome, valleys, laws, every run. Runs nothing.
import type { Cell, ReportDocument, ReportSection } from "../report/document.ts";
import { capitalised } from "../report/format.ts";
import { failureSections, runsSection } from "../report/runSections.ts";
import type { Unit } from "../report/units.ts";
import type { Estimate } from "../scaling/intervals.ts";
import { doubtsOf, nothingPredicted, predictedLate } from "./doubts.ts";
import { lawSection, stateSection, valleySection } from "./lawSections.ts";
import type { Compared } from "./outcome.ts";
import type { LadderRequest } from "./request.ts";
import type { LadderResult } from "./result.ts";

const titles = {
  isoflop: "A ladder of equal FLOPs",
  shape: "A ladder of shapes",
  state: "A ladder of state",
} as const;

export function ladderReport(
  request: LadderRequest,
  result: LadderResult,
  { reason, command, hash }: { readonly reason: string; readonly command: string; readonly hash: string },
): ReportDocument {
  const runs = result.rungs.flatMap((rung) => rung.runs);
  const flops = runs.reduce((sum, run) => sum + (run.loss === null ? 0 : run.flops), 0);
  return {
    title: titles[result.kind],
    notes: [
      ...(reason === "done" ? [] : [`not all of it has been run (${reason}); the same command goes on`]),
      ...(result.prediction === null ? [nothingPredicted] : []),
      ...(result.prediction?.isBefore === false ? [predictedLate] : []),
      ...result.outcomes.map(({ text }) => `prediction and outcome at ${text}`),
      ...result.outcomes.flatMap(({ reasons }) => reasons.map((why) => `why a prediction missed: ${why}`)),
      ...doubtsOf(result),
      `${result.convention}.`,
    ].map(capitalised),
    facts: [
      { name: "Runs", value: String(runs.filter(({ loss }) => loss !== null).length) },
      { name: "FLOPs", value: flops.toExponential(2) },
    ],
    verdicts: [],
    sections: [
      ...(result.prediction === null ? [] : [predictionSection(result)]),
      ...(result.kind === "state"
        ? [stateSection(request, result)]
        : [valleySection(result.kind, request, result)]),
      lawSection(result),
      runSection(result),
      ...failureSections(result.failures),
    ],
    origin: [
      { name: "made by", value: command },
      { name: "request", value: hash },
    ],
  };
}

function predictionSection({ kind, prediction, outcomes }: LadderResult): ReportSection {
  const { rungs, laws, isBefore } = prediction!;
  const row = (name: string, unit: Unit, predicted: Estimate, compared: Compared | undefined): Cell[] => [
    name,
    { value: predicted.value, interval: predicted.interval ?? undefined, unit },
    compared?.measured == null ? null : { value: compared.measured, unit },
    compared?.isInside == null ? null : compared.isInside ? "yes" : "no",
  ];
  return {
    heading: "Prediction and outcome",
    parts: [
      {
        kind: "text",
        text: `Written to prediction.json ${isBefore ? "before any run of the largest rung had ended" : "when some runs of the largest rung had ended already"}, by laws of the smaller rungs alone: ${laws.join("; ")}.`,
      },
      {
        kind: "table",
        title: "Prediction and outcome",
        note: "95 % intervals with the noise of single runs. Best: where the minimum lies.",
        columns: [
          { heading: "of" },
          { heading: "predicted" },
          { heading: "measured" },
          { heading: "inside" },
        ],
        rows: rungs.flatMap((rung) => {
          const outcome = outcomes.find((one) => one.rung === rung.rung);
          return [
            ...(rung.best === null
              ? []
              : [
                  row(
                    `best at ${rung.rung}`,
                    kind === "shape" ? "number" : "whole",
                    rung.best,
                    outcome?.best ?? undefined,
                  ),
                ]),
            row(`loss of ${rung.rung}`, "nat", rung.loss, outcome?.loss),
            ...rung.runs.map(({ run, loss }) =>
              row(
                `loss of ${run}`,
                "nat",
                loss,
                outcome?.runs.find((one) => one.run === run),
              ),
            ),
          ];
        }),
      },
    ],
  };
}

function runSection({ rungs }: LadderResult): ReportSection {
  return runsSection({
    columns: [
      { heading: "rung" },
      { heading: "width", unit: "whole" },
      { heading: "layers", unit: "whole" },
      { heading: "parameters", unit: "count" },
      { heading: "tokens", unit: "count" },
      { heading: "state", unit: "count" },
      { heading: "rate", unit: "number" },
      { heading: "steps", unit: "whole" },
      { heading: "FLOPs", unit: "count" },
      { heading: "loss", unit: "nat" },
    ],
    rows: rungs.flatMap(({ name, runs }) =>
      runs.map(({ width, layers, parameters, tokens, state, rate, steps, flops, loss }) => [
        ...[name, width, layers, parameters, tokens, state, rate, steps],
        ...[flops, loss],
      ]),
    ),
  });
}
