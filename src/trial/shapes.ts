// Loss over depth and over width of arms that differ in their shape alone, as figures of a study's report. Draws no line
// through arms that differ in anything else; fits nothing.
import type { StripeEntry } from "../architecture/architecture.ts";
import { ownSettings } from "../architecture/stripe.ts";
import type { Series } from "../report/charts/chart.ts";
import type { ReportFigure } from "../report/document.ts";
import { formatCount } from "../report/format.ts";
import type { ArmResult } from "./armResult.ts";
import type { Arm } from "./arms.ts";
import type { TrialResult } from "./result.ts";
import { aboutSeeds } from "./words.ts";

/** Equal for arms that differ in depth, width, heads and rates alone; null where the network grows. */
export function familyOf({
  architecture,
  growth,
  parametrisation,
  training,
}: Pick<Arm, "architecture" | "growth" | "parametrisation" | "training">): string | null {
  if (growth.length > 0) return null;
  const { width, repeat: _, first, stripe, last, ...others } = architecture;
  const bare = (entry: StripeEntry): object => {
    const { heads, headWidth, feedforward, ...own } = ownSettings(entry, architecture);
    // Solved widths round the sizes that go with them.
    return typeof feedforward === "number" ? { ...own, feedforward: (feedforward / width).toFixed(1) } : own;
  };
  const patterns = [first, stripe, last].map((entries) => entries.map(bare));
  return JSON.stringify([patterns, others, parametrisation ?? null, training]);
}

/** Fewer points are no curve. */
const LEAST_POINTS = 3;

/** Nothing where no three arms of a family have three depths or, at one depth, three widths. */
export function shapeFigures(result: TrialResult): ReportFigure[] {
  const families = grouped(
    result.arms.filter(({ family }) => family !== null),
    ({ family }) => family!,
  );
  // A family that is solved for has one width at each depth; of a grid of shapes each width has a curve.
  const overDepth = families.flatMap((arms) => {
    const isOne = new Set(arms.map(depthOf)).size === arms.length;
    return isOne ? [arms] : grouped(arms, widthOf);
  });
  const overWidth = families.flatMap((arms) => grouped(arms, depthOf));
  return [
    ...figureOver(result, overDepth, { title: "Loss over depth", label: "layers", placeOf: depthOf }),
    ...figureOver(result, overWidth, { title: "Loss over width", label: "width", placeOf: widthOf }),
  ];
}

interface Over {
  readonly title: string;
  readonly label: string;
  readonly placeOf: (arm: ArmResult) => number;
}

const depthOf = ({ architecture }: ArmResult): number => architecture.repeat;
const widthOf = ({ architecture }: ArmResult): number => architecture.width;

function grouped<T>(items: readonly T[], keyOf: (item: T) => string | number): T[][] {
  const groups = new Map<string | number, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return [...groups.values()];
}

function figureOver(
  result: TrialResult,
  curves: readonly (readonly ArmResult[])[],
  { title, label, placeOf }: Over,
): ReportFigure[] {
  const drawable = curves.filter((arms) => {
    const places = new Set(arms.map(placeOf));
    return places.size >= LEAST_POINTS && places.size === arms.length;
  });
  const series = drawable.map((arms) => curveOf(arms, placeOf)).filter(({ points }) => points.length > 0);
  if (series.length === 0) return [];
  const sizes = drawable.flat().map(({ parameters }) => parameters.total);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)].map(formatCount);
  return [
    {
      kind: "figure",
      title,
      description:
        `Loss of the test over ${label === "layers" ? "layers, which are repetitions of the stripe," : "width"} of arms that differ ` +
        `in ${label === "layers" ? "depth, width and heads" : "width and heads"} alone, each at its best rate; ` +
        `${least === most ? least : `${least} to ${most}`} parameters. Bands are intervals.`,
      data: `${result.data}, test`,
      seeds: aboutSeeds(result),
      convention:
        result.seeds.length === 1 ? "one seed" : "means and 95 % intervals over the seeds that an arm has",
      chart: {
        kind: "curves",
        x: { label, unit: "count", scale: "log" },
        y: { label: "loss", unit: "nat", scale: "linear" },
        series,
        levels: result.optimum === null ? [] : [{ name: "lowest possible", y: result.optimum }],
      },
    },
  ];
}

function curveOf(arms: readonly ArmResult[], placeOf: Over["placeOf"]): Series {
  const ordered = [...arms].sort((a, b) => placeOf(a) - placeOf(b));
  return {
    name: `${ordered[0]!.name} to ${ordered.at(-1)!.name}`,
    points: ordered.flatMap((arm) => {
      if (arm.test === null) return [];
      const { loss, interval } = arm.test;
      return [{ x: placeOf(arm), y: loss, ...(interval === null ? {} : { interval }) }];
    }),
  };
}
