// Whether the best learning rate moves from size to size: what runs brought back, as a table and a verdict. Trains nothing.
import type { Known } from "../study/job.ts";
import type { Transfer, TransferSeries } from "./request.ts";

/** Losses of one size of model. */
export interface SizeResult {
  /** Width, or repetitions of the stripe. */
  readonly size: number;
  /** Mean validation loss over seeds for each rate, nats; null where a seed went out of bounds, failed or is not run. */
  readonly losses: readonly (number | null)[];
  /** Place of the lowest among the rates; null where there is none yet. */
  readonly best: number | null;
}

/** One axis under one parametrisation. */
export interface SeriesResult {
  readonly axis: "width" | "depth";
  readonly parametrisation: string;
  readonly sizes: readonly SizeResult[];
  /** Steps of the grid of rates between the highest and the lowest best one; null where one is not known. */
  readonly moved: number | null;
  /** `stays`: by one step at most; `edge`: an optimum lies at an end of the grid, so it may be further away. */
  readonly verdict: "stays" | "moves" | "edge" | "unfinished";
  /** In one line. */
  readonly text: string;
}

/** What is known of all series. */
export interface TransferResult {
  readonly rates: readonly number[];
  readonly seeds: readonly number[];
  readonly steps: number;
  readonly series: readonly SeriesResult[];
  readonly failures: Known["failures"];
}

export function transferResult({ request, series }: Transfer, known: Known): TransferResult {
  const { rates, seeds, steps } = request;
  const ended = new Map<string, number | null>([
    ...known.failures.map(({ run }): [string, null] => [run, null]),
    ...known.results.map(({ run, value }): [string, number | null] => [
      run,
      (value as { readonly loss: number | null }).loss,
    ]),
  ]);
  return {
    rates,
    seeds,
    steps,
    series: series.map((one) => seriesResult(one, rates, ended)),
    failures: known.failures,
  };
}

function seriesResult(
  { axis, parametrisation, sizes }: TransferSeries,
  rates: readonly number[],
  ended: ReadonlyMap<string, number | null>,
): SeriesResult {
  const isComplete = sizes.every(({ rates }) => rates.flat().every(({ run }) => ended.has(run)));
  const results = sizes.map(({ size, rates }): SizeResult => {
    const losses = rates.map((runs) => {
      const values = runs.map(({ run }) => ended.get(run) ?? null);
      return values.every((value) => value !== null)
        ? values.reduce((a, b) => a + b, 0) / values.length
        : null;
    });
    const lowest = Math.min(...losses.map((loss) => loss ?? Number.POSITIVE_INFINITY));
    return { size, losses, best: Number.isFinite(lowest) ? losses.indexOf(lowest) : null };
  });
  const best = results.map(({ best }) => best);
  const places = best.filter((place) => place !== null);
  const moved = places.length < best.length ? null : Math.max(...places) - Math.min(...places);
  const isAtEdge = places.some((place) => place === 0 || place === rates.length - 1);
  const verdict =
    !isComplete || moved === null ? "unfinished" : moved > 1 ? "moves" : isAtEdge ? "edge" : "stays";
  return {
    ...{ axis, parametrisation: parametrisation.kind, sizes: results, moved, verdict },
    text: textOf(axis, parametrisation.kind, verdict, moved, results, rates),
  };
}

function textOf(
  axis: string,
  kind: string,
  verdict: SeriesResult["verdict"],
  moved: number | null,
  sizes: readonly SizeResult[],
  rates: readonly number[],
): string {
  const at = sizes
    .map(({ size, best }) => `${best === null ? "none" : rates[best]!.toPrecision(3)} at ${size}`)
    .join(", ");
  const steps = `${moved} ${moved === 1 ? "step" : "steps"} of the grid`;
  const says = {
    stays: `the best rate stays, within ${steps}`,
    moves: `the best rate moves by ${steps}`,
    edge: `within ${steps} so far, but a best rate lies at an end of the grid: try more rates`,
    unfinished: "not all runs have ended with a loss",
  }[verdict];
  return `${kind} over ${axis}: ${says} (${at})`;
}
