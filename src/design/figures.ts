// The figures of a design's report. Computes and runs nothing.
import type { CurveChart, Series } from "../report/charts/chart.ts";
import type { ReportFigure } from "../report/document.ts";
import type { LossCurve } from "../report/run.ts";
import { differenceFigure } from "../trial/differences.ts";
import type { DesignResult } from "./design.ts";

/** Of every pair of finalists. */
export function differences(result: DesignResult): ReportFigure {
  return differenceFigure(result.pairs, {
    title: "Differences of finalists",
    description:
      "Difference of the test's loss of every pair of finalists with its interval; below zero the first is better.",
    data: `${result.data}, test`,
    seeds: `seeds ${result.seeds.join(", ")}`,
    ...{ label: "difference of losses", unit: "nat" },
  });
}

/** How far each candidate has come in longer and longer runs. */
export function curves(result: DesignResult): ReportFigure {
  const { candidates, rungs } = result;
  return lossesOfRungs(result, {
    title: "Loss over the length of runs",
    description:
      "Loss of each candidate at its best rate on each rung that it reached; every point is a run of its own with its own decay.",
    convention: "training FLOPs of one run, all operations of forward and backward that run",
    x: { label: "training FLOPs", unit: "count", scale: "log" },
    series: candidates.flatMap(({ name }): Series[] => {
      const points = rungs.flatMap(({ results }) => {
        const own = results.find((one) => one.name === name);
        return own === undefined || own.loss === null ? [] : [{ x: own.flops, y: own.loss }];
      });
      return points.length < 2 ? [] : [{ name, points }];
    }),
  });
}

/** How the rate was chosen on a rung. */
export function rateFigure(result: DesignResult, place: number): ReportFigure {
  const { candidates, rungs } = result;
  const isLast = place === rungs.length - 1;
  return lossesOfRungs(result, {
    title: `Loss over the rate, rung ${place + 1}`,
    description: `Loss of each candidate at each rate that it was run at${isLast ? "" : "; grey: what did not go on"}.`,
    convention: "the highest rate of each run's schedule",
    x: { label: "learning rate", unit: "number", scale: "log" },
    series: rungs[place]!.results.flatMap(({ name, losses, goesOn }): Series[] => {
      const { rates } = candidates.find((one) => one.name === name)!;
      const points = losses.flatMap((loss, rate) => (loss === null ? [] : [{ x: rates[rate]!, y: loss }]));
      // A point alone has no slope to be seen.
      if (points.length < 2) return [];
      return [goesOn ? { name, points } : { name, points, background: true, kind: "did not go on" }];
    }),
  });
}

interface RungLosses {
  readonly title: string;
  readonly description: string;
  readonly convention: string;
  readonly x: CurveChart["x"];
  readonly series: readonly Series[];
}

/** Losses that select, of one seed. */
function lossesOfRungs({ data, seeds }: DesignResult, { x, series, ...texts }: RungLosses): ReportFigure {
  return {
    ...{ kind: "figure", ...texts, data: `${data}, the tokens that select`, seeds: `seed ${seeds[0]}` },
    chart: {
      ...{ kind: "curves", x, series, levels: [] },
      y: { label: "loss", unit: "nat", scale: "linear" },
    },
  };
}

/** The winner's own run. */
export function winnerFigure(
  { training, validation, optimum }: LossCurve,
  data: string,
  seed: number,
): ReportFigure {
  const points = (curve: LossCurve["training"]) => curve.map(({ step, loss }) => ({ x: step, y: loss }));
  return {
    kind: "figure",
    title: "Loss of the winner's run",
    description: "Training and validation loss after each update.",
    ...{ data, seeds: `seed ${seed}` },
    convention: "nat per token; of neighbouring updates the mean, where there are more than 400",
    chart: {
      kind: "curves",
      x: { label: "update", unit: "number", scale: "linear" },
      y: { label: "loss", unit: "nat", scale: "linear" },
      series: [
        { name: "training", points: points(training), background: true },
        ...(validation.length === 0 ? [] : [{ name: "validation", points: points(validation) }]),
      ],
      levels: optimum === undefined ? [] : [{ name: "lowest possible", y: optimum }],
    },
  };
}
