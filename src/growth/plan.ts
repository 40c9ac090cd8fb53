// What has to be done to each parameter so that a larger architecture computes what a smaller one does, or why nothing can.
// Reads primitives' declarations only; knows no values. Gesmundo and Maile 2023; layer norms: Wang et al. 2023, "LEMON".
import { forward, inputType } from "../architecture/forward.ts";
import type { Architecture } from "../architecture/schema.ts";
import { surroundingsOf } from "../architecture/stripe.ts";
import { RequestError } from "../errors.ts";
import type { GrowingParameter, Growth } from "../nn/growth.ts";
import { inputSource, type ParameterDeclaration, type Parameters } from "../nn/parameters.ts";
import { primitives } from "../nn/primitives.ts";
import { show } from "../strict.ts";
import { input } from "../tensor/ops/leaf.ts";
import { type Shape, sameShape } from "../tensor/tensor.ts";
import {
  ARBITRARY,
  type AxisGrowth,
  growAxes,
  LostPlace,
  type SizesOf,
  scaleOf,
  type WidthRoute,
  ZERO,
} from "./axes.ts";
import { factorOf, growingFactor, withRank } from "./lowRank.ts";
import {
  growingNorm,
  outsideParameter,
  outsideSizes,
  refuseWidth,
  sharedScale,
  widthRoute,
} from "./outside.ts";
import { type GrowthPlace, placesIn } from "./places.ts";
import type { TensorGrowth } from "./tensor.ts";

/** What is done to one stored parameter. */
export interface ParameterGrowth extends TensorGrowth {
  readonly name: string;
  /** The parameter it is made of; null: it is new. */
  readonly origin: string | null;
  readonly before: Shape;
  readonly declaration: ParameterDeclaration;
}

/** What is done to all of them. */
export interface GrowthPlan {
  readonly from: Architecture;
  readonly to: Architecture;
  readonly parameters: readonly ParameterGrowth[];
}

/** For each place of the larger architecture, in order, the number of the place it continues; null: it is new. */
export type Origins = readonly (number | null)[];

/**
 * How `to` is made of `from`; places are those of primitives in order, each of a repeated stripe by itself.
 * Errors: RequestError, one line, where no way is known in which `to` computes what `from` does.
 */
export function planGrowth(from: Architecture, to: Architecture, origins: Origins): GrowthPlan {
  requireComparable(from, to);
  const [before, after] = [placesIn(from), placesIn(to)];
  const pairs = after.map((place, i) => {
    const origin = origins[i] ?? null;
    return { place, origin: origin === null ? null : before[origin]! };
  });
  requireOrder(before, pairs);
  for (const { place, origin } of pairs) {
    if (origin === null) requireBeginning(to, place);
    else requireGrowth(from, to, origin, place);
  }
  const route = widthRoute(to);
  const byPrefix = new Map(pairs.map((pair) => [pair.place.prefix, pair]));
  const stored = storedParameters(from);
  const parameters = [...storedParameters(to)].map(([name, declaration]): ParameterGrowth => {
    const found = declared(name, from, to, byPrefix);
    const old = found.origin === null ? undefined : stored.get(found.origin);
    if (found.origin !== null && old === undefined) {
      throw new RequestError(
        `grow: ${name} has nothing that it could be made of; expected the same parts on both sides`,
      );
    }
    const before = old?.shape ?? [];
    const { shape } = declaration;
    const fixed = { axes: shape.join(", ") };
    const known = { name, origin: found.origin, before, shape, declaration };
    // A new addition begins as any does: its left factor is 0.
    const isAddition = factorOf(name) !== undefined;
    if (old === undefined) {
      return {
        ...known,
        axes: newAxes((isAddition ? undefined : found.parameter) ?? fixed, shape),
        scale: 1,
      };
    }
    const sized = isAddition ? factorIn(found, name, before, shape) : found;
    const parameter = sized.parameter ?? fixed;
    const axes = grownAxes({ ...sized, parameter }, name, route);
    requireShapes(name, axes, before, shape);
    const scale = scaleOf(parameter, sized.before, sized.after, route) * sharedScale(name, from, to);
    return { ...known, axes, scale };
  });
  return { from, to, parameters };
}

/** What an architecture stores, through its sources. */
export function storedParameters(architecture: Architecture): Parameters {
  const source = inputSource();
  const { shape, dtype } = inputType(architecture, 1, 1);
  forward(architecture, source, input("tokens", shape, dtype));
  return source.declared;
}

const sizes: ReadonlySet<string> = new Set(["width", "normEpsilon", "first", "stripe", "repeat", "last"]);

function requireComparable(from: Architecture, to: Architecture): void {
  const other = (Object.keys(to) as (keyof Architecture)[]).find(
    (key) => !sizes.has(key) && JSON.stringify(from[key]) !== JSON.stringify(to[key]),
  );
  if (other !== undefined) {
    throw new RequestError(
      `grow: ${other} is ${show(to[other])}, and was ${show(from[other])}; it cannot grow, leave it as it was`,
    );
  }
  const source = to.sources.find(({ source }) => source !== "share" && source !== "lora");
  if (source !== undefined) {
    throw new RequestError(
      `grow: the network has the parameter source ${source.source}, which cannot grow; expected none, share or lora`,
    );
  }
  if (to.width < from.width) {
    throw new RequestError(
      `grow: width is ${to.width}; expected at least the ${from.width} of now, prune makes it less`,
    );
  }
  if (to.width === from.width) {
    requireEpsilon(to.normEpsilon, from.normEpsilon);
    return;
  }
  const why = refuseWidth(from, to.width);
  if (why !== undefined) throw new RequestError(`grow: the width cannot grow here: ${why}`);
  requireEpsilon(to.normEpsilon, widerEpsilon(from, to.width));
}

/** Of the norms of a stream of so many features. */
export function widerEpsilon(from: Architecture, width: number): number {
  const { norm, normEpsilon } = from;
  return norm === "none" || widthRoute(from) === "copies" ? normEpsilon : (normEpsilon * from.width) / width;
}

/** The mean of squares becomes smaller, and what is added to it has to. */
function requireEpsilon(given: number, expected: number): void {
  if (Math.abs(given - expected) <= 1e-14 * expected) return;
  throw new RequestError(`grow: normEpsilon is ${given}; expected ${expected}, smaller as features are more`);
}

/** A place of the larger architecture, and the one it is made of. */
export interface Pair {
  readonly place: GrowthPlace;
  readonly origin: GrowthPlace | null;
}

function requireOrder(before: readonly GrowthPlace[], pairs: readonly Pair[]): void {
  const kept = pairs.flatMap(({ origin }) => (origin === null ? [] : [origin]));
  if (kept.length === before.length && kept.every((place, i) => place === before[i])) return;
  throw new RequestError(
    `grow: ${before.length} places become ${kept.length}; expected all of them, in their order, with new ones between`,
  );
}

export function requireBeginning({ block, sources }: Architecture, { entry, module }: GrowthPlace): void {
  const refuse = (why: string): RequestError =>
    new RequestError(`grow: a new ${entry.primitive} cannot begin as nothing: ${why}`);
  if (block === "post") throw refuse("norms stand after sums here; it can with block pre or parallel");
  if (block === "none") throw refuse("nothing goes past it here; it can with block pre or parallel");
  if (sources.some(({ source }) => source !== "lora"))
    throw refuse("its parameters are shared with places that are not new");
  const { growth } = module;
  if (growth === undefined) throw refuse("the primitive does not say how it grows");
  if (growth.cannotBegin !== undefined) throw refuse(growth.cannotBegin);
  if (!Object.values(growth.parameters).some(isOutput))
    throw refuse("it has no parameters that make its output 0");
}

function requireGrowth(from: Architecture, to: Architecture, before: GrowthPlace, after: GrowthPlace): void {
  const name = after.entry.primitive;
  if (before.entry.primitive !== name) {
    throw new RequestError(
      `grow: ${before.entry.primitive} cannot become ${name}; expected the same primitive`,
    );
  }
  if (isSame(from, to, before, after)) return;
  const [old, grown] = [before, after].map(({ module: { configuration } }, i) => ({
    configuration,
    surroundings: surroundingsOf(i === 0 ? from : to),
  }));
  const growing = primitives.get(name)!.growing;
  const why =
    growing === undefined ? "the primitive does not say how it grows" : growing.refuse(old!, grown!);
  if (why !== undefined) throw new RequestError(`grow: ${name} cannot grow so: ${why}`);
}

function isSame(from: Architecture, to: Architecture, before: GrowthPlace, after: GrowthPlace): boolean {
  return from.width === to.width && JSON.stringify(before.entry) === JSON.stringify(after.entry);
}

/** What is known of one stored parameter. */
export interface Declared {
  /** Undefined: nothing of it grows. */
  readonly parameter: GrowingParameter | undefined;
  readonly origin: string | null;
  readonly before: SizesOf;
  readonly after: SizesOf;
}

/** Of a factor what `found` is of its matrix. */
function factorIn(found: Declared, name: string, before: Shape, after: Shape): Declared {
  const { side } = factorOf(name)!;
  return {
    ...found,
    parameter: found.parameter && growingFactor(found.parameter, side),
    before: withRank(found.before, side, before),
    after: withRank(found.after, side, after),
  };
}

/** Of the parameter `name` of `to`; pairs by the prefix of their place. */
export function declared(
  name: string,
  from: Architecture,
  to: Architecture,
  pairs: ReadonlyMap<string, Pair>,
): Declared {
  const [, prefix, rest] = /^((?:block\.\d+|first|last)\.[^.]+\.)(.+)$/.exec(name) ?? [];
  const pair = prefix === undefined ? undefined : pairs.get(prefix);
  if (pair === undefined) {
    const parameter = outsideParameter(to, name);
    if (parameter === undefined) throw new RangeError(`growth: nothing is known of the parameter ${name}`);
    const origin = originOutside(name, pairs);
    return { parameter, origin, before: outsideSizes(from), after: outsideSizes(to) };
  }
  const { place, origin } = pair;
  const { growth } = place.module;
  const originName = origin === null ? null : `${origin.prefix}${rest}`;
  return {
    parameter: parameterOf(
      name,
      factorOf(rest!)?.of ?? rest!,
      growth,
      origin !== null && isSame(from, to, origin, place),
    ),
    origin: originName,
    before: sizesOf(from, (origin ?? place).module.growth),
    after: sizesOf(to, growth),
  };
}

/** Of a module with such growth. */
export function sizesOf({ width }: Architecture, growth: Growth | undefined): SizesOf {
  const { labels, same } = growth ?? {};
  return {
    sizes: { ...growth?.sizes, width },
    ...(labels === undefined ? {} : { labels }),
    ...(same === undefined ? {} : { same }),
  };
}

/** Of the parameter `rest` of a module; `isSame`: the module stays as it is. */
export function parameterOf(
  name: string,
  rest: string,
  growth: Growth | undefined,
  isSame: boolean,
): GrowingParameter | undefined {
  const [, own] = /^paths\.\d+\.(.+)$/.exec(rest) ?? [];
  const found = growth?.parameters[own ?? rest];
  if (found !== undefined) return found;
  if (rest === "norm.scale" || rest === "norm.bias") return growingNorm[rest.slice(5)]!;
  if (rest.startsWith("pathNorm.")) return { axes: "width" };
  if (rest === "pathWeights" || isSame) return undefined;
  throw new RangeError(`growth: the primitive does not declare its parameter ${name}`);
}

/** A map between repetitions belongs to its block. */
function originOutside(name: string, pairs: ReadonlyMap<string, Pair>): string | null {
  const [, path, rest] = /^(block\.\d+)(\.between\..+)$/.exec(name) ?? [];
  if (path === undefined) return name;
  const pair = [...pairs.values()].find(({ place }) => place.path === path)!;
  return pair.origin === null ? null : `${pair.origin.path}${rest}`;
}

export function isOutput({ added = {} }: GrowingParameter): boolean {
  return Object.values(added).includes("output");
}

/** All places are new: outputs are zero, the rest is arbitrary. */
export function newAxes(parameter: GrowingParameter, shape: Shape): AxisGrowth[] {
  const kind = isOutput(parameter) ? ZERO : ARBITRARY;
  return shape.map((size) => ({
    from: new Int32Array(size).fill(-1),
    kind: new Uint8Array(size).fill(kind),
    before: 0,
  }));
}

/** What is declared and what is asked for are two things said of the same tensor. */
export function requireShapes(name: string, axes: readonly AxisGrowth[], before: Shape, after: Shape): void {
  const [old, now] = [axes.map((axis) => axis.before), axes.map(({ from }) => from.length)];
  if (sameShape(old, before) && sameShape(now, after)) return;
  throw new RangeError(
    `growth: ${name} is [${before}] and becomes [${after}]; its declaration says [${old}] and [${now}]`,
  );
}

function grownAxes(
  { parameter, before, after }: Declared & { readonly parameter: GrowingParameter },
  name: string,
  route: WidthRoute,
): AxisGrowth[] {
  try {
    return growAxes(parameter, before, after, route);
  } catch (error) {
    if (!(error instanceof LostPlace)) throw error;
    const [old, now] = [before, after].map(({ sizes }) => sizes[error.size]);
    throw new RequestError(
      `grow: ${name}: ${error.size} ${old} cannot become ${now}; expected more, of which the old ones are a part${now! < old! ? ", prune makes fewer" : ""}`,
    );
  }
}
