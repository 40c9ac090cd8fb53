// Fits the constants of a law to runs: from many starts, with intervals and a judgement of the fit. Knows no file and no
// particular law.

import { RequestError } from "../errors.ts";
import { bootstrap } from "./bootstrap.ts";
import { type Diagnostic, diagnose, type Search } from "./diagnose.ts";
import {
  type Estimate,
  informationAt,
  linearisedCovariance,
  linearisedEstimate,
  sampledEstimate,
} from "./intervals.ts";
import { type Law, type Numbers, type Observations, predict } from "./law.ts";
import { isSingular } from "./leastSquares.ts";
import { minimise } from "./minimise.ts";
import { observe, type Runs, residuals, summedObjective } from "./objective.ts";
import type { Quantity } from "./quantities.ts";
import { rangeOf } from "./quantities.ts";
import type { Weighting } from "./resample.ts";

/** How a law is fitted. */
export interface FitOptions {
  /** Resamplings of the runs (default 1000). */
  readonly bootstraps?: number;
  /** Of the resamplings (default 0). The same seed gives the same bits, with any number of threads. */
  readonly seed?: number;
  /** Threads that share the resamplings (default 1: this one). */
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/** How far a law is from the runs it was fitted to, in ln of the output. */
export interface Goodness {
  /** Share of the variance of ln output that is explained. */
  readonly rSquared: number;
  readonly rootMeanSquare: number;
  readonly largest: number;
}

/** A fitted law, as `scantling fit --json` prints it. */
export interface Fit {
  readonly law: string;
  readonly formula: string;
  readonly convention: string;
  readonly points: number;
  readonly constants: Readonly<Record<string, Estimate>>;
  readonly derived: Readonly<Record<string, Estimate>>;
  /** The sum over runs that was minimised. */
  readonly objective: number;
  readonly goodness: Goodness;
  readonly intervals: {
    readonly method: "bootstrap" | "linearised" | "none";
    readonly level: number;
    readonly samples: number;
  };
  readonly starts: { readonly tried: number; readonly reached: number };
  /** The ranges of the runs. */
  readonly domain: Readonly<Partial<Record<Quantity, readonly [number, number]>>>;
  /** The coordinates that were searched, and their covariance; null where it is unknown. */
  readonly free: readonly number[];
  readonly covariance: readonly (readonly number[])[] | null;
  readonly diagnostics: readonly Diagnostic[];
  readonly residuals: readonly {
    readonly measured: number;
    readonly predicted: number;
    readonly inputs: readonly number[];
  }[];
}

/** A fit with what intervals of predictions are made of. */
export interface Fitted {
  readonly fit: Fit;
  readonly constants: readonly number[];
  /** Constants of every resampling; empty where there were too few runs to resample. */
  readonly samples: readonly (readonly number[])[];
  /** How runs were resampled for them: drawn with replacement, or each with a random weight. */
  readonly weighting: "drawn" | "weighted";
}

/** From so many runs for each constant on, resampling runs gives honest intervals; below, a linear approximation does. */
export const RUNS_A_CONSTANT = 10;

/** More runs than any study has; a search through them would take hours. */
const MOST_RUNS = 10_000;

/**
 * Fits a law. With ten runs for each constant or more, intervals are percentiles of bootstraps over runs; with fewer they are those
 * of the law made linear at the minimum, by Student's t; with as many runs as constants there are none.
 * Errors: RequestError for fewer runs than constants or more than 10,000; the signal's reason where it aborts.
 */
export async function fitLaw(law: Law, runs: Runs, options: FitOptions = {}): Promise<Fitted> {
  const { bootstraps = 1000, seed = 0, threads = 1, signal } = options;
  const points = runs.outputs.length;
  const size = law.constants.length;
  if (points < size) {
    throw new RequestError(
      `${law.name}: ${points} runs for ${size} constants (${law.constants.join(", ")}); expected at least ` +
        `${size}, and ${size * RUNS_A_CONSTANT} for intervals by bootstrap`,
    );
  }
  if (points > MOST_RUNS) {
    throw new RequestError(
      `${law.name}: ${points} runs; expected at most ${MOST_RUNS}: choose rows with --where`,
    );
  }
  const observations = observe(law, runs);
  const search = searchFrom(law, observations, law.regression.starts(observations));
  const { free } = search;
  const constants = law.regression.toConstants(free);
  // Constants that make up for each other are known to the law; what else the runs leave open has no interval at all.
  const isOpen =
    law.exchangeable === undefined && isSingular(informationAt(law, observations, free).information);
  const canResample = points >= size * RUNS_A_CONSTANT && bootstraps > 0 && !isOpen;
  const deviations = residuals(law, observations, free);
  const weighting = weightingOf(law, deviations);
  const sampled = canResample
    ? await bootstrap(law, observations, { free, weighting, count: bootstraps, seed, threads, signal })
    : [];
  const samples = sampled.map((sample) => law.regression.toConstants(sample));
  const linear =
    canResample || isOpen || points === size ? null : linearisedCovariance(law, observations, free);
  const estimate = (of: (constants: readonly number[]) => number): Estimate => {
    if (canResample)
      return sampledEstimate(of(constants), samples.map(of), freedomOf(points, size, weighting));
    const whole = (at: Numbers) => of(law.regression.toConstants(at));
    return linear === null
      ? { value: of(constants), standardError: null, interval: null }
      : linearisedEstimate(whole, free, linear, points - size);
  };
  const derived = Object.keys(law.derived?.(constants) ?? {});
  const fit: Fit = {
    law: law.name,
    formula: law.formula,
    convention: law.convention,
    points,
    constants: Object.fromEntries(
      law.constants.map((name, i) => [
        name,
        law.exchangeable?.includes(name) === true
          ? { value: constants[i]!, standardError: null, interval: null }
          : estimate((all) => all[i]!),
      ]),
    ),
    derived: Object.fromEntries(derived.map((name) => [name, estimate((all) => law.derived!(all)[name]!)])),
    objective: search.objective,
    goodness: goodnessOf(deviations, observations.targets),
    intervals: {
      method: canResample ? "bootstrap" : linear === null ? "none" : "linearised",
      level: 0.95,
      samples: samples.length,
    },
    starts: { tried: search.objectives.length, reached: search.reached },
    domain: Object.fromEntries(
      law.inputs.map((input, i) => [input, rangeOf(runs.inputs.map((row) => row[i]!))]),
    ),
    free: Array.from(free),
    covariance: canResample ? covarianceOf(sampled) : linear,
    diagnostics: [...(isOpen ? [undetermined] : []), ...diagnose(law, runs, search, deviations)],
    residuals: runs.outputs.map((measured, i) => ({
      ...{ measured, predicted: measured * Math.exp(-deviations[i]!) },
      inputs: runs.inputs[i]!,
    })),
  };
  return { fit, constants, samples, weighting };
}

const undetermined: Diagnostic = {
  kind: "undetermined",
  text: "these runs do not determine all constants, which have no intervals: other constants fit as well; vary every input by itself",
};

/**
 * Least squares shrinks its residuals, above all those of runs that stand alone; runs drawn with replacement, which leave those out
 * at times, spread as much more. Where most residuals count linearly a run pulls as hard however near it is, nothing shrinks, and a
 * resampling that leaves runs out spreads too much: there each run keeps a weight.
 */
function weightingOf({ regression: { huber } }: Law, deviations: readonly number[]): Weighting {
  const squared = deviations.filter((deviation) => Math.abs(deviation) <= huber).length;
  return squared >= deviations.length / 2 ? "drawn" : "weighted";
}

function freedomOf(points: number, constants: number, weighting: Weighting) {
  return { points, constants, areWide: weighting === "weighted" };
}

/** Most starts are given up here; those that came within a factor of `PROMISING` of the lowest go on to the last digit. */
const quick = { gradient: 1e-12, decrease: 1e-5, floor: 0, iterations: 200 };
const PROMISING = 1.5;

/** What a fit predicts for inputs in the order of `law.inputs`, with the interval of the law, not of single runs. */
export function predictFitted(
  law: Law,
  { fit, constants, samples, weighting }: Fitted,
  inputs: readonly number[],
): Estimate {
  const of = (values: readonly number[]) => predict(law, values, inputs);
  const freedom = freedomOf(fit.points, constants.length, weighting);
  if (samples.length > 1) return sampledEstimate(of(constants), samples.map(of), freedom);
  if (fit.covariance === null) return { value: of(constants), standardError: null, interval: null };
  const whole = (free: Numbers) => of(law.regression.toConstants(free));
  return linearisedEstimate(whole, fit.free, fit.covariance, freedom.points - freedom.constants);
}

/** The lowest of the minima that are reached from many starts. */
export function searchFrom(
  law: Law,
  observations: Observations,
  starts: readonly (readonly number[])[],
): Search {
  const objective = summedObjective(law, observations);
  const rough = starts
    .map((start) => minimise(objective, start, quick))
    .filter(({ value }) => Number.isFinite(value));
  const lowest = rough.reduce((least, { value }) => Math.min(least, value), Infinity);
  const minima = rough.map((one) =>
    one.value <= PROMISING * lowest + 1e-20 ? minimise(objective, one.x) : one,
  );
  if (minima.length === 0) {
    throw new RequestError(
      `${law.name}: no start leads to finite constants; look for runs that do not belong here`,
    );
  }
  const best = minima.reduce((least, one) => (one.value < least.value ? one : least));
  // Minima that are zero to rounding are one minimum.
  const near = best.value * 1.001 + 1e-20;
  return {
    free: best.x,
    objective: best.value,
    objectives: minima.map(({ value }) => value),
    reached: minima.filter(({ value }) => value <= near).length,
  };
}

function goodnessOf(deviations: readonly number[], targets: Float64Array): Goodness {
  const mean = targets.reduce((sum, target) => sum + target, 0) / targets.length;
  const total = targets.reduce((sum, target) => sum + (target - mean) ** 2, 0);
  const left = deviations.reduce((sum, deviation) => sum + deviation ** 2, 0);
  return {
    rSquared: total > 0 ? 1 - left / total : 0,
    rootMeanSquare: Math.sqrt(left / targets.length),
    largest: Math.max(...deviations.map(Math.abs)),
  };
}

function covarianceOf(samples: readonly Float64Array[]): number[][] {
  const size = samples[0]!.length;
  const means = Array.from(
    { length: size },
    (_, j) => samples.reduce((sum, one) => sum + one[j]!, 0) / samples.length,
  );
  return means.map((meanI, i) =>
    means.map(
      (meanJ, j) =>
        samples.reduce((sum, one) => sum + (one[i]! - meanI) * (one[j]! - meanJ), 0) / (samples.length - 1),
    ),
  );
}
