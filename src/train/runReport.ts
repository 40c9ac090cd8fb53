// A run on disk as the data of its report. Knows the records of the log; knows nothing of pages.

import { join } from "node:path";
import type { Fact } from "../report/document.ts";
import { formatAccuracy, formatCount, formatDuration, formatLoss, formatShare } from "../report/format.ts";
import { type RunReport, runPage } from "../report/run.ts";
import { replaceFile } from "./files.ts";
import type { LogRecord } from "./log.ts";
import { isImages } from "./runFolder.ts";
import { curveOf, numberAt, type RunResult, readRun, summarize } from "./runResult.ts";

/** What the files do not know. */
export interface Telling {
  /** What was typed. */
  readonly command: string;
  /** How it ended, e.g. "finished". */
  readonly ending: string;
  readonly sample?: string | undefined;
}

/** Writes `report.html` into the folder of a run. Errors: as runResult, and WorkError where it cannot be written. */
export function writeRunReport(folder: string, telling: Telling): { report: RunReport; path: string } {
  const run = readRun(folder);
  const { configuration, log } = run;
  const result = summarize(folder, run);
  const { architecture, training, data } = configuration;
  const report: RunReport = {
    name: configuration.data.name,
    item: isImages(data) ? "image" : "token",
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
