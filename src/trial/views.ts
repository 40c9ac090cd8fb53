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
import type { MeasureName } from "./measures.ts";

/** One network of an arm, in training. */
export interface ViewStage {
  readonly steps: number;
  readonly flopsPerToken: Readonly<Record<FlopConvention, number>>;
  /** Null where none was timed. */
  readonly tokensPerSecond: number | null;
}

/** An arm as it is held to budgets. */
export interface ViewArm {
  readonly tokensPerStep: number;
  /** One, where its network does not grow. */
  readonly stages: readonly ViewStage[];
  readonly parameters: Readonly<Record<ParameterConvention, number>>;
  /** Of each seed; null where there is no run. What is compared, on the data that select and of the test. */
  readonly seeds: readonly ({ readonly curve: readonly Reading[]; readonly test: number } | null)[];
}

/** What is compared, on the way. */
export interface Reading {
  readonly step: number;
  readonly value: number;
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
  | { readonly of: "parameters"; readonly convention: ParameterConvention }
  /** Nothing: the same models held against each other by something else. */
  | { readonly of: "measure"; readonly measure: MeasureName };

/** What can be counted while a model is trained. */
type Spent = Exclude<Axis, { readonly of: "parameters" | "measure" }>;

/** The arms at one budget. */
export interface View {
  readonly axis: Axis;
  /** "equal FLOPs (sixN)". */
  readonly name: string;
  /** Of each arm: tokens, FLOPs or seconds; of parameters the size that losses are moved to. Null where it is not known. */
  readonly budget: number | null;
  /** What is compared, negated, [arms][seeds]. */
  readonly table: Table;
  readonly comparisons: readonly Comparison[];
}

/** What the study says at the budget that was asked for, and how its verdicts are made. */
export interface AskedView {
  readonly table: Table;
  readonly comparisons: readonly Comparison[];
  readonly margin: number;
  /** Chance of any false win. */
  readonly level: number;
  /** Loss goes as parameters to minus this power; null where no such law is known. */
  readonly sizeExponent: number | null;
  /** By what else the same models are compared. */
  readonly others: readonly {
    readonly measure: MeasureName;
    readonly table: Table;
    readonly margin: number;
  }[];
}

/**
 * All views. At equal tokens, FLOPs or seconds each arm's curve is read where the shortest one ends, between looks by a
 * straight line; where all end there, to within an update, that is what was asked for. Parameters cannot be taken from a
 * trained model: each loss of the test is moved along the law of sizes, where there is one, to the middle of the arms'.
 */
export function viewsOf(arms: readonly ViewArm[], asked: AskedView): View[] {
  const { sizeExponent, level, margin } = asked;
  const spent: readonly Spent[] = [
    { of: "tokens" },
    ...flopConventions.filter(isOfTraining).map((convention) => ({ of: "flops", convention }) as const),
    { of: "seconds" },
  ];
  const sizes = sizeExponent === null ? [] : parameterConventions;
  const made: readonly (Pick<View, "axis" | "budget" | "table"> & { readonly margin: number })[] = [
    ...spent.map((axis) => ({ axis, margin, ...cut(arms, axis, asked) })),
    ...sizes.map((convention) => ({
      ...{ axis: { of: "parameters", convention } as const, margin },
      ...moved(arms, convention, sizeExponent!),
    })),
    ...asked.others.map(({ measure, table, margin: own }) => ({
      ...{ axis: { of: "measure", measure } as const, budget: null, table, margin: own },
    })),
  ];
  return made.map(({ axis, budget, table, margin: own }) => {
    const comparisons =
      table === asked.table ? asked.comparisons : compareArms([table], { alpha: level, margin: own });
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
    case "measure":
      return `by the ${axis.measure}`;
  }
}

/** What a step of one of its networks takes of the budget; null where it is not known. */
function perStep(arm: ViewArm, { flopsPerToken, tokensPerSecond }: ViewStage, axis: Spent): number | null {
  switch (axis.of) {
    case "tokens":
      return arm.tokensPerStep;
    case "flops":
      return arm.tokensPerStep * flopsPerToken[axis.convention];
    case "seconds":
      return tokensPerSecond === null ? null : arm.tokensPerStep / tokensPerSecond;
  }
}

/** How many updates a network has, and what each takes. */
export interface Rate {
  readonly steps: number;
  readonly price: number;
}

/** What so many steps of an arm take. */
export function spentAfter(rates: readonly Rate[], step: number): number {
  let [left, spent] = [step, 0];
  for (const { steps, price } of rates.slice(0, -1)) {
    const own = Math.min(left, steps);
    spent += own * price;
    left -= own;
  }
  return spent + left * rates.at(-1)!.price;
}

/** After how many steps so much is spent. */
function stepAt(rates: readonly Rate[], budget: number): number {
  let [left, done] = [budget, 0];
  for (const { steps, price } of rates.slice(0, -1)) {
    if (left < steps * price) return done + left / price;
    left -= steps * price;
    done += steps;
  }
  return done + left / rates.at(-1)!.price;
}

function cut(arms: readonly ViewArm[], axis: Spent, asked: AskedView): Pick<View, "budget" | "table"> {
  const rates = arms.map((arm) => ratesOf(arm.stages, (stage) => perStep(arm, stage, axis)));
  const ends = arms.flatMap(({ seeds }, arm) =>
    seeds.flatMap((seed) => {
      const own = rates[arm]!;
      if (seed === null || own === null) return [];
      return [{ price: own.at(-1)!.price, at: spentAfter(own, seed.curve.at(-1)!.step) }];
    }),
  );
  const budget = ends.length === 0 ? null : Math.min(...ends.map(({ at }) => at));
  if (budget !== null && !rates.includes(null) && ends.every(({ at, price }) => at - price < budget)) {
    return { budget, table: asked.table };
  }
  const table: Table = arms.map(({ seeds }, arm) =>
    seeds.map((seed) => {
      const own = rates[arm]!;
      if (seed === null || own === null || budget === null) return null;
      const value = valueAt(seed.curve, stepAt(own, budget));
      return value === null ? null : { score: -value, itemVariance: 0 };
    }),
  );
  return { budget, table };
}

/** Null where a price is not known. */
export function ratesOf<Stage extends { readonly steps: number }>(
  stages: readonly Stage[],
  priceOf: (stage: Stage) => number | null,
): Rate[] | null {
  const rates = stages.flatMap((stage) => {
    const price = priceOf(stage);
    return price === null ? [] : [{ steps: stage.steps, price }];
  });
  return rates.length === stages.length ? rates : null;
}

/** On the straight line between two looks; null before the first. */
function valueAt(curve: readonly Reading[], step: number): number | null {
  const next = curve.findIndex((look) => look.step >= step - 1e-6 * step);
  if (next < 0) return curve.at(-1)!.value;
  const after = curve[next]!;
  if (Math.abs(after.step - step) <= 1e-6 * step) return after.value;
  const before = curve[next - 1];
  if (before === undefined) return null;
  const share = (step - before.step) / (after.step - before.step);
  return before.value + share * (after.value - before.value);
}

function moved(arms: readonly ViewArm[], convention: ParameterConvention, sizeExponent: number) {
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
