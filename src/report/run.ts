// One training run as a report. Plain data in, HTML out; knows not where the data come from.

import { isObject } from "../json.ts";
import type { Fact, ReportPart } from "./document.ts";
import { formatLoss } from "./format.ts";
import { reportPage } from "./page.ts";

/** A loss in nat, the mean over what is predicted, after so many steps. */
export interface LossPoint {
  readonly step: number;
  readonly loss: number;
}

/** Losses of a run, and the lowest possible one where it is known. */
export interface LossCurve {
  readonly training: readonly LossPoint[];
  readonly validation: readonly LossPoint[];
  /** Lowest loss that any model can have, where it is known. */
  readonly optimum?: number | undefined;
}

/** All that the report of one run shows. */
export interface RunReport extends LossCurve {
  readonly name: string;
  /** What a loss is a mean over: "token", "image". Default: "token". */
  readonly item?: string | undefined;
  /** How the run ended, in a few words: "finished", "interrupted at step 400". */
  readonly ending: string;
  /** What was typed to start it. */
  readonly command: string;
  /** SHA-256 of the resolved configuration. */
  readonly hash: string;
  /** The seed of its first weights and of its batches. */
  readonly seed: number;
  /** The resolved configuration: plain JSON, nested as deep as it likes. */
  readonly configuration: Readonly<Record<string, unknown>>;
  /** What to read first, in this order. */
  readonly facts: readonly Fact[];
  /** Text the trained model wrote; absent where there was no model to ask. */
  readonly sample?: string | undefined;
  /** What modules, such as routers of experts, told last, by dotted name; absent where none did. */
  readonly statistics?: { readonly step: number; readonly values: readonly Fact[] } | undefined;
  /** What the reader should know, one line each. */
  readonly notes: readonly string[];
}

// A loss that falls further is read better on a logarithmic axis; a linear one has ticks everywhere.
const manyfold = 8;

/** The whole page. Every text in `report` is escaped. */
export function runPage(report: RunReport): string {
  const { sample, statistics } = report;
  const configuration = flatten(report.configuration).map(([name, value]) => ({ name, value }));
  return reportPage({
    title: report.name,
    notes: [report.ending, ...report.notes],
    facts: report.facts,
    verdicts: [],
    sections: [
      { heading: "Loss", parts: [lossFigure(report)] },
      ...(sample === undefined ? [] : [section("Sample", { kind: "verbatim", text: sample })]),
      ...(statistics === undefined
        ? []
        : [section(`Modules at step ${statistics.step}`, { kind: "facts", facts: statistics.values })]),
      section("Configuration", { kind: "facts", facts: configuration }),
    ],
    origin: [
      { name: "Command", value: report.command },
      { name: "Configuration SHA-256", value: report.hash },
    ],
  });
}

function section(heading: string, part: ReportPart) {
  return { heading, parts: [part] };
}

function lossFigure({ name, item = "token", seed, training, validation, optimum }: RunReport): ReportPart {
  const points = (curve: readonly LossPoint[]) => curve.map(({ step, loss }) => ({ x: step, y: loss }));
  const losses = [...training, ...validation].map(({ loss }) => loss).filter((loss) => loss > 0);
  const falls =
    losses.reduce((most, loss) => Math.max(most, loss), 0) /
    losses.reduce((least, loss) => Math.min(least, loss), Infinity);
  return {
    kind: "figure",
    title: "Loss over steps",
    description: `Training${validation.length === 0 ? " loss" : " and validation loss"} after each step.`,
    data: name,
    seeds: String(seed),
    convention: `Nat per ${item}; of neighbouring steps the mean, where there are more than 400`,
    chart: {
      kind: "curves",
      x: { label: "step", unit: "number", scale: "linear" },
      y: { label: `loss (nat per ${item})`, unit: "nat", scale: falls > manyfold ? "log" : "linear" },
      series: [
        { name: "training", points: points(training), background: true },
        ...(validation.length === 0 ? [] : [{ name: "validation", points: points(validation) }]),
      ],
      levels: optimum === undefined ? [] : [{ name: `lowest possible, ${formatLoss(optimum)}`, y: optimum }],
    },
  };
}

/** Nested settings as rows: `{ a: { b: 1 } }` becomes `a.b` 1. Long texts are cut. */
export function flatten(settings: Readonly<Record<string, unknown>>, prefix = ""): [string, string][] {
  return Object.entries(settings).flatMap(([key, value]): [string, string][] => {
    if (value === undefined) return [];
    if (isObject(value)) return flatten(value, `${prefix}${key}.`);
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return [[`${prefix}${key}`, text.length > 300 ? `${text.slice(0, 300)}…` : text]];
  });
}
