// An architecture as plain data: what was asked for, completed and checked. Knows no training.
import { RequestError } from "../errors.ts";
import { readPaths } from "../nn/paths.ts";
import { parseStrict } from "../strict.ts";
import { checkEnds } from "./ends.ts";
import { checkSources } from "./forward.ts";
import { readLoop } from "./loop.ts";
import { checkNested, readNested } from "./nested.ts";
import { type Architecture, type ArchitectureInput, architectureSchema, sharedKeys } from "./schema.ts";
import { readSources } from "./sources.ts";
import { checkApplications, type Known, readStripe, requirePrimitive, surroundingsOf } from "./stripe.ts";

export type { Architecture, ArchitectureInput, StripeEntry, StripeItem } from "./schema.ts";
export type { SourceEntry, SourceItem } from "./sources.ts";
export { stripeModules } from "./stripe.ts";

/**
 * Fills in every default and checks that the parts fit.
 * Errors: RequestError, one line, for unknown keys (with the nearest known one) and impossible shapes.
 */
export function defineArchitecture(input: ArchitectureInput | Architecture | unknown): Architecture {
  const given = parseStrict("architecture", architectureSchema, input);
  if (given.repeat !== undefined && given.layers !== undefined && given.repeat !== given.layers) {
    throw new RequestError(
      `architecture: repeat is ${given.repeat} and layers is ${given.layers}; they mean the same, give one of them`,
    );
  }
  if (given.stripe !== undefined && given.activation !== undefined) {
    throw new RequestError(
      "architecture: activation chooses the default stripe's feed-forward layer, but a stripe is given; put it there",
    );
  }
  checkEnds(given);
  if (given.residualScale !== undefined && given.block === "none") {
    throw new RequestError(
      "architecture: residualScale is given, but block none has no residual path; leave it out or change block",
    );
  }
  const { vocabulary, length, width, inputs, norm, normEpsilon, block, positions } = given;
  const { tie, headBias, allowNonCausal, dropout, standardDeviation } = given;
  const { embeddingWidth, embeddingNorm, tokenTypes, classToken } = given;
  const { pool, decoder, representation, stochasticDepth } = given;
  const surroundings = surroundingsOf(given);
  if (given.activation !== undefined) requirePrimitive(given.activation, "architecture: activation");
  const stripe = given.stripe ?? ["attention", given.activation ?? "gelu"];
  const pattern = readStripe({ ...given, stripe }, given.repeat ?? given.layers);
  const all = [...pattern.first, ...pattern.stripe, ...pattern.last];
  const common = commonSettings(given as Record<string, unknown>, all);
  const configure = ({ primitive, settings }: Known) => {
    const mine = Object.fromEntries(Object.entries(common).filter(([key]) => primitive.keys.includes(key)));
    const module = primitive.configure(
      `architecture: ${primitive.name}`,
      { ...mine, ...settings },
      surroundings,
    );
    return { primitive: primitive.name, ...module.configuration };
  };
  const architecture: Architecture = {
    vocabulary,
    length,
    width,
    inputs,
    embeddingWidth,
    embeddingNorm,
    tokenTypes,
    classToken,
    first: pattern.first.map(configure),
    stripe: pattern.stripe.map(configure),
    repeat: pattern.repeat,
    last: pattern.last.map(configure),
    norm,
    normEpsilon,
    block,
    positions,
    pool,
    decoder,
    representation,
    tie,
    headBias,
    allowNonCausal,
    dropout,
    stochasticDepth,
    ...(given.logitScale === undefined ? {} : { logitScale: given.logitScale }),
    ...(given.residualScale === undefined ? {} : { residualScale: given.residualScale }),
    loop: readLoop(given.loop),
    paths: readPaths(given.paths),
    nested: readNested(given.nested),
    sources: readSources(given),
    standardDeviation,
  };
  checkApplications(architecture);
  checkNested(architecture);
  checkSources(architecture);
  return architecture;
}

/** Settings given once for all; each must be known to a primitive of the stripe. */
function commonSettings(given: Record<string, unknown>, entries: readonly Known[]): Record<string, unknown> {
  const common: Record<string, unknown> = { positions: given.positions };
  for (const key of sharedKeys) {
    if (given[key] === undefined) continue;
    if (!entries.some(({ primitive }) => primitive.keys.includes(key))) {
      throw new RequestError(
        `architecture: ${key} is given, but no primitive of the stripe has it; leave it out or change the stripe`,
      );
    }
    common[key] = given[key];
  }
  return common;
}
