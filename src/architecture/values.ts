// Parameters as numbers: what an architecture's primitives see of those that are stored. Knows no machine and no file.

import { RequestError } from "../errors.ts";
import { inputSource } from "../nn/parameters.ts";
import { show } from "../strict.ts";
import { evaluate } from "../tensor/evaluate.ts";
import { type NdArray, type Shape, sameShape } from "../tensor/tensor.ts";
import { plainParameters, withSources } from "./forward.ts";
import type { Architecture } from "./schema.ts";

/** Numbers of parameters by name, each row-major with its shape. */
export type ParameterValues = Readonly<Record<string, NdArray>>;

/** What primitives see, computed in float64. Errors: RequestError, begun by `what`, for a parameter that is absent or misshapen. */
export function seenValues(
  what: string,
  architecture: Architecture,
  stored: ParameterValues,
): ParameterValues {
  const source = inputSource();
  const sourced = withSources(architecture, source);
  const seen = [...plainParameters(architecture)].map(
    ([name, declaration]) => [name, sourced.parameter(name, declaration)] as const,
  );
  for (const [name, { shape }] of source.declared) valuesOf(what, stored, name, shape);
  const results = evaluate(
    seen.map(([, tensor]) => tensor),
    stored,
  );
  return Object.fromEntries(seen.map(([name], i) => [name, results[i]!]));
}

/** The numbers of one parameter. Errors as for `seenValues`. */
export function valuesOf(what: string, values: ParameterValues, name: string, shape: Shape): NdArray {
  const found = Object.hasOwn(values, name) ? values[name]! : undefined;
  if (found !== undefined && sameShape(found.shape, shape)) return found;
  throw new RequestError(
    `${what}: parameter ${show(name)} is ${found === undefined ? "absent" : `[${found.shape}]`}; expected [${shape}]`,
  );
}
