// Growth steps as users give them, checked. Knows no network: whether one can grow so is another's business.

import { z } from "zod";
import { presets } from "../architecture/presets.ts";
import { readArchitectureInput } from "../architecture/read.ts";
import { RequestError } from "../errors.ts";
import { expectedOneOf, parseStrict, show, wholeNumber } from "../strict.ts";
import type { GrowthStep } from "./steps.ts";

/** Steps, or the architecture to grow to: its settings, a preset's name, or a JSON or YAML file. */
export type GrowthTarget = readonly GrowthStep[] | Readonly<Record<string, unknown>> | string;

const settings = z.record(z.string(), z.unknown(), "expected settings under their names");
const schemas = {
  settings: z.object({
    grow: z.literal("settings"),
    to: settings,
    blocks: z.array(wholeNumber(0), "expected numbers of blocks").optional(),
  }),
  width: z.object({ grow: z.literal("width"), to: wholeNumber() }),
  layers: z.object({
    grow: z.literal("layers"),
    add: wholeNumber(1, 9999),
    at: z.union([z.literal("last"), wholeNumber(0)], 'expected "last" or a number of a block'),
  }),
  architecture: z.object({ grow: z.literal("architecture"), to: settings }),
} as const satisfies Record<GrowthStep["grow"], z.ZodObject>;

/** Errors: RequestError, one line that begins with `what`. */
export function defineGrowthSteps(input: unknown, what: string): GrowthStep[] {
  if (typeof input === "string") return [{ grow: "architecture", to: namedArchitecture(input, what) }];
  if (!Array.isArray(input)) return [defineStep({ grow: "architecture", to: input }, what)];
  if (input.length === 0) throw new RequestError(`${what}: to is []; expected at least one step`);
  return input.map((step: unknown, i) => defineStep(step, `${what}: to[${i}]`));
}

function defineStep(step: unknown, what: string): GrowthStep {
  const kind = (step as { grow?: unknown } | null)?.grow;
  if (typeof kind === "string" && Object.hasOwn(schemas, kind)) {
    return parseStrict(what, schemas[kind as GrowthStep["grow"]] as z.ZodObject, step) as GrowthStep;
  }
  throw new RequestError(`${what}: grow is ${show(kind)}; ${expectedOneOf(kind, Object.keys(schemas))}`);
}

/** What a preset says of its own data gives way to the run's. */
function namedArchitecture(nameOrFile: string, what: string): Readonly<Record<string, unknown>> {
  try {
    const settings = readArchitectureInput(nameOrFile);
    const { vocabulary, length, ...others } = settings;
    return presets.has(nameOrFile) ? others : settings;
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw new RequestError(`${what}: ${error.message.replace(/^architecture /, "")}`);
  }
}
