// Laws that budgets are planned by from fits of one's own, as `scantling fit --out` writes them. Knows no file.

import { RequestError } from "../../errors.ts";
import type { Published } from "../law.ts";
import { chinchilla } from "../laws/chinchilla.ts";
import { dataConstrained } from "../laws/dataConstrained.ts";
import { overtraining } from "../laws/overtraining.ts";
import { predictOnLine } from "../line.ts";
import type { Optimum } from "../powerLaw.ts";
import { chinchillaPlan, frontierPlan, type PlanLaw, searchedPlan } from "./planLaw.ts";

/** What is the same in all fits. */
interface AnyFit {
  /** FLOP of the runs. */
  readonly flops: readonly [number, number];
  readonly source: string;
  /** Parameters and tokens of the runs. Default: not known. */
  readonly sizes?: PlanLaw["sizes"];
  /** What was counted as what; default: the law's own. */
  readonly convention?: string | undefined;
  /** What speaks against the fit, a line each. Default: nothing. */
  readonly doubts?: readonly string[] | undefined;
}

/** A fit as `scantling fit --out` writes it, as far as a plan needs it. */
export interface FittedConstants extends AnyFit {
  readonly law: string;
  readonly values: readonly number[];
  readonly covariance: readonly (readonly number[])[] | null;
}

/** The same of a fit that knows the optimum alone. */
export interface FittedFrontier extends AnyFit {
  readonly law: FrontierName;
  readonly constants: { readonly k: number; readonly a: number };
  /** What the line was drawn through. */
  readonly optima: readonly Optimum[];
}

const lossLaws = [chinchilla, overtraining, dataConstrained];

/** Fits of the optimum by the budget. */
export const frontierNames = ["isoflop", "envelope"] as const;
export type FrontierName = (typeof frontierNames)[number];

/** Laws whose fits know what a budget is best spent on. */
export const plannable: readonly string[] = [...lossLaws.map(({ name }) => name), ...frontierNames];

/** The law of a fit of one's own. Errors: RequestError for a law that budgets cannot be planned by. */
export function planLawOfFit(fit: FittedConstants, uniqueTokens?: number): PlanLaw {
  const { source, values, covariance, flops } = fit;
  const published: Published = { source, values, covariance: covariance ?? undefined };
  const law = lossLaws.find((one) => one.name === fit.law);
  if (law === undefined) throw knowsNoOptimum(source, fit.law);
  const made =
    law === chinchilla
      ? chinchillaPlan(source, published, flops)
      : searchedPlan(law, source, published, flops, uniqueTokens);
  return { ...made, convention: fit.convention ?? law.convention, sizes: fit.sizes, doubts: fit.doubts };
}

/** The law of a fit of optima. Where parameters would lie at a budget has an interval from three valleys on. */
export function planLawOfFrontier(fit: FittedFrontier): PlanLaw {
  const { law, source, constants, optima, flops } = fit;
  const made = frontierPlan(constants, {
    ...{ name: source, source, title: `Optimum by ${law}`, fitted: flops },
    convention: fit.convention ?? "N and FLOPs as they were in the file; D = C/(6·N)",
  });
  const points = optima.map((optimum) => ({ x: Math.log(optimum.flops), y: Math.log(optimum.parameters) }));
  return {
    ...made,
    doubts: fit.doubts,
    // Those of an envelope are where sizes begin to be the best, which is no sample of anything.
    ...(law === "isoflop"
      ? {
          optimumInterval: (budget: number) => {
            const { interval } = predictOnLine(points, Math.log(budget));
            return interval === null ? null : [Math.exp(interval[0]), Math.exp(interval[1])];
          },
        }
      : {}),
  };
}

/** The refusal of a law that says nothing of what a budget is best spent on. */
export function knowsNoOptimum(source: string, law: string): RequestError {
  return new RequestError(
    `--law ${source}: a fit of law ${law.slice(0, 40)} knows no optimum and plans no budget; expected one of ${plannable.join(", ")}`,
  );
}
