// Candidates of the user as they are given, held to what the arms of a study are held to. Knows single settings only.
import { z } from "zod";
import { architectureSchema } from "../architecture/schema.ts";
import { RequestError } from "../errors.ts";
import { isObject } from "../json.ts";
import { parseStrict, show } from "../strict.ts";
import { readArms } from "../trial/armInput.ts";
import { asDesign } from "./words.ts";

/** A candidate's own; `readArms` knows what may stand there. */
const schema = z
  .object({ architecture: z.unknown(), parametrisation: z.unknown(), rates: z.unknown() })
  .partial();
const ofArchitectures: ReadonlySet<string> = new Set(Object.keys(architectureSchema.shape));

/** Errors: RequestError, one line, for what would be trained as nobody wrote it. */
export function requireCandidates(given: unknown, rates: readonly number[]): void {
  if (!isObject(given)) {
    throw new RequestError(
      `design: candidates is ${show(given)}; expected architectures by name, such as { wide: wide.yaml }`,
    );
  }
  requireNoStudy(given);
  for (const [name, one] of Object.entries(given)) requireCandidate(name, one, rates);
  // Names, numbers and keys are those of arms.
  asDesign(() => readArms({ arms: given, rates: [...rates] }));
}

/** A study's arms are candidates; the study is not. */
function requireNoStudy({ arms, family }: Readonly<Record<string, unknown>>): void {
  const isStudy =
    (isObject(arms) && !Object.hasOwn(arms, "architecture")) ||
    (isObject(family) && Object.hasOwn(family, "depths"));
  if (!isStudy) return;
  throw new RequestError(
    "design: candidates are a study; expected architectures by name alone, as they stand under the arms of one",
  );
}

function requireCandidate(name: string, one: unknown, rates: readonly number[]): void {
  const what = `design: candidates.${name}`;
  if (typeof one === "string") return;
  if (!isObject(one)) {
    throw new RequestError(
      `${what} is ${show(one)}; expected a preset, a .json or .yaml file, or { architecture: … }`,
    );
  }
  const bare = Object.keys(one).find((key) => ofArchitectures.has(key));
  if (bare !== undefined) {
    throw new RequestError(
      `${what}: ${show(bare)} is a setting of an architecture; write { architecture: { ${bare}: … } }`,
    );
  }
  if (Object.hasOwn(one, "training")) {
    throw new RequestError(
      `${what}.training: candidates are trained alike but for rates and parametrisation; leave it out`,
    );
  }
  parseStrict(what, schema, one);
  if (one.architecture === undefined) {
    throw new RequestError(
      `${what}: architecture is missing; expected a preset, a .json or .yaml file, or settings`,
    );
  }
  if (Array.isArray(one.rates) && one.rates.length !== rates.length) {
    throw new RequestError(
      `${what}.rates: there ${one.rates.length === 1 ? "is 1" : `are ${one.rates.length}`}; expected ${rates.length}, in place of ` +
        `${rates.join(", ")}, so that all are tuned alike`,
    );
  }
}
