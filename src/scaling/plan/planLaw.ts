// A law that budgets are planned by: loss from parameters and tokens, and what a budget is best spent on. Knows no file and no
// shape.

import { RequestError } from "../../errors.ts";
import { expectedOneOf } from "../../nearest.ts";
import { linearisedEstimate } from "../intervals.ts";
import { type Domain, type Law, type Numbers, type Published, predict } from "../law.ts";
import { chinchilla, chinchillaOptimum } from "../laws/chinchilla.ts";
import { dataConstrained } from "../laws/dataConstrained.ts";
import { kaplanFrontier, kaplanLeastFlops } from "../laws/kaplan.ts";
import { overtraining } from "../laws/overtraining.ts";
import { frontierFormula, hoffmannEnvelope } from "../powerLaw.ts";

/** Parameters and tokens. */
export interface Allocation {
  readonly parameters: number;
  readonly tokens: number;
}

/** What a plan is made by. */
export interface PlanLaw {
  readonly name: string;
  readonly title: string;
  readonly formula: string;
  readonly source: string;
  readonly convention: string;
  /** FLOP of the runs it was fitted to. */
  readonly fitted: readonly [low: number, high: number];
  /** Parameters and tokens of those runs. Default: not known. */
  readonly sizes?: Pick<Domain, "parameters" | "tokens"> | undefined;
  /** Null where the law says nothing of loss away from the optimum. */
  readonly loss: ((at: Allocation) => number) | null;
  /** 95 % interval of that loss from the constants' own; null where it is unknown. */
  readonly interval: ((at: Allocation) => readonly [number, number] | null) | null;
  /** What so many FLOP are best spent on. */
  readonly optimum: (flops: number) => Allocation;
  /** Loss of the optimum, for laws that have no other. */
  readonly optimalLoss: ((flops: number) => number) | null;
  /** 95 % interval of the optimum's parameters; default: not known. */
  readonly optimumInterval?: ((flops: number) => readonly [number, number] | null) | undefined;
  /** R*_D of laws that know unique tokens: how soon tokens that are seen again are worth nothing. Default: it knows none. */
  readonly repetition?: number | undefined;
  /** What speaks against the law, a line each; every plan tells them first. Default: nothing. */
  readonly doubts?: readonly string[] | undefined;
}

/** Names that `--law` takes. */
export const planLawNames = [
  "besiroglu",
  "hoffmann",
  "hoffmann-rounded",
  "approach1",
  "kaplan",
  "overtraining",
  "data-constrained",
] as const;

/** The law of that name. @param uniqueTokens for `data-constrained`. Errors: RequestError for an unknown name. */
export function planLawOf(name: string, uniqueTokens?: number): PlanLaw {
  switch (name) {
    case "besiroglu":
    case "hoffmann":
    case "hoffmann-rounded":
      return chinchillaPlan(name, chinchilla.published[name]!, chinchilla.domain.flops!);
    case "approach1":
      return envelopePlan();
    case "kaplan":
      return kaplanPlan();
    case "overtraining":
      return searchedPlan(
        overtraining,
        "overtraining",
        overtraining.published.redpajama!,
        overtraining.domain.flops!,
      );
    case "data-constrained":
      return searchedPlan(
        ...([
          dataConstrained,
          name,
          dataConstrained.published.muennighoff!,
          dataConstrained.domain.flops!,
        ] as const),
        uniqueTokens,
      );
    default:
      throw new RequestError(
        `--law ${name.slice(0, 40)}: no such law and no such file; ${expectedOneOf(name, planLawNames)}, or a file of scantling fit --out`,
      );
  }
}

/** With the optimum that Hoffmann et al. derive. */
export function chinchillaPlan(
  name: string,
  published: Published,
  fitted: readonly [number, number],
): PlanLaw {
  const { a, G } = chinchillaOptimum(published.values);
  return {
    ...lossOf(chinchilla, name, published, fitted),
    optimum: (flops) => ({ parameters: G * (flops / 6) ** a, tokens: (flops / 6) ** (1 - a) / G }),
  };
}

function lossOf(
  law: Law,
  name: string,
  { source, values, covariance }: Published,
  fitted: readonly [number, number],
  uniqueTokens?: number,
): Omit<PlanLaw, "optimum"> {
  const isRepeating = law.inputs.includes("uniqueTokens");
  const inputs = ({ parameters, tokens }: Allocation) =>
    isRepeating ? [parameters, tokens, uniqueTokens ?? tokens] : [parameters, tokens];
  return {
    ...{ name, title: law.title, formula: law.formula, convention: publishedConvention(law), fitted, source },
    sizes: law.domain,
    loss: (at) => predict(law, values, inputs(at)),
    interval:
      covariance === undefined
        ? null
        : (at) => {
            const of = (free: Numbers) => predict(law, law.regression.toConstants(free), inputs(at));
            return linearisedEstimate(of, law.regression.toFree(values), covariance, Infinity).interval;
          },
    optimalLoss: null,
    ...(isRepeating ? { repetition: values[law.constants.indexOf("RD")] } : {}),
  };
}

/** What was counted as what, and what the losses are of. */
function publishedConvention({ convention, text }: Law): string {
  return text === undefined ? convention : `${convention} of ${text}`;
}

/** Without a closed form: the least loss on the line C = 6·N·D. */
export function searchedPlan(
  law: Law,
  name: string,
  published: Published,
  fitted: readonly [number, number],
  uniqueTokens?: number,
): PlanLaw {
  const own = lossOf(law, name, published, fitted, uniqueTokens);
  return { ...own, optimum: (flops) => leastOnLine(own.loss!, flops) };
}

/** The allocation of least loss at C = 6·N·D. */
export function leastOnLine(loss: (at: Allocation) => number, flops: number): Allocation {
  const at = (ln: number): Allocation => ({ parameters: Math.exp(ln), tokens: flops / (6 * Math.exp(ln)) });
  // Neither a parameter nor a token can be fewer than one.
  const best = goldenSection((ln) => loss(at(ln)), 0, Math.log(flops / 6));
  return at(best);
}

/** The place of the minimum of a function with one valley. */
export function goldenSection(f: (x: number) => number, from: number, to: number): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [from, to];
  let [left, right] = [high - ratio * (high - low), low + ratio * (high - low)];
  let [atLeft, atRight] = [f(left), f(right)];
  while (high - low > 1e-9 * Math.max(1, Math.abs(high))) {
    if (atLeft < atRight) {
      [high, right, atRight] = [right, left, atLeft];
      left = high - ratio * (high - low);
      atLeft = f(left);
    } else {
      [low, left, atLeft] = [left, right, atRight];
      right = low + ratio * (high - low);
      atRight = f(right);
    }
  }
  return (low + high) / 2;
}

function envelopePlan(): PlanLaw {
  return frontierPlan(hoffmannEnvelope, {
    ...{ name: "approach1", title: "Chinchilla, approach 1" },
    source: "Hoffmann et al. 2022, section 3.1 and the table of optimal sizes",
    ...{ convention: publishedConvention(chinchilla), fitted: chinchilla.domain.flops! },
  });
}

/** By a power law of the optimum alone, which says nothing of loss. */
export function frontierPlan(
  { k, a }: { readonly k: number; readonly a: number },
  about: Pick<PlanLaw, "name" | "title" | "source" | "convention" | "fitted">,
): PlanLaw {
  return {
    ...about,
    formula: frontierFormula,
    ...{ loss: null, interval: null, optimalLoss: null },
    optimum: (flops) => ({ parameters: k * flops ** a, tokens: flops ** (1 - a) / (6 * k) }),
  };
}

function kaplanPlan(): PlanLaw {
  return {
    ...{
      name: "kaplan",
      title: "Kaplan, frontier",
      formula: "N = 1.3e9·C_min^0.73, D = 2e10·C_min^0.27, C_min in PF-days",
    },
    source: "Kaplan et al. 2020, table 6",
    convention:
      "N counts no embeddings; C_min is compute at a batch far below the critical one, and not 6·N·D of the two fits",
    fitted: kaplanLeastFlops.domain.flops!,
    ...{ loss: null, interval: null },
    optimalLoss: (flops) => predict(kaplanLeastFlops, kaplanLeastFlops.published.kaplan!.values, [flops]),
    optimum: (flops) => {
      const { parameters, tokens } = kaplanFrontier(flops);
      return { parameters, tokens };
    },
  };
}
