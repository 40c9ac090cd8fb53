// Whether the best learning rate moves from size to size: what runs brought back, as a table and a verdict. Trains nothing.
import { WorkError } from "../errors.ts";
import type { Known } from "../study/job.ts";
import { lossesOf, type Tried, triedOf } from "./progress.ts";
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
  /** `stays`: by one step at most; `edge`: an optimum lies at an end of what was tried, so it may be further away. */
  readonly verdict: "stays" | "moves" | "edge" | "unfinished";
  /** In one line. */
  readonly text: string;
}

/** What is known of all series. */
export interface TransferResult {
  /** Those that were asked for, and those that were added for some size. */
  readonly rates: readonly number[];
  readonly seeds: readonly number[];
  readonly steps: number;
  readonly series: readonly SeriesResult[];
  readonly failures: Known["failures"];
}

export function transferResult(transfer: Transfer, known: Known): TransferResult {
  const { request, series, grid, asked } = transfer;
  const losses = lossesOf(known);
  const tried = series.map(({ sizes }) => sizes.map(({ rates }) => triedOf(rates, asked, losses)));
  const from = Math.min(...tried.flat().map((one) => one.from));
  const to = Math.max(...tried.flat().map((one) => one.to));
  const rates = grid.slice(from, to + 1);
  return {
    rates,
    seeds: request.seeds,
    steps: request.steps,
    series: series.map((one, i) => seriesResult(one, tried[i]!, rates, from)),
    failures: known.failures,
  };
}

/** Errors: WorkError where none of the runs came to a loss. */
export function requireLosses({ series, failures }: TransferResult): void {
  if (series.some(({ sizes }) => sizes.some(({ best }) => best !== null))) return;
  const [first] = failures;
  const why =
    first === undefined ? "all went out of bounds: lower the rates" : `${first.run}: ${first.reason}`;
  throw new WorkError(`transfer: no run came to a loss; ${why}`);
}

/** @param first place in the grid of the first of `rates` */
function seriesResult(
  { axis, parametrisation, sizes }: TransferSeries,
  tried: readonly Tried[],
  rates: readonly number[],
  first: number,
): SeriesResult {
  const results = sizes.map(({ size }, i): SizeResult => {
    const { losses, best } = tried[i]!;
    return {
      size,
      losses: losses.slice(first, first + rates.length),
      best: best === null ? null : best - first,
    };
  });
  const places = results.flatMap(({ best }) => (best === null ? [] : [best]));
  const moved = places.length < results.length ? null : Math.max(...places) - Math.min(...places);
  const isAtEdge = tried.some(({ best, from, to }) => best === from || best === to);
  const isComplete = tried.every((one) => one.isComplete);
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
    stays: moved === 0 ? "the best rate stays the same" : `the best rate stays, within ${steps}`,
    moves: `the best rate moves by ${steps}`,
    edge: `${moved === 0 ? "the same" : `within ${steps}`} so far, but a best rate lies at an end of all that were tried: try more rates`,
    unfinished: "not all runs have ended with a loss",
  }[verdict];
  return `${kind} over ${axis}: ${says} (${at})`;
}
