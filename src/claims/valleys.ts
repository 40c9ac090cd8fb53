// Valleys of equal FLOPs in reports of claims: loss over parameters with the parabola through it. Knows no claim.
import { withParabola } from "../report/charts/parabola.ts";
import type { ReportFigure } from "../report/document.ts";
import { LEAST_RUNS, lossInValley, type Valley, valleyOf } from "../scaling/isoflop.ts";
import type { FigureAbout } from "./runsStudy.ts";

/** A model and its loss. */
export interface SizedLoss {
  readonly parameters: number;
  /** Nats; null where there is none. */
  readonly loss: number | null;
}

/** The parabola of loss over ln parameters; null from fewer than four losses. */
export function valleyThrough(models: readonly SizedLoss[], flops: number): Valley | null {
  const runs = models.flatMap(({ parameters, loss }) => (loss === null ? [] : [{ parameters, loss, flops }]));
  return runs.length < LEAST_RUNS ? null : valleyOf(runs);
}

export function valleyFigure(
  valleys: readonly { readonly name: string; readonly valley: Valley | null }[],
  about: FigureAbout,
): ReportFigure {
  return {
    ...{ kind: "figure", title: "Valleys", ...about },
    description: "Mean loss over parameters at equal FLOPs, with parabolas in their logarithm.",
    convention: "FLOPs off the graph, forward and backward; all parameters; means over seeds",
    chart: {
      kind: "curves",
      x: { label: "parameters", unit: "count", scale: "log" },
      y: { label: "loss", unit: "nat", scale: "linear" },
      series: valleys.flatMap(({ name, valley }) =>
        valley === null ? [] : withParabola(name, valley.runs, (size) => lossInValley(valley, size)),
      ),
      levels: [],
    },
  };
}
