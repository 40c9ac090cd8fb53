// All claims there are, by name. Knows nothing of them.
import { RequestError } from "../errors.ts";
import { expectedOneOf, show } from "../strict.ts";
import { chinchilla } from "./chinchilla.ts";
import type { Claim } from "./claim.ts";
import { growth } from "./growth.ts";
import { kaplan } from "./kaplan.ts";
import { madClaim } from "./mad.ts";
import { mup } from "./mup.ts";
import { offOptimum } from "./offOptimum.ts";
import { stateOptimal } from "./stateOptimal.ts";
import { striping } from "./striping.ts";
import { type TrialClaim, trialClaim } from "./trialStudy.ts";
import { widenet } from "./widenet.ts";
import { widenetText } from "./widenetText.ts";
import { wideOrDeep } from "./wideOrDeep.ts";

/** Those about arms that are trained at an equal budget. */
export const trialClaims: readonly TrialClaim[] = [wideOrDeep, widenet, widenetText, growth, striping];

/** Every claim, in the order of lists. */
export const claims: readonly Claim[] = [
  ...trialClaims.map(trialClaim),
  ...[offOptimum, stateOptimal, kaplan, chinchilla, mup, madClaim],
];

/** Errors: RequestError, with the nearest name, for an unknown one. */
export function requireClaim(name: string): Claim {
  const found = claims.find((claim) => claim.name === name);
  if (found !== undefined) return found;
  const names = claims.map((claim) => claim.name);
  throw new RequestError(`claim ${show(name)} is not known; ${expectedOneOf(name, names)}`);
}
