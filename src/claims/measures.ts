// Numbers that losses are turned into, such as what more data bring, under each seed, and whether they are ordered as a claim
// expects. Knows no run.
import type { ReportSection } from "../report/document.ts";
import { capitalised } from "../report/format.ts";
import { compareArms } from "../study/statistics/compare.ts";
import { stepDownLine } from "../study/statistics/stepDown.ts";
import { mean } from "../trial/outcome.ts";
import { type PairResult, pairResult } from "../trial/pairResult.ts";
import type { Studied } from "./claim.ts";
import { type Expectation, judgePairs } from "./judge.ts";
import type { FigureAbout } from "./runsStudy.ts";
import { type Judged, verdictOf } from "./verdict.ts";

/** A number of each of several arms under each seed; the lower is the better. */
export interface Measure {
  /** What it is: "loss at 3e10 FLOP". */
  readonly title: string;
  /** As a word: "nat". */
  readonly unit: string;
  /** A difference that is surely smaller is a tie. */
  readonly margin: number;
  readonly arms: readonly MeasuredArm[];
  readonly expectation: Expectation;
}

/** One arm of a measure. */
export interface MeasuredArm {
  readonly name: string;
  /** By seed; null where it is not known. */
  readonly values: readonly (number | null)[];
}

/** A measure in the light of its numbers. */
export interface JudgedMeasure {
  readonly measure: Measure;
  readonly pairs: readonly PairResult[];
  readonly judged: Judged;
}

/** Chance that any of a claim's measures names a difference where there is none. */
const LEVEL = 0.05;

/** All measures of a claim share the chance of error, of each the arms that are asked about. */
export function judgeMeasures(measures: readonly Measure[]): JudgedMeasure[] {
  return measures.map((measure) => {
    const { margin, expectation, unit } = measure;
    const asked = [...expectation.better, ...expectation.than];
    const arms = measure.arms.filter(({ name }) => asked.includes(name));
    const table = arms.map(({ values }) =>
      values.map((value) => (value === null ? null : { score: -value, itemVariance: 0 })),
    );
    const names = arms.map(({ name }) => name);
    const pairs = compareArms([table], { alpha: LEVEL / measures.length, margin }).map((pair) =>
      pairResult(pair, names),
    );
    const missing = arms.flatMap(({ name, values }) =>
      values.every((value) => value === null) ? [name] : [],
    );
    return { measure, pairs, judged: judgePairs(expectation, pairs, unit, missing) };
  });
}

/** What measures say: the verdict, lines and a section for each. */
export function toldMeasures(
  judged: readonly JudgedMeasure[],
  about: FigureAbout,
): Pick<Studied, "verdict" | "lines" | "verdicts" | "sections"> {
  return {
    verdict: verdictOf(judged.map((one) => one.judged)),
    lines: [
      ...judged.flatMap(({ measure: { title, unit, arms } }) => [
        `${title}, ${unit}:`,
        ...arms.map(({ name, values }) => `  ${name}: ${meanOf(values)?.toFixed(4) ?? "none"}`),
      ]),
      ...stepDownLine(judged.flatMap(({ pairs }) => pairs)),
    ],
    verdicts: judged.flatMap(({ measure: { title, unit, expectation }, pairs }) =>
      pairs
        .filter(({ first, second }) => isAsked(expectation, first, second))
        .map((pair) => ({ outcome: pair.verdict, text: `${title}: ${apartText(pair, unit)}` })),
    ),
    sections: judged.map((one) => measureSection(one, about)),
  };
}

function isAsked({ better, than }: Expectation, first: string, second: string): boolean {
  const asked = [...better, ...than];
  return (
    asked.includes(first) && asked.includes(second) && better.includes(first) !== better.includes(second)
  );
}

/** In the unit of the measure, of which the lower is the better. */
function apartText({ first, second, difference, interval, winner, seeds }: PairResult, unit: string): string {
  if (difference === null) return `${first} and ${second} have no seed in common`;
  const rangeOf = ([low, high]: readonly [number, number]) => ` [${low.toFixed(4)}, ${high.toFixed(4)}]`;
  if (winner !== null) {
    const isFirst = winner === first;
    const [low, high] = interval ?? [difference, difference];
    const by = rangeOf(isFirst ? [-high, -low] : [low, high]);
    return `${winner} below ${isFirst ? second : first} by ${Math.abs(difference).toFixed(4)} ${unit}${by}`;
  }
  const range = interval === null ? "" : rangeOf(interval);
  return `${first} - ${second} is ${difference.toFixed(4)} ${unit}${range}${seeds < 2 ? "; one seed decides nothing" : ""}`;
}

function measureSection({ measure, pairs, judged }: JudgedMeasure, about: FigureAbout): ReportSection {
  const { title, unit, arms } = measure;
  const seeds = Math.max(0, ...arms.map(({ values }) => values.length));
  const rows = pairs.flatMap(({ first, second, difference, interval, verdict }) =>
    difference === null || interval === null
      ? []
      : [{ label: `${first} - ${second}`, value: difference, interval, outcome: verdict }],
  );
  return {
    heading: capitalised(title),
    parts: [
      {
        kind: "text",
        text: [`${judged.judgement}: ${judged.text}: ${judged.reason}.`, ...stepDownLine(pairs)].join(" "),
      },
      {
        kind: "table",
        title: capitalised(title),
        note: `Each number: ${unit}; the lower is the better. A dash: not known.`,
        columns: [
          { heading: "arm" },
          ...["mean", ...Array.from({ length: seeds }, (_, i) => `seed ${i + 1}`)].map((heading) => ({
            heading,
            unit: unit === "nat" ? ("nat" as const) : undefined,
          })),
        ],
        rows: arms.map(({ name, values }) => [name, meanOf(values), ...values]),
      },
      ...(rows.length === 0
        ? []
        : [
            {
              ...({ kind: "figure", title: `Differences: ${title}`, ...about } as const),
              description: `Difference of every pair that is asked about (${unit}), with its interval; below zero the first is better.`,
              convention: "95 % intervals over seeds that hold for all pairs and measures at once",
              chart: {
                kind: "forest",
                x: { label: `difference, ${unit}`, unit: "number", scale: "linear" },
                ...{ equal: 0, rows },
              } as const,
            },
          ]),
    ],
  };
}

/** Of those that are known; null of nothing. */
export function meanOf(values: readonly (number | null)[]): number | null {
  return mean(values.flatMap((value) => value ?? []));
}
