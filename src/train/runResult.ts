// What a run has come to, read from its folder: losses, speed, cost. Knows the records of the log; draws nothing.

import type { LossCurve, LossPoint } from "../report/run.ts";
import { type LogRecord, readLog } from "./log.ts";
import { type RunConfiguration, readConfiguration } from "./runFolder.ts";

/** What a run has come to. Losses in nat per token, or image; null where there is none. */
export interface RunResult {
  readonly folder: string;
  /** SHA-256 of the configuration. */
  readonly hash: string;
  readonly step: number;
  readonly steps: number;
  readonly parameters: number | null;
  readonly tokens: number;
  /** Of training so far, each update's by the network it was made with; null where the log does not tell. */
  readonly flops: number | null;
  /** Mean over the last twentieth of the steps. */
  readonly trainingLoss: number | null;
  /** The lowest one, and its step. */
  readonly validationLoss: number | null;
  readonly bestStep: number | null;
  /** Share of right guesses at that step, where the objective tells it. */
  readonly validationAccuracy: number | null;
  /** Lowest loss that any predictor can have on the validation tokens, where the data know it. */
  readonly optimum: number | null;
  readonly aboveOptimum: number | null;
  /** Medians over the steps. */
  readonly tokensPerSecond: number | null;
  /** Null where the data are no images. */
  readonly imagesPerSecond: number | null;
  readonly shareOfPeak: number | null;
  /** From the first to the last step, over every time the run was started and came to an end. */
  readonly seconds: number;
}

/** A run's files, read. */
export interface RunRecords {
  readonly configuration: RunConfiguration;
  readonly log: readonly LogRecord[];
}

/** Errors: RequestError where there is no run, WorkError where its files are damaged. */
export function runResult(folder: string): RunResult {
  return summarize(folder, readRun(folder));
}

/** The losses of a run, step by step. Errors: as runResult. */
export function runCurve(folder: string): LossCurve {
  return curveOf(readRun(folder).log);
}

/** Errors: as runResult. */
export function readRun(folder: string): RunRecords {
  return { configuration: readConfiguration(folder), log: readLog(folder) };
}

/** What they say. */
export function summarize(folder: string, { configuration, log }: RunRecords): RunResult {
  const { training, architecture } = configuration;
  const losses = lossPoints(log, "step");
  const latest = losses.slice(-Math.max(1, Math.ceil(losses.length / 20))).map(({ loss }) => loss);
  const evaluations = lossPoints(log, "evaluation");
  const best = evaluations.reduce<LossPoint | null>(
    (lowest, point) => (lowest === null || point.loss < lowest.loss ? point : lowest),
    null,
  );
  const optimum = optimumOf(log);
  const step = losses.at(-1)?.step ?? 0;
  const ends = log.filter(({ kind }) => kind === "end");
  return {
    folder,
    hash: configuration.hash,
    step,
    steps: training.steps,
    parameters: parametersOf(log),
    tokens: step * training.batch * architecture.length,
    flops: numberAt(
      log.findLast(({ kind }) => kind === "step"),
      "flops",
    ),
    trainingLoss: latest.length === 0 ? null : latest.reduce((sum, loss) => sum + loss, 0) / latest.length,
    validationLoss: best?.loss ?? null,
    bestStep: best?.step ?? null,
    validationAccuracy: numberAt(
      log.findLast(({ kind, step }) => kind === "evaluation" && step === best?.step)?.statistics,
      "accuracy",
    ),
    optimum,
    aboveOptimum: best === null || optimum === null ? null : best.loss - optimum,
    tokensPerSecond: medianOf(log, "tokensPerSecond"),
    imagesPerSecond: medianOf(log, "imagesPerSecond"),
    shareOfPeak: medianOf(log, "shareOfPeak"),
    seconds: ends.reduce((total, record) => total + (numberAt(record, "seconds") ?? 0), 0),
  };
}

/** The losses that they tell. */
export function curveOf(log: readonly LogRecord[]): LossCurve {
  return {
    training: lossPoints(log, "step"),
    validation: lossPoints(log, "evaluation"),
    optimum: optimumOf(log) ?? undefined,
  };
}

/** Training FLOPs that a log tells of after each of the steps, which rise; null before the first that it tells of. */
export function flopsAfter(log: readonly LogRecord[], steps: readonly number[]): (number | null)[] {
  const told = log.filter(({ kind }) => kind === "step");
  let next = 0;
  let flops: number | null = null;
  return steps.map((step) => {
    while (next < told.length && (numberAt(told[next], "step") ?? Infinity) <= step) {
      flops = numberAt(told[next++], "flops") ?? flops;
    }
    return flops;
  });
}

function lastStart(log: readonly LogRecord[]): LogRecord | undefined {
  return log.findLast(({ kind }) => kind === "start" || kind === "resume");
}

/** Of the network as it was last; a resume tells of it, and an event in which it grew. */
function parametersOf(log: readonly LogRecord[]): number | null {
  const last = log.findLast(({ kind }) => kind === "start" || kind === "resume" || kind === "growth");
  return numberAt(
    last?.kind === "growth" ? last.parameters : last,
    last?.kind === "growth" ? "after" : "parameters",
  );
}

function optimumOf(log: readonly LogRecord[]): number | null {
  return numberAt(lastStart(log)?.optimum, "value");
}

function lossPoints(log: readonly LogRecord[], kind: string): LossPoint[] {
  return log
    .filter((record) => record.kind === kind)
    .map((record) => ({ step: numberAt(record, "step"), loss: numberAt(record, "loss") }))
    .filter((point): point is LossPoint => point.step !== null && point.loss !== null);
}

/** The middle value of a field over the steps that have it. */
function medianOf(log: readonly LogRecord[], field: string): number | null {
  const values = log
    .filter(({ kind }) => kind === "step")
    .map((record) => numberAt(record, field))
    .filter((value) => value !== null && value > 0)
    .sort((a, b) => a! - b!);
  return values[values.length >> 1] ?? null;
}

/** A finite number in a record of the log; null for whatever else is there. */
export function numberAt(record: unknown, field: string): number | null {
  if (typeof record !== "object" || record === null) return null;
  const value = (record as Record<string, unknown>)[field];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
