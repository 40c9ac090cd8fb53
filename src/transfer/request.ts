// What a measurement of transfer is asked for, checked before anything is trained: models of several widths, of several depths,
// each under several parametrisations, rates and seeds. Trains nothing.
import { createHash } from "node:crypto";
import {
  type Architecture,
  type ArchitectureInput,
  defineArchitecture,
} from "../architecture/architecture.ts";
import { count } from "../architecture/count.ts";
import { RequestError } from "../errors.ts";
import { type Json, toJson } from "../study/job.ts";
import { defineParametrisation, type Parametrisation } from "../train/parametrisation/settings.ts";
import { defineTraining, type TrainingInput } from "../train/settings.ts";
import { eachOnce } from "./progress.ts";

/** What is asked for. */
export interface TransferRequest {
  /** The architecture of a width and a depth, without the vocabulary, which the data decide. */
  readonly architecture: (width: number, layers: number) => Omit<ArchitectureInput, "vocabulary">;
  /** Kinds; those with a base have the first width and depth for it, and a head that begins at zeros. */
  readonly parametrisations: readonly string[];
  /** At the first depth. */
  readonly widths: readonly number[];
  /** At the first width. */
  readonly depths: readonly number[];
  /**
   * Learning rates, rising. A size that has its best one at an end of them is tried at up to three more beyond it, as far apart
   * as the two rates there.
   */
  readonly rates: readonly number[];
  readonly seeds: readonly number[];
  readonly steps: number;
  readonly batch: number;
  /** Text; default: the built-in language. */
  readonly data?: string | undefined;
  /** Tokens of the data: how large the vocabulary is. */
  readonly vocabulary: number;
  /** Default: the fastest that is there. */
  readonly backend?: string | undefined;
}

/** What the worker is told of a run. */
export interface TransferSpec {
  /** Before `parametrise`. */
  readonly architecture: Architecture;
  readonly training: TrainingInput & { readonly steps: number; readonly batch: number };
  readonly data: string | null;
  readonly backend: string | null;
}

/** One run: a model under a rate and a seed. */
export interface TransferRun {
  readonly run: string;
  readonly seed: number;
  readonly spec: TransferSpec;
  readonly flops: number;
}

/** Models that differ in nothing but their width, or their depth. */
export interface TransferSeries {
  readonly axis: "width" | "depth";
  readonly parametrisation: Parametrisation;
  /** Runs for every rate of the grid and every seed. */
  readonly sizes: readonly { readonly size: number; readonly rates: readonly (readonly TransferRun[])[] }[];
}

/** A request, complete. */
export interface Transfer {
  readonly request: TransferRequest;
  readonly series: readonly TransferSeries[];
  /** The rates asked for and, on both sides, those that may be added. */
  readonly grid: readonly number[];
  /** Places of the first and the last rate that was asked for. */
  readonly asked: readonly [from: number, to: number];
  /** At the rates that were asked for, each once. */
  readonly runs: readonly TransferRun[];
  /** What tells one measurement from another, as the study keeps it. */
  readonly json: Json;
}

/** Rates that are added at each end. */
const MOST_ADDED = 3;
const EVALUATIONS = 4;
const EVALUATION_TOKENS = 16_384;

/** Errors: RequestError, one line, for everything that can be known to be wrong before training. */
export function defineTransfer(request: TransferRequest): Transfer {
  const { widths, depths, rates, seeds, parametrisations } = request;
  requireList("widths", widths, 1);
  requireList("depths", depths, 1);
  requireList("rates", rates, 3);
  requireList("seeds", seeds, 1);
  const grid = gridOf(rates);
  const asked = [MOST_ADDED, MOST_ADDED + rates.length - 1] as const;
  if (widths.length < 2 && depths.length < 2) {
    throw new RequestError("transfer: one width and one depth; expected two widths or more, or two depths");
  }
  if (parametrisations.length === 0)
    throw new RequestError("transfer: no parametrisation; expected some, such as mup");
  const axes = [
    ...(widths.length > 1 ? (["width"] as const) : []),
    ...(depths.length > 1 ? (["depth"] as const) : []),
  ];
  const series = parametrisations.flatMap((kind) =>
    axes.map((axis): TransferSeries => {
      const parametrisation = withBase(kind, widths[0]!, depths[0]!);
      const sizes = (axis === "width" ? widths : depths).map((size) => {
        const [width, layers] = axis === "width" ? [size, depths[0]!] : [widths[0]!, size];
        const architecture = defineArchitecture({
          vocabulary: request.vocabulary,
          ...request.architecture(width, layers),
        });
        const { length } = architecture;
        const flops = count(architecture).flopsPerToken.training * length * request.batch * request.steps;
        return {
          size,
          rates: grid.map((rate) =>
            seeds.map((seed) => runOf(request, architecture, parametrisation, rate, seed, flops)),
          ),
        };
      });
      return { axis, parametrisation, sizes };
    }),
  );
  const runs = eachOnce(
    series.flatMap(({ sizes }) => sizes.flatMap((one) => one.rates.slice(asked[0], asked[1] + 1).flat())),
  );
  return { request, series, grid, asked, runs, json: toJson(runs.map(({ run, spec }) => ({ run, spec }))) };
}

/** With as many rates at each end as may be added there, as far apart as the two at that end; to four digits, as they are told. */
function gridOf(rates: readonly number[]): number[] {
  const beyond = (end: number, next: number) =>
    Array.from({ length: MOST_ADDED }, (_, i) => Number((end * (end / next) ** (i + 1)).toPrecision(4)));
  return [...beyond(rates[0]!, rates[1]!).reverse(), ...rates, ...beyond(rates.at(-1)!, rates.at(-2)!)];
}

/** A kind with these as its base, where it has one. Errors: RequestError for kinds that do not exist. */
export function withBase(kind: string, baseWidth: number, baseDepth: number): Parametrisation {
  switch (kind) {
    case "mup":
      return defineParametrisation({ kind, baseWidth, zeroHead: true });
    case "depth-mup":
    case "completep":
      return defineParametrisation({ kind, baseWidth, baseDepth, zeroHead: true });
    case "chen":
      return defineParametrisation({ kind, baseDepth });
    default:
      return defineParametrisation(kind);
  }
}

function runOf(
  { steps, batch, data, backend }: TransferRequest,
  architecture: Architecture,
  parametrisation: Parametrisation,
  rate: number,
  seed: number,
  flops: number,
): TransferRun {
  const training = {
    ...{ steps, batch, seed, parametrisation, keep: 1 },
    schedule: { rate, warmup: Math.floor(steps / 10) },
    evaluateEvery: Math.ceil(steps / EVALUATIONS),
    evaluationTokens: EVALUATION_TOKENS,
  };
  defineTraining(training);
  const spec: TransferSpec = { architecture, training, data: data ?? null, backend: backend ?? null };
  const { width, repeat } = architecture;
  const hash = createHash("sha256").update(JSON.stringify(spec)).digest("hex").slice(0, 8);
  const label = `${parametrisation.kind}-width${width}-depth${repeat}-rate${rate.toPrecision(3)}-seed${seed}`;
  return {
    run: `${label.replace(/[^\w.]+/g, "-")}-${hash}`,
    ...{ seed, spec, flops },
  };
}

function requireList(name: string, values: readonly number[], least: number): void {
  const rises = values.every((value, i) => i === 0 || value > values[i - 1]!);
  if (values.length >= least && rises) return;
  throw new RequestError(
    `transfer: ${name} are ${values.join(", ") || "none"}; expected ${least} or more, each larger than the one before`,
  );
}
