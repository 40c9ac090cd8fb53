// All claims there are, by name. Knows nothing of them.
import { RequestError } from "../errors.ts";
import { expectedOneOf, show } from "../strict.ts";
import type { Claim } from "./claim.ts";
import { striping } from "./striping.ts";
import { wideOrDeep } from "./wideOrDeep.ts";

/** Every claim, in the order of lists. */
export const claims: readonly Claim[] = [wideOrDeep, striping];

/** Errors: RequestError, with the nearest name, for an unknown one. */
export function requireClaim(name: string): Claim {
  const found = claims.find((claim) => claim.name === name);
  if (found !== undefined) return found;
  const names = claims.map((claim) => claim.name);
  throw new RequestError(`claim ${show(name)} is not known; ${expectedOneOf(name, names)}`);
}
