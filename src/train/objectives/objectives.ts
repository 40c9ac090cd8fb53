// Every objective by name, made from its settings.
import type { Architecture } from "../../architecture/architecture.ts";
import { RequestError } from "../../errors.ts";
import { expectedOneOf, parseStrict, show } from "../../strict.ts";
import { classification, classificationSettings } from "./classification.ts";
import { maskedToken, maskedTokenSettings } from "./maskedToken.ts";
import { nextToken, nextTokenSettings } from "./nextToken.ts";
import type { Objective } from "./objective.ts";

const makers: Readonly<Record<string, (settings: unknown) => Objective>> = {
  "next-token": (settings) => nextToken(parseStrict("objective next-token", nextTokenSettings, settings)),
  classification: (settings) =>
    classification(parseStrict("objective classification", classificationSettings, settings)),
  "masked-token": (settings) =>
    maskedToken(parseStrict("objective masked-token", maskedTokenSettings, settings)),
};

export const objectiveNames = Object.keys(makers);

/** From a name or `{ name, ...settings }`. Errors: RequestError for names and settings that do not exist. */
export function createObjective(of: unknown): Objective {
  const settings = typeof of === "string" ? { name: of } : of;
  const name = (settings as { name?: unknown } | null)?.name;
  const make = typeof name === "string" && Object.hasOwn(makers, name) ? makers[name] : undefined;
  if (make === undefined) {
    throw new RequestError(`objective: name is ${show(name)}; ${expectedOneOf(name, objectiveNames)}`);
  }
  return make(settings);
}

/** What models of the architecture are trained on where nothing else is said. */
export function usualObjective(architecture: Architecture): Objective {
  return createObjective(
    architecture.pool === null || architecture.decoder !== null ? "next-token" : "classification",
  );
}
