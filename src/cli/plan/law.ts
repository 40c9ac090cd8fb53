// The law that `scantling plan --law` names: a published one, or a file that `scantling fit --out` wrote. Plans nothing.

import { existsSync } from "node:fs";
import { z } from "zod";
import { RequestError } from "../../errors.ts";
import { largest, readInputFile } from "../../inputFile.ts";
import { isObject } from "../../json.ts";
import { lawOf } from "../../scaling/laws/laws.ts";
import {
  type FrontierName,
  frontierNames,
  knowsNoOptimum,
  planLawOfFit,
  planLawOfFrontier,
  plannable,
} from "../../scaling/plan/fittedLaw.ts";
import { type PlanLaw, planLawNames, planLawOf } from "../../scaling/plan/planLaw.ts";
import { rangeOf } from "../../scaling/quantities.ts";

const number = z.number();
const diagnostics = z.array(z.object({ kind: z.string(), text: z.string() })).default([]);
const fitted = z.object({
  constants: z.record(z.string(), z.object({ value: number })),
  convention: z.string().optional(),
  covariance: z.array(z.array(number)).nullable(),
  residuals: z.array(z.object({ inputs: z.array(number).min(2) })).min(1),
  diagnostics,
});
const value = z.object({ value: number });
const frontier = z.object({
  constants: z.object({ k: z.object({ value: number.positive() }), a: value }),
  convention: z.string().optional(),
  domain: z.object({ flops: z.tuple([number.positive(), number.positive()]) }),
  optima: z.array(z.object({ flops: number.positive(), parameters: number.positive(), loss: number })),
  diagnostics,
});

/** Without these a plan can be right; with one of them it rests on what may be no law. */
const grave: ReadonlySet<string> = new Set(["poor fit", "local optimum", "biased parabolas"]);

/** Errors: RequestError for no such law or file, and for a file that no budget can be planned by. */
export function readLaw(name: string, uniqueTokens: number | undefined): PlanLaw {
  if ((planLawNames as readonly string[]).includes(name) || !existsSync(name))
    return planLawOf(name, uniqueTokens);
  const document = readDocument(name);
  const law = isObject(document) ? document.law : undefined;
  if (typeof law !== "string") throw notAFit(name, "law");
  if (!plannable.includes(law)) throw knowsNoOptimum(name, law);
  return (frontierNames as readonly string[]).includes(law)
    ? frontierOf(name, law as FrontierName, document)
    : regressionOf(name, law, document, uniqueTokens);
}

function frontierOf(name: string, law: FrontierName, document: unknown): PlanLaw {
  const { constants, convention, domain, optima, diagnostics } = parse(name, frontier, document);
  return planLawOfFrontier({
    ...{ law, convention, optima, source: name, flops: domain.flops },
    constants: { k: constants.k.value, a: constants.a.value },
    doubts: doubtsOf(name, diagnostics),
  });
}

function regressionOf(
  name: string,
  law: string,
  document: unknown,
  uniqueTokens: number | undefined,
): PlanLaw {
  const { constants, convention, covariance, residuals, diagnostics } = parse(name, fitted, document);
  const names = lawOf(law).constants;
  const values = names.map((constant) => constants[constant]?.value ?? Number.NaN);
  if (values.some(Number.isNaN))
    throw new RequestError(`--law ${name}: not all of ${names.join(", ")} are in it; fit again`);
  const size = lawOf(law).regression.toFree(values).length;
  if (covariance !== null && (covariance.length !== size || covariance.some((row) => row.length !== size))) {
    throw new RequestError(`--law ${name}: covariance is not ${size} by ${size}; fit again`);
  }
  const column = (at: number): number[] => residuals.map(({ inputs }) => inputs[at]!);
  const [parameters, tokens] = [column(0), column(1)];
  const fit = {
    ...{ law, values, covariance, convention, source: name },
    flops: rangeOf(parameters.map((size, i) => 6 * size * tokens[i]!)),
    sizes: { parameters: rangeOf(parameters), tokens: rangeOf(tokens) },
    doubts: doubtsOf(name, diagnostics),
  };
  return planLawOfFit(fit, uniqueTokens);
}

function readDocument(name: string): unknown {
  try {
    return JSON.parse(readInputFile(name, largest.settings).toString("utf8"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RequestError(
      `--law ${name}: cannot be read (${reason}); expected a file of scantling fit --out`,
    );
  }
}

function parse<Parsed>(name: string, schema: z.ZodType<Parsed>, document: unknown): Parsed {
  const parsed = schema.safeParse(document);
  if (parsed.success) return parsed.data;
  throw notAFit(name, parsed.error.issues[0]!.path.join(".") || "it");
}

function notAFit(name: string, where: string): RequestError {
  return new RequestError(`--law ${name}: ${where} is not as scantling fit --out writes it; fit again`);
}

function doubtsOf(name: string, found: z.infer<typeof diagnostics>): string[] {
  return found
    .filter(({ kind }) => grave.has(kind))
    .map(({ kind, text }) => `${kind.toUpperCase()}: law ${name}: ${text}`);
}
