// What `scantling plan` does: reads the request and the laws, asks for plans, prints them. Plans nothing itself.

import { printStripe } from "../../architecture/stripe.ts";
import { RequestError } from "../../errors.ts";
import { flopsPerHour, usualUtilisation } from "../../scaling/plan/hardware.ts";
import { ladderFor } from "../../scaling/plan/ladder.ts";
import { type ModelPlan, planModel, rangeWarnings } from "../../scaling/plan/plan.ts";
import type { PlanLaw } from "../../scaling/plan/planLaw.ts";
import type { Console } from "../console.ts";
import { prepareOutput } from "../output.ts";
import type { PlanCommandOptions } from "./command.ts";
import { readLaw } from "./law.ts";
import { readRate } from "./rate.ts";
import { ladderText, planText } from "./text.ts";

/** @returns the exit code */
export function planBudget(options: PlanCommandOptions, console: Console): number {
  const write = options.out === undefined ? undefined : prepareOutput(options.out, options.force ?? false);
  const { stateMemory: stateBytes, uniqueTokens } = options;
  const names = options.law ?? (uniqueTokens === undefined ? "besiroglu" : "data-constrained");
  const laws = names.split(",").map((name) => readLaw(name.trim(), uniqueTokens));
  if (uniqueTokens !== undefined && laws.some(({ repetition }) => repetition === undefined)) {
    throw new RequestError(
      "--unique-tokens is of use to --law data-constrained alone, or a fit of it; leave --law out or name that one",
    );
  }
  if (options.table === true && laws.length > 1)
    throw new RequestError(`--table: ${laws.length} laws; expected one, around whose optimum the runs lie`);
  const result = options.table === true ? ladder(laws[0]!, options) : plans(laws, { ...options, stateBytes });
  write?.(`${JSON.stringify(result.document, null, 2)}\n`);
  console.out(options.json ? `${JSON.stringify(result.document)}\n` : result.text);
  return 0;
}

interface Result {
  readonly document: unknown;
  readonly text: string;
}

function plans(
  laws: readonly PlanLaw[],
  options: PlanCommandOptions & { stateBytes?: number | undefined },
): Result {
  const measuredRate = readRate(options);
  const made = laws.map((law) => planModel(law, { ...options, measuredRate }));
  const document = made.map(withStripe);
  return { document: document.length === 1 ? document[0] : { plans: document }, text: planText(made) };
}

/** A shape as a pattern, which scantling count takes; the resolved architecture is long. */
function withStripe(plan: ModelPlan) {
  const { shape, ...rest } = plan;
  return { ...rest, shape: shape === null ? null : { ...shape, stripe: printStripe(shape.architecture) } };
}

function ladder(law: PlanLaw, options: PlanCommandOptions): Result {
  const { flops, gpuHours, hardware = "h100", utilisation = usualUtilisation } = options;
  const anHour = flopsPerHour(hardware, utilisation);
  const budget = flops ?? (gpuHours === undefined ? undefined : gpuHours * anHour);
  if (budget === undefined)
    throw new RequestError("--table: no budget; expected --flops or --gpu-hours for all runs together");
  const made = ladderFor(law, budget);
  const budgets = made.rungs.map((rung) => rung.budget);
  const warnings = [
    ...(law.doubts ?? []),
    // Small runs are what a ladder is for: below the law's own it is said and no more.
    ...rangeWarnings(law, Math.min(...budgets, law.fitted[1]), true),
    ...rangeWarnings(law, Math.max(...budgets, law.fitted[0]), options.extrapolate ?? false),
  ];
  const cost = { hardware, utilisation, hours: made.flops / anHour };
  return {
    document: { law: law.name, warnings, ...made, cost },
    text: ladderText(law.name, made, cost, warnings),
  };
}
