// Which axes of an architecture's parameters grow with its width, and how first values shrink with it already: read off the
// same architecture at two other widths. Knows no parametrisation and no particular primitive.
import { defineArchitecture } from "../../architecture/architecture.ts";
import type { Architecture, StripeEntry } from "../../architecture/schema.ts";
import { surroundingsOf } from "../../architecture/stripe.ts";
import { RequestError } from "../../errors.ts";
import { storedParameters } from "../../growth/plan.ts";
import { primitives } from "../../nn/primitives.ts";
import { initialDeviation } from "../../nn/sources/source.ts";

/** One parameter in a family of architectures that differ in width. */
export interface WidthAxes {
  /** Of each axis, whether it is longer in wider models. */
  readonly grows: readonly boolean[];
  /** Standard deviation at the start is as the width to the power of minus this, by the parameter's own initialiser. */
  readonly exponent: number;
}

/**
 * By the names of stored parameters. Settings of primitives whose default follows the width, such as the number of heads or
 * feed-forward features, are taken to do so whatever they are here.
 * Errors: RequestError where the architecture cannot be had at other widths.
 */
export function widthAxes(architecture: Architecture): ReadonlyMap<string, WidthAxes> {
  const [narrow, wide] = [2, 4].map((times) => storedParameters(widened(architecture, times)));
  const axes = [...storedParameters(architecture).keys()].map((name): [string, WidthAxes] => {
    const [a, b] = [narrow!.get(name), wide!.get(name)];
    if (a === undefined || b === undefined || a.shape.length !== b.shape.length) {
      throw new RequestError(
        `parametrisation: ${name} is not there in wider models, so its role is not known; use standard, or leave out sources`,
      );
    }
    const [small, large] = [initialDeviation(a) ?? 0, initialDeviation(b) ?? 0];
    const exponent = small === 0 || large === 0 ? 0 : Math.log2(small / large);
    // Sizes that are rounded make it a little more or less.
    return [
      name,
      { grows: a.shape.map((size, i) => size !== b.shape[i]), exponent: Math.round(2 * exponent) / 2 },
    ];
  });
  return new Map(axes);
}

function widened(architecture: Architecture, times: number): Architecture {
  const width = times * architecture.width;
  const free = (entries: readonly StripeEntry[]) =>
    entries.map(({ primitive, ...settings }) => {
      const following = followers(primitive, architecture);
      return Object.fromEntries(
        Object.entries({ primitive, ...settings }).filter(([key]) => !following.has(key)),
      ) as StripeEntry;
    });
  const { first, stripe, last } = architecture;
  try {
    return defineArchitecture({
      ...architecture,
      ...{ width, first: free(first), stripe: free(stripe), last: free(last) },
    });
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw new RequestError(
      `parametrisation: it is not known which sizes follow the width, since there is no such model of width ${width} ` +
        `(${error.message}); use standard`,
    );
  }
}

/**
 * Settings of a primitive whose defaults follow the width, by two widths at which it has all of its defaults: those that are
 * tried, or, where a size by default does not divide such a width, larger and rounder ones.
 */
function followers(name: string, architecture: Architecture): ReadonlySet<string> {
  for (const [narrower, wider] of [
    [2, 4],
    [64, 128],
  ] as const) {
    const [narrow, wide] = [narrower, wider].map((times) => defaultsAt(name, architecture, times));
    if (narrow === undefined || wide === undefined) continue;
    return new Set(Object.keys(wide).filter((key) => narrow[key] !== wide[key]));
  }
  // It has settings without defaults.
  return new Set();
}

function defaultsAt(
  name: string,
  architecture: Architecture,
  times: number,
): Readonly<Record<string, unknown>> | undefined {
  try {
    const surroundings = surroundingsOf({ ...architecture, width: times * architecture.width });
    return primitives.get(name)!.configure(name, {}, surroundings).configuration;
  } catch (error) {
    if (error instanceof RequestError) return undefined;
    throw error;
  }
}
