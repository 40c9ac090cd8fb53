// Widths for a budget: the integer width at each depth whose cost comes nearest. Knows costs by their counts only.
import { RequestError } from "../errors.ts";
import { expectedOneOf } from "../strict.ts";
import { defineArchitecture } from "./architecture.ts";
import { count, countedMatrices, countedParameters, countedState } from "./count.ts";
import type { Architecture, StripeEntry } from "./schema.ts";
import { ownSettings } from "./stripe.ts";

/** What parameters are counted by; kaplan: the weights in the matrices of the blocks. */
export const parameterConventions = ["total", "nonEmbedding", "active", "kaplan"] as const;
/** What floating-point operations are counted by, as `count` has them. */
export const flopConventions = ["training", "forward", "sixN", "kaplan", "chinchilla"] as const;
/** What the state of decoding is counted by; mad: the convention of the MAD paper. */
export const stateConventions = ["kept", "mad"] as const;

/** What counts as a parameter. */
export type ParameterConvention = (typeof parameterConventions)[number];
/** What counts as the FLOPs of a token. */
export type FlopConvention = (typeof flopConventions)[number];
/** What counts as a number of state. */
export type StateConvention = (typeof stateConventions)[number];

/**
 * So many parameters, so many operations for `tokens` tokens (1: a token's), or so many numbers that decoding carries for a
 * sequence of the architecture's length.
 */
export type Budget =
  | { readonly of: "parameters"; readonly value: number; readonly convention: ParameterConvention }
  | {
      readonly of: "flops";
      readonly value: number;
      readonly convention: FlopConvention;
      readonly tokens: number;
    }
  | { readonly of: "state"; readonly value: number; readonly convention: StateConvention };

/** The best width of a depth, and where it lands. */
export interface Solution {
  readonly depth: number;
  readonly width: number;
  /** What that width costs. */
  readonly value: number;
  /** value / budget - 1. */
  readonly error: number;
}

/** Wider models than this are nobody's. */
const WIDEST = 2 ** 22;

/**
 * For each depth (repetitions of the stripe) the width whose cost is nearest to the budget, the smaller of two. Of the
 * architecture everything else stays: heads as many as they are, feed-forward sizes in proportion to the width where they
 * are not the default. Widths are multiples of what the heads need. Costs are taken to grow with the width.
 * Errors: RequestError where even the smallest width costs more than the budget, or the widest one less.
 */
export function solveWidths(
  architecture: Architecture,
  budget: Budget,
  depths: readonly number[],
): Solution[] {
  return depths.map((depth) => {
    const { step, least } = possibleWidths(architecture, depth);
    const cost = (steps: number) => costOf(atShape(architecture, steps * step, depth), budget);
    const [below, above] = around(cost, budget, depth, { step, least: least / step });
    const { steps, value } =
      above === undefined || budget.value - below.value <= above.value - budget.value ? below : above;
    return { depth, width: steps * step, value, error: value / budget.value - 1 };
  });
}

interface Step {
  readonly steps: number;
  readonly value: number;
}

/** The last number of steps that costs no more than the budget, and the next one where the budget is not met exactly. */
function around(
  cost: (steps: number) => number,
  budget: Budget,
  depth: number,
  { step, least }: { readonly step: number; readonly least: number },
): [Step, Step | undefined] {
  let below: Step = { steps: least, value: cost(least) };
  if (below.value > budget.value) {
    throw new RequestError(
      `depth ${depth}: no width meets ${budgetText(budget)}, as the smallest one, ${least * step}, has ${amount(below.value)}; ` +
        "raise the budget or take fewer layers",
    );
  }
  const smallest = below.value;
  let above: Step | undefined;
  while (above === undefined && below.value < budget.value) {
    const steps = 2 * below.steps;
    if (steps * step > WIDEST) {
      if (below.value === smallest) {
        throw new RequestError(
          `depth ${depth}: no width meets ${budgetText(budget)}, as each has ${amount(smallest)}; take another architecture`,
        );
      }
      throw new RequestError(
        `depth ${depth}: no width up to ${WIDEST} meets ${budgetText(budget)}, as ${below.steps * step} has ` +
          `${amount(below.value)}; lower the budget or take more layers`,
      );
    }
    const next = { steps, value: cost(steps) };
    if (next.value <= budget.value) below = next;
    else above = next;
  }
  while (above !== undefined && above.steps - below.steps > 1) {
    const steps = Math.floor((below.steps + above.steps) / 2);
    const next = { steps, value: cost(steps) };
    if (next.value <= budget.value) below = next;
    else above = next;
  }
  return [below, above];
}

function amount(value: number): string {
  return value < 1e15 ? value.toLocaleString("en-US", { maximumFractionDigits: 0 }) : value.toExponential();
}

/** What a budget is counted in, in words. */
export const budgetUnits = {
  parameters: "parameters",
  flops: "FLOPs",
  state: "numbers of state",
} as const satisfies Record<Budget["of"], string>;

function budgetText({ of, value, convention }: Budget): string {
  return `${amount(value)} ${budgetUnits[of]} (${convention})`;
}

/** What an architecture costs by the convention of a budget. */
export function costOf(architecture: Architecture, budget: Budget): number {
  if (budget.of === "parameters") {
    return budget.convention === "kaplan"
      ? countedMatrices(architecture)
      : countedParameters(architecture)[budget.convention];
  }
  if (budget.of === "state") return countedState(architecture, architecture.length)[budget.convention];
  // The only one that no graph is needed for.
  if (budget.convention === "sixN") return 6 * budget.tokens * countedParameters(architecture).total;
  return budget.tokens * count(architecture).flopsPerToken[budget.convention];
}

/** The convention of that name. Errors: RequestError, with the nearest one, for an unknown name. */
export function conventionOf<Name extends string>(name: string, known: readonly Name[]): Name {
  const found = known.find((one) => one === name);
  if (found !== undefined) return found;
  throw new RequestError(`convention is ${JSON.stringify(name.slice(0, 40))}; ${expectedOneOf(name, known)}`);
}

/** Beyond what is too small for any setting. */
const FAR = 64;

/**
 * The widths an architecture can have: multiples of `step`, from `least` on. Heads divide them, in pairs where features are
 * turned in pairs; what else primitives and, at a depth (default: the architecture's own), parameter sources ask for is
 * found by trying.
 * Errors: RequestError where no step up to 256 times what the heads need will do.
 */
export function possibleWidths(
  architecture: Architecture,
  depth: number = architecture.repeat,
): { readonly step: number; readonly least: number } {
  const base = headStep(architecture);
  for (let times = 1; times <= 256; times++) {
    const step = times * base;
    if (![1, 2, 3, 4].every((more) => isPossible(architecture, (FAR + more) * step, depth))) continue;
    let least = step;
    while (!isPossible(architecture, least, depth)) least += step;
    return { step, least };
  }
  // Says what is wrong.
  atShape(architecture, 256 * base * FAR, depth);
  throw new RequestError(
    "architecture: no regular series of widths fits its primitives; change their settings",
  );
}

function isPossible(architecture: Architecture, width: number, depth: number): boolean {
  try {
    atShape(architecture, width, depth);
    return true;
  } catch (error) {
    if (error instanceof RequestError) return false;
    throw error;
  }
}

function headStep({ first, stripe, last, positions }: Architecture): number {
  let step = 1;
  for (const { heads } of [...first, ...stripe, ...last]) {
    if (typeof heads !== "number") continue;
    const needed = positions === "rope" ? 2 * heads : heads;
    step = (step / greatestCommonDivisor(step, needed)) * needed;
  }
  return step;
}

function greatestCommonDivisor(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}

/** The architecture at another width and depth, as `solveWidths` has it. */
export function atShape(architecture: Architecture, width: number, depth: number): Architecture {
  const share = width / architecture.width;
  const reshape = (entry: StripeEntry): StripeEntry => {
    const { headWidth: _, ...own } = ownSettings(entry, architecture);
    return {
      ...own,
      ...(typeof entry.heads === "number" ? { heads: entry.heads } : {}),
      ...(typeof own.feedforward === "number"
        ? { feedforward: Math.max(1, Math.round(own.feedforward * share)) }
        : {}),
    } as StripeEntry;
  };
  const { first, stripe, last } = architecture;
  return defineArchitecture({
    ...architecture,
    width,
    first: first.map(reshape),
    stripe: stripe.map(reshape),
    last: last.map(reshape),
    repeat: depth,
  });
}
