// What a law of scaling is, as data: its formula in words, its constants as published, and how it is fitted. Knows no
// particular law.

import type { Quantity } from "./quantities.ts";

/** Coordinates, features or inputs, in a list or packed. */
export type Numbers = readonly number[] | Float64Array;

/** Constants of a law with where they come from and what they rest on. */
export interface Published {
  readonly source: string;
  /** In the order of `Law.constants`. */
  readonly values: readonly number[];
  /** Standard errors in the same order, where they are known. */
  readonly standardErrors?: readonly number[] | undefined;
  /** Of the free coordinates, where they are known; for intervals of predictions. */
  readonly covariance?: readonly (readonly number[])[] | undefined;
}

/** The range of runs that a law rests on, from the smallest to the largest. */
export type Domain = Readonly<Partial<Record<Quantity, readonly [low: number, high: number]>>>;

/**
 * How a law is fitted. What is searched are free coordinates, most of them logarithms of constants, in which every value
 * is possible. Predictions are logarithms of the output.
 */
export interface Regression {
  /** The inputs as the formula needs them, once for each run. */
  readonly features: (inputs: Numbers) => readonly number[];
  /** ln of the predicted output from the features that begin at `offset`; its derivatives go into `gradient`. */
  readonly evaluate: (free: Numbers, features: Numbers, offset: number, gradient: Float64Array) => number;
  /** The same of many runs at once, where that is faster; default: one after another. @param width features of a run */
  readonly batch?: (features: Numbers, width: number, count: number) => Batch;
  /** What is compared: logarithms of outputs (default), or outputs. */
  readonly compared?: "log" | "value";
  /** Residuals beyond this count linearly; Infinity for least squares. */
  readonly huber: number;
  /** From where the search begins. */
  readonly starts: (observations: Observations) => readonly (readonly number[])[];
  /** Coordinates of constants in the order of `Law.constants`. */
  readonly toFree: (constants: readonly number[]) => readonly number[];
  /** The way back. */
  readonly toConstants: (free: Numbers) => readonly number[];
}

/** Runs whose predictions are made together. */
export interface Batch {
  /** ln of the predicted outputs, until it is called again. */
  readonly predict: (free: Numbers) => Float64Array;
  /** Adds to `gradient` the sum over runs of a slope times the derivatives of ln output, where `predict` was last called. */
  readonly pull: (slopes: Float64Array, gradient: Float64Array) => void;
}

/** Runs ready to be fitted: features of run i at `i · width`, ln of its output at i. */
export interface Observations {
  readonly features: Float64Array;
  readonly width: number;
  readonly targets: Float64Array;
}

/** A law of scaling. */
export interface Law {
  /** As `--law` has it. */
  readonly name: string;
  readonly title: string;
  readonly formula: string;
  readonly source: string;
  /** What counts as a parameter, a token, an operation. */
  readonly convention: string;
  /** What the published constants' losses are of. Default: said nowhere, or several texts. */
  readonly text?: string | undefined;
  readonly inputs: readonly Quantity[];
  readonly output: Quantity;
  readonly constants: readonly string[];
  /** Constants that runs hardly tell apart, since one makes up for another: they get no interval. Default: none. */
  readonly exchangeable?: readonly string[] | undefined;
  readonly published: Readonly<Record<string, Published>>;
  readonly domain: Domain;
  readonly regression: Regression;
  /** What follows from the constants, such as exponents of the optimum. */
  readonly derived?: ((constants: readonly number[]) => Readonly<Record<string, number>>) | undefined;
}

/** The output that a law predicts for inputs in the order of `law.inputs`. */
export function predict(law: Law, constants: readonly number[], inputs: Numbers): number {
  const { features, evaluate, toFree } = law.regression;
  const free = toFree(constants);
  return Math.exp(evaluate(free, features(inputs), 0, new Float64Array(free.length)));
}
