// What `scantling plan` does: reads the request and the laws, asks for plans, prints them. Plans nothing itself.

import { existsSync } from "node:fs";
import { z } from "zod";
import { printStripe } from "../../architecture/stripe.ts";
import { RequestError } from "../../errors.ts";
import { largest, readInputFile } from "../../inputFile.ts";
import { lawOf } from "../../scaling/laws/laws.ts";
import { flopsPerHour, usualUtilisation } from "../../scaling/plan/hardware.ts";
import { ladderFor } from "../../scaling/plan/ladder.ts";
import { type ModelPlan, planModel, rangeWarnings } from "../../scaling/plan/plan.ts";
import {
  type FittedConstants,
  type PlanLaw,
  planLawNames,
  planLawOf,
  planLawOfFit,
} from "../../scaling/plan/planLaw.ts";
import type { Console } from "../console.ts";
import { prepareOutput } from "../output.ts";
import type { PlanCommandOptions } from "./command.ts";
import { ladderText, planText } from "./text.ts";

/** @returns the exit code */
export function planBudget(options: PlanCommandOptions, console: Console): number {
  const write = options.out === undefined ? undefined : prepareOutput(options.out, options.force ?? false);
  const { stateMemory: stateBytes, uniqueTokens } = options;
  const names = options.law ?? (uniqueTokens === undefined ? "besiroglu" : "data-constrained");
  const laws = names.split(",").map((name) => readLaw(name.trim(), uniqueTokens));
  if (
    uniqueTokens !== undefined &&
    laws.some(({ name }) => (planLawNames as readonly string[]).includes(name) && name !== "data-constrained")
  ) {
    throw new RequestError(
      "--unique-tokens is of use to --law data-constrained alone; leave --law out or name that one",
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
  const made = laws.map((law) => planModel(law, options));
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

const number = z.number();
const fitted = z.object({
  law: z.string(),
  constants: z.record(z.string(), z.object({ value: number })),
  covariance: z.array(z.array(number)).nullable(),
  domain: z.object({
    parameters: z.tuple([number, number]),
    tokens: z.tuple([number, number]),
  }),
  residuals: z.array(z.object({ inputs: z.array(number).min(2) })).min(1),
});

function readLaw(name: string, uniqueTokens: number | undefined): PlanLaw {
  if ((planLawNames as readonly string[]).includes(name) || !existsSync(name))
    return planLawOf(name, uniqueTokens);
  let content: unknown;
  try {
    content = JSON.parse(readInputFile(name, largest.settings).toString("utf8"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RequestError(
      `--law ${name}: cannot be read (${reason}); expected a file of scantling fit --out`,
    );
  }
  const parsed = fitted.safeParse(content);
  if (!parsed.success) {
    const where = parsed.error.issues[0]!.path.join(".");
    throw new RequestError(
      `--law ${name}: ${where || "it"} is not as scantling fit --out writes it; fit again`,
    );
  }
  const { law, constants, covariance, residuals } = parsed.data;
  const names = lawOf(law).constants;
  const values = names.map((constant) => constants[constant]?.value ?? Number.NaN);
  if (values.some(Number.isNaN))
    throw new RequestError(`--law ${name}: not all of ${names.join(", ")} are in it; fit again`);
  const size = lawOf(law).regression.toFree(values).length;
  if (covariance !== null && (covariance.length !== size || covariance.some((row) => row.length !== size))) {
    throw new RequestError(`--law ${name}: covariance is not ${size} by ${size}; fit again`);
  }
  const flops = residuals.map(({ inputs: [parameters, tokens] }) => 6 * parameters! * tokens!);
  const fit: FittedConstants = {
    law,
    values,
    covariance,
    flops: [Math.min(...flops), Math.max(...flops)],
    source: name,
  };
  return planLawOfFit(fit, uniqueTokens);
}
