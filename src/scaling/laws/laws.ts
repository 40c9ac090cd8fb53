// The laws by name. Knows nothing of any of them.

import { RequestError } from "../../errors.ts";
import { expectedOneOf } from "../../nearest.ts";
import type { Law } from "../law.ts";
import { chinchilla } from "./chinchilla.ts";
import { dataConstrained } from "./dataConstrained.ts";
import { depthToWidth } from "./depth.ts";
import { granularity } from "./granularity.ts";
import { growthTiming } from "./growth.ts";
import {
  kaplanCriticalBatch,
  kaplanData,
  kaplanFlops,
  kaplanLeastFlops,
  kaplanParameters,
  kaplanSteps,
  kaplanTokens,
} from "./kaplan.ts";
import { downstreamError, overtraining } from "./overtraining.ts";
import { routedHash, routedReinforced, routedSinkhorn } from "./routed.ts";
import { sparsity } from "./sparsity.ts";
import { stateOptimal } from "./state.ts";

/** Laws whose constants are fitted by one regression; approaches 1 and 2 of Chinchilla are procedures of their own. */
export const laws: readonly Law[] = [
  chinchilla,
  overtraining,
  downstreamError,
  dataConstrained,
  kaplanParameters,
  kaplanTokens,
  kaplanFlops,
  kaplanLeastFlops,
  kaplanData,
  kaplanSteps,
  kaplanCriticalBatch,
  routedSinkhorn,
  routedReinforced,
  routedHash,
  granularity,
  sparsity,
  depthToWidth,
  stateOptimal,
  growthTiming,
];

/** The law of that name. Errors: RequestError, with the nearest name, for an unknown one. */
export function lawOf(name: string): Law {
  const found = laws.find((law) => law.name === name);
  if (found !== undefined) return found;
  const names = laws.map((law) => law.name);
  throw new RequestError(`law is ${JSON.stringify(name.slice(0, 40))}; ${expectedOneOf(name, names)}`);
}
