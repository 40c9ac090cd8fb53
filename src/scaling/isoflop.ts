// Approach 2 of Hoffmann et al. 2022: at each of several budgets a parabola of loss in ln N, and a power law through their
// vertices. Knows no file.

import { createRandom } from "../data/random.ts";
import { RequestError } from "../errors.ts";
import { type Diagnostic, narrowRange } from "./diagnose.ts";
import { searchFrom } from "./fit.ts";
import { type Estimate, sampledEstimate } from "./intervals.ts";
import { predict } from "./law.ts";
import { chinchilla, chinchillaOptimum } from "./laws/chinchilla.ts";
import { leastSquares } from "./leastSquares.ts";
import { observe } from "./objective.ts";
import { type FrontierFit, frontierFormula, type Optimum, poorFrontier, powerLawOf } from "./powerLaw.ts";
import { rangeOf } from "./quantities.ts";

/** A run of a ladder of equal FLOPs. */
export interface IsoflopRun {
  readonly parameters: number;
  readonly flops: number;
  readonly loss: number;
}

/** The runs of one budget with their parabola. */
export interface Valley {
  readonly flops: number;
  readonly runs: readonly IsoflopRun[];
  /** loss = c0 + c1·x + c2·x² with x = ln N - `centre`. */
  readonly coefficients: readonly [number, number, number];
  readonly centre: number;
  /** Null where the parabola opens downwards. */
  readonly vertex: Optimum | null;
  readonly inside: boolean;
}

/** The fit of approach 2 with its valleys. */
export interface IsoflopFit extends FrontierFit {
  readonly valleys: readonly Valley[];
}

/** Budgets nearer than this are meant to be the same. */
const SAME_BUDGET = 1.02;
/** A parabola needs a point more than it has coefficients. */
export const LEAST_RUNS = 4;

/** Where minima of valleys lie, as a power law of the budget. */
export interface OptimaFit {
  readonly points: number;
  readonly constants: FrontierFit["constants"];
  readonly optima: readonly Optimum[];
  readonly intervals: FrontierFit["intervals"];
  readonly diagnostics: readonly Diagnostic[];
  readonly valleys: readonly Valley[];
}

/** How often residuals are drawn again for intervals, and from which seed. */
export interface ResamplingOptions {
  /** Default 1000. */
  readonly bootstraps?: number;
  /** Default 0. */
  readonly seed?: number;
}

/**
 * Fits approach 2. Vertices outside their points are left out. Intervals: residuals of the parabolas drawn again.
 * Errors: RequestError for fewer than two budgets with four sizes each.
 */
export function fitIsoflop(runs: readonly IsoflopRun[], options: ResamplingOptions = {}): IsoflopFit {
  const { diagnostics, ...fit } = fitOptima(runs, options);
  return {
    law: "isoflop",
    formula: frontierFormula,
    convention: "N and FLOPs as they are in the file; D = C/(6·N)",
    ...fit,
    domain: {
      flops: rangeOf(fit.valleys.map(({ flops }) => flops)),
      parameters: rangeOf(runs.map((run) => run.parameters)),
    },
    diagnostics: [...diagnostics, ...bias(runs, fit.valleys)],
  };
}

/**
 * The same of anything that has a best value at each budget, in the place of parameters: of depth, for one. Nothing is said of the
 * bias of parabolas, which is known of parameters alone. Errors: as above.
 */
export function fitOptima(
  runs: readonly IsoflopRun[],
  { bootstraps = 1000, seed = 0 }: ResamplingOptions = {},
  of: ValleyAxis = "parameters",
): OptimaFit {
  const groups = budgetsOf(runs);
  const valleys = groups.filter((group) => group.length >= LEAST_RUNS).map(valleyOf);
  if (valleys.length < 2) {
    throw new RequestError(
      `isoflop: ${valleys.length} of ${groups.length} budgets have ${LEAST_RUNS} sizes or more; expected at least two such ` +
        "budgets, each with the same FLOPs in all of its runs (within 2 %)",
    );
  }
  const used = valleys.filter(({ inside }) => inside);
  if (used.length < 2) {
    throw new RequestError(
      `isoflop: ${used.length} of ${valleys.length} parabolas have their minimum between their sizes; add smaller or larger models`,
    );
  }
  const optima = used.map(({ vertex }) => vertex!);
  const { k, a } = powerLawOf(optima);
  const samples = resample(used, bootstraps, seed);
  const budgets = optima.map(({ flops }) => flops);
  return {
    points: valleys.reduce((sum, valley) => sum + valley.runs.length, 0),
    constants: estimates(k, a, samples, used),
    optima,
    intervals: { method: samples.length > 1 ? "bootstrap" : "none", level: 0.95, samples: samples.length },
    diagnostics: [
      ...poorValleys(used),
      ...poorFrontier(optima),
      ...doubts(valleys, of),
      ...narrowRange("budgets", budgets),
    ],
    valleys,
  };
}

/** What a valley is over. */
export type ValleyAxis = "parameters" | "layers";

/** Loss of a valley's parabola at a size. */
export function lossInValley({ coefficients: [c0, c1, c2], centre }: Valley, parameters: number): number {
  const x = Math.log(parameters) - centre;
  return c0 + c1 * x + c2 * x * x;
}

function estimates(
  k: number,
  a: number,
  samples: readonly { readonly k: number; readonly a: number }[],
  valleys: readonly Valley[],
) {
  const points = valleys.reduce((sum, { runs }) => sum + runs.length, 0);
  // Three coefficients of every parabola; what is resampled was widened for them.
  const freedom = { points, constants: 3 * valleys.length, areWide: true };
  const of = (name: "k" | "a", value: number): Estimate => {
    const unknown = { value, standardError: null, interval: null };
    if (samples.length < 2) return unknown;
    const drawn = samples.map((sample) => sample[name]);
    const found = sampledEstimate(value, drawn, freedom);
    // Minima that determine nothing put some samples beyond all numbers.
    if (!(found.interval ?? []).every(Number.isFinite)) return unknown;
    return Number.isFinite(found.standardError) ? found : { ...found, standardError: null };
  };
  return { k: of("k", k), a: of("a", a) };
}

function budgetsOf(runs: readonly IsoflopRun[]): IsoflopRun[][] {
  const groups: IsoflopRun[][] = [];
  for (const run of [...runs].sort((a, b) => a.flops - b.flops)) {
    const last = groups.at(-1);
    if (last !== undefined && run.flops <= SAME_BUDGET * last[0]!.flops) last.push(run);
    else groups.push([run]);
  }
  return groups;
}

/** The parabola through runs of one budget, four or more. */
export function valleyOf(runs: readonly IsoflopRun[]): Valley {
  const flops = Math.exp(runs.reduce((sum, run) => sum + Math.log(run.flops), 0) / runs.length);
  const centre = runs.reduce((sum, run) => sum + Math.log(run.parameters), 0) / runs.length;
  const coefficients = parabola(runs, centre);
  const [c0, c1, c2] = coefficients;
  const x = -c1 / (2 * c2);
  const parameters = Math.exp(centre + x);
  const [least, most] = rangeOf(runs.map((run) => run.parameters));
  return {
    ...{ flops, runs, coefficients, centre },
    vertex: c2 > 0 ? { flops, parameters, loss: c0 + (c1 * x) / 2 } : null,
    inside: c2 > 0 && parameters > least && parameters < most,
  };
}

function parabola(runs: readonly IsoflopRun[], centre: number): [number, number, number] {
  const rows = runs.map(({ parameters }) => {
    const x = Math.log(parameters) - centre;
    return [1, x, x * x];
  });
  return leastSquares(
    rows,
    runs.map(({ loss }) => loss),
  ) as [number, number, number];
}

function resample(valleys: readonly Valley[], count: number, seed: number): { k: number; a: number }[] {
  const random = createRandom(seed, 0);
  let next = 0;
  const samples: { k: number; a: number }[] = [];
  for (let sample = 0; sample < count; sample++) {
    const optima = valleys.flatMap((valley) => {
      // Residuals of a fit with three coefficients are too small by this factor.
      const widen = Math.sqrt(valley.runs.length / (valley.runs.length - 3));
      const left = valley.runs.map((run) => widen * (run.loss - lossInValley(valley, run.parameters)));
      const again = valley.runs.map((run) => ({
        ...run,
        loss: lossInValley(valley, run.parameters) + left[random.integer(next++, left.length)]!,
      }));
      const { vertex } = valleyOf(again);
      return vertex === null ? [] : [vertex];
    });
    if (optima.length >= 2) samples.push(powerLawOf(optima));
  }
  return samples;
}

/** Says where runs lie about their parabola by more than half of what it goes down to its vertex. */
function poorValleys(valleys: readonly Valley[]): Diagnostic[] {
  return valleys.flatMap((valley): Diagnostic[] => {
    const left = valley.runs.map((run) => run.loss - lossInValley(valley, run.parameters));
    const noise = Math.sqrt(left.reduce((sum, one) => sum + one * one, 0) / (left.length - 3));
    const rims = valley.runs.map((run) => lossInValley(valley, run.parameters));
    const depth = Math.max(...rims) - valley.vertex!.loss;
    if (noise <= depth / 2) return [];
    const text =
      `at ${valley.flops.toPrecision(3)} FLOP losses lie ${noise.toPrecision(2)} about a parabola that is ${depth.toPrecision(2)} deep, so ` +
      "where its minimum lies is chance";
    return [{ kind: "poor fit", text }];
  });
}

function doubts(valleys: readonly Valley[], of: ValleyAxis): Diagnostic[] {
  const lower = of === "layers" ? "shallower" : "smaller";
  return valleys
    .filter(({ inside }) => !inside)
    .map(({ flops, vertex, runs }) =>
      vertex === null
        ? {
            kind: "no minimum" as const,
            text: `the parabola at ${flops.toPrecision(3)} FLOP has no minimum; left out`,
          }
        : {
            kind: "vertex outside" as const,
            text: `the vertex at ${flops.toPrecision(3)} FLOP, ${vertex.parameters.toPrecision(3)} ${of}, lies outside its points; left out: train ${runs.every(({ parameters }) => vertex.parameters < parameters) ? lower : "other"} models there`,
          },
    );
}

/** Largest error of the optimal size at the largest budget that is not worth a word. */
const SMALL_BIAS = 0.05;

/**
 * Valleys are parabolas only where both exponents are one. How much it matters is seen by putting losses of the Chinchilla law, fitted
 * to these runs, without noise in the same places.
 */
function bias(runs: readonly IsoflopRun[], valleys: readonly Valley[]): Diagnostic[] {
  if (runs.length < 3 * chinchilla.constants.length) return [];
  const inputs = runs.map(({ parameters, flops }) => [parameters, flops / (6 * parameters)]);
  const observations = observe(chinchilla, { inputs, outputs: runs.map(({ loss }) => loss) });
  const { free } = searchFrom(chinchilla, observations, chinchilla.regression.starts(observations));
  return approach2Bias(
    chinchilla.regression.toConstants(free),
    valleys.map((valley) => valley.runs),
  );
}

/** The bias of approach 2 on sizes and budgets like these, were this Chinchilla law the truth. */
export function approach2Bias(
  constants: readonly number[],
  grid: readonly (readonly IsoflopRun[])[],
): Diagnostic[] {
  const exact = grid.map((group) =>
    valleyOf(
      group.map((run) => ({
        ...run,
        loss: predict(chinchilla, constants, [run.parameters, run.flops / (6 * run.parameters)]),
      })),
    ),
  );
  const vertices = exact.flatMap(({ vertex }) => (vertex === null ? [] : [vertex]));
  if (vertices.length < 2) return [];
  const found = powerLawOf(vertices);
  const { a, G } = chinchillaOptimum(constants);
  const most = Math.max(...vertices.map(({ flops }) => flops));
  const error = (found.k * most ** found.a) / (G * (most / 6) ** a) - 1;
  if (Math.abs(error) < SMALL_BIAS && Math.abs(found.a - a) < 0.01) return [];
  const [, , , alpha, beta] = constants;
  return [
    {
      kind: "biased parabolas",
      text:
        `exponents are unequal (alpha ${alpha!.toFixed(2)}, beta ${beta!.toFixed(2)}), so valleys are no parabolas: on sizes this far apart ` +
        `approach 2 puts a at ${found.a.toFixed(3)} where the law with C = 6·N·D gives ${a.toFixed(3)}, and the size at ${most.toPrecision(3)} FLOP off by ` +
        `${(100 * error).toFixed(0)} %; use sizes nearer to the minimum, or --law chinchilla`,
    },
  ];
}
