// A ladder as a document: the prediction beside its outcome, valleys, laws, every run. Runs nothing.
import { withParabola } from "../report/charts/parabola.ts";
import type { Cell, ReportDocument, ReportSection } from "../report/document.ts";
import { capitalised } from "../report/format.ts";
import { failureSections, runsSection } from "../report/runSections.ts";
import type { Unit } from "../report/units.ts";
import type { Diagnostic } from "../scaling/diagnose.ts";
import type { Estimate } from "../scaling/intervals.ts";
import { lossInValley } from "../scaling/isoflop.ts";
import type { Compared } from "./outcome.ts";
import { lowestOf } from "./progress.ts";
import type { LadderRequest } from "./request.ts";
import type { LadderResult } from "./result.ts";

const titles = {
  isoflop: "A ladder of equal FLOPs",
  shape: "A ladder of shapes",
  state: "A ladder of state",
} as const;

/** Where there is no prediction. */
export const nothingPredicted =
  "nothing was predicted: smaller rungs are too few, still to be run, or determine no law";
export const predictedLate = "the prediction was made when some of what it predicts had ended already";

/** What speaks against the laws, a line each. */
export function doubtsOf({ frontier, law, states, rungs, kind }: LadderResult): string[] {
  const lines = (name: string, doubts: readonly Diagnostic[]) =>
    doubts.map(({ kind, text }) => `${name}: ${kind}: ${text}`);
  return [
    ...lines("minima", frontier?.diagnostics ?? []),
    ...lines("law of losses", law?.diagnostics ?? []),
    ...states.flatMap(({ group, fit }) => lines(`law of ${group}`, fit.diagnostics)),
    ...(kind === "state" ? edgesOf(rungs) : []),
  ];
}

/** Architectures whose best size is the smallest or the largest that was run: a better one may lie beyond. */
function edgesOf(rungs: LadderResult["rungs"]): string[] {
  const ends = [
    { end: "smallest", at: (sizes: readonly number[]) => Math.min(...sizes) },
    { end: "largest", at: (sizes: readonly number[]) => Math.max(...sizes) },
  ];
  return ends.flatMap(({ end, at }) => {
    const names = rungs.flatMap(({ name, runs }) =>
      runs.length > 1 && lowestOf(runs)?.parameters === at(runs.map(({ parameters }) => parameters))
        ? [name]
        : [],
    );
    return names.length === 0
      ? []
      : [`sizes: the ${end} that was run is the best of ${names.join(", ")}; a better one may lie beyond`];
  });
}

/** What valleys are over. */
const positions = { isoflop: "parameters", shape: "layers" } as const;

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

function valleySection(
  kind: "isoflop" | "shape",
  request: LadderRequest,
  { rungs, frontier }: LadderResult,
): ReportSection {
  const series = rungs.flatMap(({ name, valley }) =>
    valley === null ? [] : withParabola(name, valley.runs, (size) => lossInValley(valley, size)),
  );
  const over = positions[kind];
  const constants = frontier?.constants;
  return {
    heading: "Valleys",
    parts: [
      {
        kind: "figure",
        title: "Valleys",
        description: `Loss over ${over} at each budget, with parabolas${constants === undefined ? "" : `; their minima grow as C^${constants.a.value.toFixed(3)}`}.`,
        ...about(request),
        chart: {
          kind: "curves",
          x: { label: over, unit: "count", scale: "log" },
          y: { label: "validation loss", unit: "nat", scale: "linear" },
          series,
          levels: [],
        },
      },
      {
        kind: "table",
        title: "Minima",
        note: "A minimum outside its points is not used.",
        columns: [
          { heading: "budget" },
          { heading: over, unit: "count" },
          { heading: "loss", unit: "nat" },
          { heading: "used" },
        ],
        rows: rungs.map(({ name, valley }) => [
          name,
          valley?.vertex?.parameters ?? null,
          valley?.vertex?.loss ?? null,
          valley?.inside === true ? "yes" : "no",
        ]),
      },
    ],
  };
}

function stateSection(request: LadderRequest, { rungs }: LadderResult): ReportSection {
  const points = rungs.flatMap(({ name, runs }) => {
    const best = lowestOf(runs);
    return best === undefined ? [] : [{ name, ...best }];
  });
  return {
    heading: "Loss over state",
    parts: [
      {
        kind: "figure",
        title: "Loss over state",
        description:
          "Validation loss over the logarithm of the total state, at equal FLOPs; each architecture at its best size. The loss is the " +
          "logarithm of the perplexity P, so laws P = k·M^c are straight lines here.",
        ...about(request),
        chart: {
          kind: "scatter",
          x: { label: "log10 of state", unit: "number", scale: "linear" },
          y: { label: "validation loss", unit: "nat", scale: "linear" },
          points: points.map(({ name, state, loss }) => ({ label: name, x: Math.log10(state), y: loss })),
          regression: true,
        },
      },
    ],
  };
}

function about({ data, seed }: LadderRequest) {
  return {
    data: data ?? "the built-in language",
    seeds: `seed ${seed}`,
    convention: "FLOPs off the graph; all parameters",
  };
}

function lawSection({ frontier, law, states, kind }: LadderResult): ReportSection {
  const rows = (name: string, constants: Readonly<Record<string, Estimate>>) =>
    Object.entries(constants).map(([constant, { value, interval }]) => [
      name,
      constant,
      { value, interval: interval ?? undefined },
    ]);
  return {
    heading: "Laws through all rungs",
    parts: [
      {
        kind: "table",
        title: "Constants",
        note:
          "95 % intervals. Each law is of all rungs that are done, those that were predicted included" +
          (law === null
            ? "."
            : "; N are all parameters, C the FLOPs of a budget and D the tokens that were trained on, but where C = 6·N·D is said."),
        columns: [{ heading: "law" }, { heading: "constant" }, { heading: "value", unit: "number" }],
        rows: [
          ...(frontier === null
            ? []
            : rows(
                `${kind === "shape" ? "depth" : "N"} = k·C^a through ${frontier.optima.length} minima`,
                frontier.constants,
              )),
          ...(law === null
            ? []
            : [
                ...rows(`${law.formula} through ${law.points} runs`, law.constants),
                ...rows("N_opt = G·(C/6)^a, which follows from that law where C = 6·N·D", law.derived),
              ]),
          ...states.flatMap(({ group, fit }) => rows(`${fit.formula}, ${group}`, fit.constants)),
        ],
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
