// A report with every kind of part, as a comparison of architectures would make one. Its numbers are made up.

import { defineArchitecture } from "../../src/architecture/architecture.ts";
import type { Chart } from "../../src/report/charts/chart.ts";
import { diagramSvg } from "../../src/report/diagram.ts";
import type { ReportDocument, ReportFigure, ReportTable } from "../../src/report/document.ts";
import type { RunReport } from "../../src/report/run.ts";

/** What somebody could call an architecture to take a page over. */
export const attack = `<script>alert("1")</script>&'`;

const arms = ["attention", "hyena", "mamba", "striped hybrid of attention, hyena and mamba with experts"];
const tasks = [
  ...["in-context-recall", "fuzzy-in-context-recall", "noisy-in-context-recall"],
  ...["selective-copying", "compression", "memorization"],
];

const score = (arm: number, task: number) => 0.35 + 0.6 * Math.abs(Math.sin(1 + arm * 2 + task));

/** Two of its names can be chosen, to see what becomes of hostile ones. */
export function exampleReport(
  firstArm = arms[0]!,
  title = "attention, hyena, mamba, hybrid",
): ReportDocument {
  const names = [firstArm, ...arms.slice(1)];
  const figure = (title: string, description: string, chart: Chart): ReportFigure => ({
    ...{ kind: "figure", title, description, chart },
    ...{ data: "six tasks, test split, 1,280 items each", seeds: "1 to 3" },
    convention: "Token accuracy, 95 % intervals over seeds",
  });
  const share = (label: string) => ({ label, unit: "share", scale: "linear" }) as const;
  const result: ReportTable = {
    kind: "table",
    title: "Accuracy of architectures on tasks",
    note: "Token accuracy with 95 % intervals over 3 seeds.",
    columns: [{ heading: "architecture" }, ...tasks.map((heading) => ({ heading, unit: "share" }) as const)],
    rows: names.map((name, a) => [
      name,
      ...tasks.map((_, t) => {
        if (a === 2 && t === 5) return null;
        if (a === 2 && t === 4) return "failed";
        const value = score(a, t);
        const mark = (["best", "tie", "undecided", undefined] as const)[(a + t) % 4];
        return { value, interval: [value - 0.021, value + 0.017] as const, mark };
      }),
    ]),
  };
  const diagram = diagramSvg(
    defineArchitecture({
      vocabulary: 16,
      length: 8,
      width: 12,
      heads: 3,
      stripe: ["attention", "swiglu"],
      repeat: 2,
    }),
    "attention",
  );
  return {
    title,
    notes: ["Data: the built-in language.", "One run of 72 failed."],
    facts: [
      { name: "runs", value: "72" },
      { name: "training FLOPs", value: "3.1T" },
    ],
    verdicts: [
      { outcome: "win", text: `${firstArm} beats mamba on in-context-recall by 3.1 points [1.0, 5.2].` },
      { outcome: "tie", text: "hyena and mamba tie on compression." },
      { outcome: "undecided", text: "hyena and hybrid on memorization: 4 more seeds would decide." },
    ],
    sections: [
      { heading: "Result", parts: [result, { kind: "text", text: "Sorted by the mean over tasks." }] },
      {
        heading: "Figures",
        parts: [
          figure("Scores", "Accuracy of every architecture on every task.", {
            ...{ kind: "heat map", rows: names, columns: tasks, unit: "share", domain: [0, 1] },
            values: names.map((_, a) => tasks.map((_, t) => (a === 2 && t === 5 ? null : score(a, t)))),
          }),
          figure("Difficulty", "Accuracy over the number of keys.", {
            kind: "curves",
            x: { label: "vocabulary", unit: "count", scale: "log" },
            y: { ...share("accuracy"), domain: [0, 1] },
            levels: [{ name: "chance", y: 0.125 }],
            series: names.map((name, a) => ({
              name,
              points: [16, 32, 64, 128].map((x, i) => {
                const y = score(a, 2) - 0.03 * i * a;
                return { x, y, interval: [y - 0.05, y + 0.04] };
              }),
            })),
          }),
          figure("Learning", "Loss over steps; nine runs, so that colours repeat.", {
            kind: "curves",
            x: { label: "step", unit: "count", scale: "linear" },
            y: { label: "loss (nat per token)", unit: "nat", scale: "log" },
            levels: [],
            series: Array.from({ length: 9 }, (_, run) => ({
              name: `run ${run}`,
              background: run === 8,
              points: Array.from({ length: 500 }, (_, i) => ({
                x: i * 4,
                y: (4 + run) * Math.exp(-i / 120) + 0.1,
              })),
            })),
          }),
          figure("Differences", "Paired differences of accuracy between architectures.", {
            kind: "forest",
            x: { label: "difference of accuracy (percentage points)", unit: "points", scale: "linear" },
            equal: 0,
            rows: [
              {
                label: `${firstArm} − mamba, in-context-recall`,
                value: 0.031,
                interval: [0.01, 0.052],
                outcome: "win",
              },
              {
                label: "hyena − mamba, compression",
                value: 0.001,
                interval: [-0.004, 0.006],
                outcome: "tie",
              },
              {
                label: "hyena − hybrid",
                value: -0.02,
                interval: [Number.NEGATIVE_INFINITY, 0.03],
                outcome: "undecided",
              },
            ],
          }),
          figure("Against perplexity", "Mean score over tasks against perplexity.", {
            kind: "scatter",
            x: share(`mean score of ${title}`),
            y: { label: "perplexity", unit: "number", scale: "linear" },
            points: names.map((label, a) => ({ label, x: score(a, 1), y: 12 - 3 * score(a, 1) + 0.1 * a })),
            regression: true,
          }),
          figure("Cost", "Training FLOPs for each architecture.", {
            kind: "bars",
            x: { label: "training FLOPs", unit: "count" },
            bars: names.map((label, a) => ({ label, value: 1e12 * (a + 1) })),
          }),
          figure("Attention", "The blocks of the first architecture.", { kind: "picture", svg: diagram }),
        ],
      },
      { heading: "An item", parts: [{ kind: "verbatim", text: "1 5 0 4 0 4 → 4\n. . . . . 4" }] },
      {
        heading: "Folded",
        parts: [
          {
            ...{ kind: "folded", title: `Blocks of ${firstArm}` },
            parts: [
              figure("Blocks", "The same blocks, unfolded.", { kind: "picture", svg: diagram }),
              { kind: "text", text: "Below it." },
            ],
          },
        ],
      },
      { heading: "Settings", parts: [{ kind: "facts", facts: [{ name: "seeds", value: "1, 2, 3" }] }] },
    ],
    origin: [{ name: "Command", value: "scantling mad attention hyena mamba" }],
  };
}

/** The report of a training run. */
export const exampleRun: RunReport = {
  name: "shakespeare",
  ending: "finished",
  command: "scantling train --data tinyshakespeare",
  hash: "ab12",
  seed: 3,
  configuration: {
    seed: 1,
    architecture: { width: 128, stripe: ["attention", "swiglu"], absent: undefined },
  },
  training: Array.from({ length: 1000 }, (_, step) => ({ step, loss: 1 + 3 * Math.exp(-step / 200) })),
  validation: [
    { step: 0, loss: 4 },
    { step: 999, loss: 1.1 },
  ],
  optimum: 0.9,
  facts: [{ name: "validation loss", value: "1.1000" }],
  sample: "To be\nor not",
  notes: ["2 validation tokens are unknown"],
};
