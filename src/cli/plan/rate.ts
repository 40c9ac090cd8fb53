// The measured rate that `scantling plan` is given: by a file of transfer, or with the width it was found at. Plans nothing.

import { RequestError } from "../../errors.ts";
import { givenRate, measuredRateOf, planRate } from "../../ladder/measuredRate.ts";
import type { MeasuredRate } from "../../scaling/plan/recipe.ts";
import { readRatesFile } from "../ratesFile.ts";
import type { PlanCommandOptions } from "./command.ts";

/** Undefined where there is none. Errors: RequestError for options that do not belong together, and as `measuredRateOf`. */
export function readRate({
  rates,
  rate,
  baseWidth: width,
  baseDepth: depth,
  parametrisation = "standard",
}: PlanCommandOptions): MeasuredRate | undefined {
  if (rates === undefined && rate === undefined) {
    if (width === undefined && depth === undefined) return undefined;
    const base = width === undefined ? "--base-depth" : "--base-width";
    throw new RequestError(`${base} is of no use without --rate or --rates; leave it out`);
  }
  if (parametrisation === "standard") {
    const given = rates === undefined ? "--rate" : "--rates";
    throw new RequestError(
      `${given} is of no use to --parametrisation standard, whose rate goes by the size; expected mup, depth-mup or completep`,
    );
  }
  const base = { width, depth };
  return planRate(
    rates === undefined
      ? givenRate(rate!, parametrisation, base)
      : measuredRateOf(readRatesFile(rates), `--rates ${rates}`, parametrisation, base),
  );
}
