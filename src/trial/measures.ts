// What the models of a study are held against each other by. Knows no data and no run.
import type { Unit } from "../report/units.ts";

/** How good a model is on some data. */
export interface Score {
  /** Mean, nats. */
  readonly loss: number;
  /** Share of answers whose likeliest class is the right one; null where the objective does not tell it. */
  readonly accuracy: number | null;
}

/** Lower is better. */
export interface Measure {
  /** Of a column or an axis. */
  readonly heading: string;
  readonly unit: Unit;
  /** Null where the score does not have it. */
  readonly of: (score: Score) => number | null;
  readonly digits: number;
  /** What the best has. */
  readonly lowest: string;
  /** What a difference is in. */
  readonly named: string;
  /** Differences that are surely smaller are ties, where nothing else is said. */
  readonly margin: number;
}

/** `loss` in nats, or `error`, the share of wrong answers in per cent. */
export type MeasureName = "loss" | "error";

/** All of them; errors in per cent. */
export const measures = {
  loss: {
    ...{ heading: "loss", unit: "nat", lowest: "lowest loss", of: ({ loss }) => loss, digits: 4 },
    ...{ named: "nat", margin: 0.01 },
  },
  error: {
    heading: "error, %",
    unit: "percent",
    lowest: "lowest share of errors",
    of: ({ accuracy }) => (accuracy === null ? null : 100 * (1 - accuracy)),
    digits: 2,
    named: "points",
    margin: 0.2,
  },
} as const satisfies Readonly<Record<MeasureName, Measure>>;

export const measureNames = Object.keys(measures) as readonly MeasureName[];

/** "0.0312 nat". */
export function showDifference(value: number, measure: MeasureName): string {
  const { digits, named } = measures[measure];
  return `${value.toFixed(digits)} ${named}`;
}
