// A study's arms held to other budgets than its own: the same tokens, operations, seconds or parameters, under every
// convention. Knows curves and counts, no runs.
import {
  type FlopConvention,
  flopConventions,
  type ParameterConvention,
  parameterConventions,
} from "../architecture/solve.ts";
import { type Comparison, compareArms } from "../study/statistics/compare.ts";
import type { Table } from "../study/statistics/table.ts";

/** An arm as it is held to budgets. */
export interface ViewArm {
  readonly tokensPerStep: number;
  readonly flopsPerToken: Readonly<Record<FlopConvention, number>>;
  readonly parameters: Readonly<Record<ParameterConvention, number>>;
  /** Null where none was timed. */
  readonly tokensPerSecond: number | null;
  /** Of each seed; null where there is no run. Losses on the tokens that select, and of the test. */
  readonly seeds: readonly ({ readonly curve: readonly Look[]; readonly test: number } | null)[];
}

/** A loss on the way. */
export interface Look {
  readonly step: number;
  readonly loss: number;
}

/** What is held equal. */
export type Axis =
  | { readonly of: "tokens" }
  | { readonly of: "flops"; readonly convention: FlopConvention }
  | { readonly of: "seconds" }
  | { readonly of: "parameters"; readonly convention: ParameterConvention };

/** The arms at one budget. */
export interface View {
  readonly axis: Axis;
  /** "equal FLOPs (sixN)". */
  readonly name: string;
  /** Of each arm: tokens, FLOPs or seconds; of parameters the size that losses are moved to. Null where it is not known. */
  readonly budget: number | null;
  /** Losses, negated, [arms][seeds]. */
  readonly table: Table;
  readonly comparisons: readonly Comparison[];
}

/** Loss goes as parameters to this power, where nothing else bounds it (Kaplan et al. 2020, table 5). */
const sizeExponent = 0.076;

/** What the study says at the budget that was asked for, and how its verdicts are made. */
export interface AskedView {
  readonly table: Table;
  readonly comparisons: readonly Comparison[];
  readonly margin: number;
  /** Chance of any false win. */
  readonly level: number;
}

/**
 * All views. At equal tokens, FLOPs or seconds each arm's curve is read where the shortest one ends, between looks by a
 * straight line; where all end there, to within an update, that is what was asked for. Parameters cannot be taken from a trained model: each loss of the test is moved along Kaplan's power law to
 * the middle of the arms' sizes.
 */
export function viewsOf(arms: readonly ViewArm[], asked: AskedView): View[] {
  const axes: readonly Axis[] = [
    { of: "tokens" },
    ...flopConventions.filter(isOfTraining).map((convention) => ({ of: "flops", convention }) as const),
    { of: "seconds" },
    ...parameterConventions.map((convention) => ({ of: "parameters", convention }) as const),
  ];
  return axes.map((axis) => {
    const { budget, table } =
      axis.of === "parameters" ? moved(arms, axis.convention) : cut(arms, axis, asked);
    const comparisons =
      table === asked.table
        ? asked.comparisons
        : compareArms([table], { alpha: asked.level, margin: asked.margin });
    return { axis, name: nameOf(axis), budget, table, comparisons };
  });
}

const isOfTraining = (convention: FlopConvention): boolean => convention !== "forward";

function nameOf(axis: Axis): string {
  switch (axis.of) {
    case "tokens":
      return "equal tokens";
    case "seconds":
      return "equal seconds";
    case "flops":
      return `equal FLOPs (${axis.convention})`;
    case "parameters":
      return `equal parameters (${axis.convention})`;
  }
}

/** What a step takes of the budget; null where it is not known. */
export function perStep(arm: ViewArm, axis: Exclude<Axis, { of: "parameters" }>): number | null {
  switch (axis.of) {
    case "tokens":
      return arm.tokensPerStep;
    case "flops":
      return arm.tokensPerStep * arm.flopsPerToken[axis.convention];
    case "seconds":
      return arm.tokensPerSecond === null ? null : arm.tokensPerStep / arm.tokensPerSecond;
  }
}

function cut(
  arms: readonly ViewArm[],
  axis: Exclude<Axis, { of: "parameters" }>,
  asked: AskedView,
): Pick<View, "budget" | "table"> {
  const prices = arms.map((arm) => perStep(arm, axis));
  const ends = arms.flatMap(({ seeds }, arm) =>
    seeds.flatMap((seed) => {
      const price = prices[arm]!;
      return seed === null || price === null ? [] : [{ price, at: seed.curve.at(-1)!.step * price }];
    }),
  );
  const budget = ends.length === 0 ? null : Math.min(...ends.map(({ at }) => at));
  if (budget !== null && !prices.includes(null) && ends.every(({ at, price }) => at - price < budget)) {
    return { budget, table: asked.table };
  }
  const table: Table = arms.map(({ seeds }, arm) =>
    seeds.map((seed) => {
      const price = prices[arm]!;
      if (seed === null || price === null || budget === null) return null;
      const loss = lossAt(seed.curve, budget / price);
      return loss === null ? null : { score: -loss, itemVariance: 0 };
    }),
  );
  return { budget, table };
}

/** On the straight line between two looks; null before the first. */
function lossAt(curve: readonly Look[], step: number): number | null {
  const next = curve.findIndex((look) => look.step >= step - 1e-6 * step);
  if (next < 0) return curve.at(-1)!.loss;
  const after = curve[next]!;
  if (Math.abs(after.step - step) <= 1e-6 * step) return after.loss;
  const before = curve[next - 1];
  if (before === undefined) return null;
  const share = (step - before.step) / (after.step - before.step);
  return before.loss + share * (after.loss - before.loss);
}

function moved(arms: readonly ViewArm[], convention: ParameterConvention) {
  const logs = arms.map(({ parameters }) => Math.log(parameters[convention]));
  const middle = Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
  const table: Table = arms.map(({ parameters, seeds }) =>
    seeds.map((seed) =>
      seed === null
        ? null
        : { score: -seed.test * (parameters[convention] / middle) ** sizeExponent, itemVariance: 0 },
    ),
  );
  return { budget: middle, table };
}
