// A run on disk as the data of its report. Knows the records of the log; knows nothing of pages.

import { join } from "node:path";
import type { Fact } from "../report/document.ts";
import { formatAccuracy, formatCount, formatDuration, formatLoss, formatShare } from "../report/format.ts";
import { type LossCurve, type LossPoint, type RunReport, runPage } from "../report/run.ts";
import { replaceFile } from "./files.ts";
import { type LogRecord, readLog } from "./log.ts";
import { type RunConfiguration, readConfiguration } from "./runFolder.ts";

/** What a run has come to. Losses in nat per token; null where there is none. */
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

/** What the files do not know. */
export interface Telling {
  /** What was typed. */
  readonly command: string;
  /** How it ended, e.g. "finished". */
  readonly ending: string;
  readonly sample?: string | undefined;
}

interface RunRecords {
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

/** Writes `report.html` into the folder of a run. Errors: as runResult, and WorkError where it cannot be written. */
export function writeRunReport(folder: string, telling: Telling): { report: RunReport; path: string } {
  const run = readRun(folder);
  const { configuration, log } = run;
  const result = summarize(folder, run);
  const { architecture, training, data } = configuration;
  const report: RunReport = {
    name: configuration.data.name,
    ...telling,
    hash: result.hash,
    configuration: { architecture, training, data },
    ...curveOf(log),
    seed: training.seed,
    facts: factsOf(result),
    statistics: statisticsOf(log),
    notes: notesOf(log),
  };
  const path = join(folder, "report.html");
  replaceFile(path, runPage(report));
  return { report, path };
}

function readRun(folder: string): RunRecords {
  return { configuration: readConfiguration(folder), log: readLog(folder) };
}

function summarize(folder: string, { configuration, log }: RunRecords): RunResult {
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

function factsOf(result: RunResult): Fact[] {
  const facts: [string, number | null, (value: number) => string][] = [
    ["validation loss", result.validationLoss, formatLoss],
    ["validation accuracy", result.validationAccuracy, formatAccuracy],
    ["lowest possible", result.optimum, formatLoss],
    ["above it", result.aboveOptimum, (value) => `${formatLoss(value)} nat`],
    ["training loss", result.trainingLoss, formatLoss],
    ["steps", result.step, (step) => (step === result.steps ? String(step) : `${step} of ${result.steps}`)],
    ["tokens", result.tokens, formatCount],
    ["parameters", result.parameters, formatCount],
    result.imagesPerSecond === null
      ? ["speed", result.tokensPerSecond, (speed) => `${formatCount(speed)} tokens/s`]
      : ["speed", result.imagesPerSecond, (speed) => `${formatCount(speed)} images/s`],
    ["share of peak", result.shareOfPeak, formatShare],
    ["time", result.seconds, formatDuration],
  ];
  return facts.flatMap(([name, value, format]) => (value === null ? [] : [{ name, value: format(value) }]));
}

function curveOf(log: readonly LogRecord[]): LossCurve {
  return {
    training: lossPoints(log, "step"),
    validation: lossPoints(log, "evaluation"),
    optimum: optimumOf(log) ?? undefined,
  };
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

/** What modules told last. */
function statisticsOf(log: readonly LogRecord[]): RunReport["statistics"] {
  const last = log.findLast(({ kind }) => kind === "statistics");
  const step = numberAt(last, "step");
  if (step === null || typeof last?.values !== "object" || last.values === null) return undefined;
  const values = Object.entries(last.values).flatMap(([name, told]) => {
    const numbers = (Array.isArray(told) ? told : [told]).filter((value) => typeof value === "number");
    return numbers.length === 0 ? [] : [{ name, value: numbers.map(threeDigits).join("  ") }];
  });
  return { step, values: [...values, ...expertsOf(log)] };
}

/** Which experts the first places of the first validation sequence met at the last evaluation, layer by layer. */
function expertsOf(log: readonly LogRecord[]): Fact[] {
  const met = log.findLast(({ kind }) => kind === "evaluation")?.experts;
  if (typeof met !== "object" || met === null) return [];
  const isPlace = (place: unknown): place is number[] =>
    Array.isArray(place) && place.every((expert) => typeof expert === "number");
  return Object.entries(met).flatMap(([layer, places]) =>
    Array.isArray(places) && places.every(isPlace)
      ? [{ name: `${layer}.experts`, value: places.map((place) => place.join("+")).join("  ") }]
      : [],
  );
}

function threeDigits(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function notesOf(log: readonly LogRecord[]): string[] {
  const notes = log.flatMap((record) => [
    ...(Array.isArray(record.notes) ? record.notes : []),
    ...grownNote(record),
    ...(typeof record.notBitwise === "string" ? [record.notBitwise] : []),
  ]);
  return [...new Set(notes.filter((note) => typeof note === "string"))];
}

function grownNote({ kind, step, parameters, loss }: LogRecord): string[] {
  const [from, to] = ["before", "after"].map((side) => numberAt(parameters, side));
  const [before, after] = ["before", "after"].map((side) => numberAt(loss, side));
  if (kind !== "growth" || typeof step !== "number" || from == null || to == null) return [];
  const losses =
    before == null || after == null ? "" : `: loss ${formatLoss(before)}, then ${formatLoss(after)}`;
  return [`after step ${step} grown from ${formatCount(from)} to ${formatCount(to)} parameters${losses}`];
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

function numberAt(record: unknown, field: string): number | null {
  if (typeof record !== "object" || record === null) return null;
  const value = (record as Record<string, unknown>)[field];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
