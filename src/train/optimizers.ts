// Every optimiser by name, made from its settings.
import { RequestError } from "../errors.ts";
import { expectedOneOf, parseStrict, show } from "../strict.ts";
import { adamw, adamwSettings } from "./adamw.ts";
import { lamb, lambSettings } from "./lamb.ts";
import { muon, muonSettings } from "./muon.ts";
import type { Optimizer } from "./optimizer.ts";
import { sgd, sgdSettings } from "./sgd.ts";

const makers: Readonly<Record<string, (settings: unknown) => Optimizer>> = {
  adamw: (settings) => adamw(parseStrict("optimizer adamw", adamwSettings, settings)),
  sgd: (settings) => sgd(parseStrict("optimizer sgd", sgdSettings, settings)),
  lamb: (settings) => lamb(parseStrict("optimizer lamb", lambSettings, settings)),
  muon: (settings) => muon(parseStrict("optimizer muon", muonSettings, settings)),
};

export const optimizerNames = Object.keys(makers);

/** From a name or `{ name, ...settings }`. Errors: RequestError for names and settings that do not exist. */
export function createOptimizer(of: unknown): Optimizer {
  const settings = typeof of === "string" ? { name: of } : of;
  const name = (settings as { name?: unknown } | null)?.name;
  const make = typeof name === "string" && Object.hasOwn(makers, name) ? makers[name] : undefined;
  if (make === undefined) {
    throw new RequestError(`optimizer: name is ${show(name)}; ${expectedOneOf(name, optimizerNames)}`);
  }
  return make(settings);
}
