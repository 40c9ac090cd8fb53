// Laws of a ladder as sections of its report: valleys, loss over state, constants. Fits nothing.
import { withParabola } from "../report/charts/parabola.ts";
import type { ReportSection } from "../report/document.ts";
import type { Estimate } from "../scaling/intervals.ts";
import { lossInValley } from "../scaling/isoflop.ts";
import { lowestOf } from "./progress.ts";
import type { LadderRequest } from "./request.ts";
import type { LadderResult } from "./result.ts";

/** What valleys are over. */
const positions = { isoflop: "parameters", shape: "layers" } as const;

export function valleySection(
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

export function stateSection(request: LadderRequest, { rungs }: LadderResult): ReportSection {
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

export function lawSection({ frontier, law, states, kind }: LadderResult): ReportSection {
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
