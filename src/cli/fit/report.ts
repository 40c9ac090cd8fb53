// A fit as a report: constants, residuals, valleys. Fits nothing and knows no HTML.

import { withParabola } from "../../report/charts/parabola.ts";
import type { ReportDocument, ReportPart } from "../../report/document.ts";
import { type IsoflopFit, lossInValley } from "../../scaling/isoflop.ts";
import type { FitDocument } from "./text.ts";

/** The page of a fit. */
export function fitReport(
  document: FitDocument,
  { file, commandLine }: { readonly file: string; readonly commandLine: readonly string[] },
): ReportDocument {
  const estimates = { ...document.constants, ...("derived" in document ? document.derived : {}) };
  return {
    title: `${document.law}: ${document.formula}`,
    notes: document.diagnostics.map(({ kind, text }) => `${kind}: ${text}`),
    facts: [
      { name: "Runs", value: String(document.points) },
      { name: "Convention", value: document.convention },
      {
        name: "Intervals",
        value: `${document.intervals.method}, 95 %, ${document.intervals.samples} samples`,
      },
    ],
    verdicts: [],
    sections: [
      {
        heading: "Constants",
        parts: [
          {
            kind: "table",
            title: "Constants",
            note: "95 % intervals",
            columns: [
              { heading: "constant" },
              { heading: "value", unit: "number" },
              { heading: "standard error", unit: "number" },
            ],
            rows: Object.entries(estimates).map(([name, { value, standardError, interval }]) => [
              name,
              { value, interval: interval ?? undefined },
              standardError,
            ]),
          },
        ],
      },
      ...("residuals" in document ? [{ heading: "Residuals", parts: residualParts(document, file) }] : []),
      ...("valleys" in document
        ? [{ heading: "Valleys of equal FLOPs", parts: valleyParts(document, file) }]
        : []),
    ],
    origin: [
      { name: "Command", value: commandLine.join(" ") },
      { name: "File", value: file },
    ],
  };
}

function residualParts(document: Extract<FitDocument, { residuals: unknown }>, file: string): ReportPart[] {
  return [
    {
      kind: "figure",
      title: "Residuals",
      description: "Measured against predicted output, less one: without a pattern where the law holds.",
      data: `${file}, ${document.points} runs`,
      seeds: "as in the file",
      convention: document.convention,
      chart: {
        kind: "scatter",
        x: { label: "predicted", unit: "number", scale: "linear" },
        y: { label: "measured / predicted - 1", unit: "points", scale: "linear" },
        points: document.residuals.map(({ measured, predicted }) => ({
          ...{ label: "", x: predicted, y: measured / predicted - 1 },
        })),
        regression: false,
      },
    },
  ];
}

function valleyParts({ valleys, constants, points }: IsoflopFit, file: string): ReportPart[] {
  const drawn = valleys.flatMap((valley) =>
    withParabola(`${valley.flops.toExponential(1)} FLOP`, valley.runs, (size) => lossInValley(valley, size)),
  );
  return [
    {
      kind: "figure",
      title: "Valleys",
      description: `Loss against size at each budget, and the parabolas through them; their minima grow as C^${constants.a.value.toFixed(3)}.`,
      data: `${file}, ${points} runs`,
      seeds: "as in the file",
      convention: "95 % intervals; parameters and FLOPs as they are in the file",
      chart: {
        kind: "curves",
        x: { label: "parameters", unit: "count", scale: "log" },
        y: { label: "loss", unit: "nat", scale: "linear" },
        series: drawn,
        levels: [],
      },
    },
    {
      kind: "table",
      title: "Minima",
      note: "A minimum outside its points is not used",
      columns: [
        { heading: "FLOP" },
        { heading: "parameters", unit: "count" },
        { heading: "tokens", unit: "count" },
        { heading: "loss", unit: "nat" },
        { heading: "used" },
      ],
      rows: valleys.map(({ flops, vertex, inside }) => [
        flops.toExponential(3),
        vertex?.parameters ?? null,
        vertex === null ? null : flops / (6 * vertex.parameters),
        vertex?.loss ?? null,
        inside ? "yes" : "no",
      ]),
    },
  ];
}
