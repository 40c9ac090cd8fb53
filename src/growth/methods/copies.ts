// Larger networks out of copies: of places along a size, and of whole blocks. Knows declarations of primitives and no values;
// which place copies which is what a method says.
import type { Architecture } from "../../architecture/schema.ts";
import { surroundingsOf } from "../../architecture/stripe.ts";
import { RequestError } from "../../errors.ts";
import { primitives } from "../../nn/primitives.ts";
import { ARBITRARY, type AxisGrowth, composeAxes, MEAN, OLD, sizeAt, ZERO } from "../axes.ts";
import { whyCopies } from "../outside.ts";
import { type GrowthPlace, placesIn } from "../places.ts";
import {
  type Declared,
  declared,
  type GrowthPlan,
  isOutput,
  newAxes,
  type Pair,
  type ParameterGrowth,
  requireBeginning,
  requireShapes,
  storedParameters,
} from "../plan.ts";
import type { StepTarget } from "../steps.ts";

/** One stored parameter whose new entries are copies. */
export interface CopiedParameter extends ParameterGrowth {
  readonly origin: string;
  /** Copies along its first axis share its entries out among them. */
  readonly sums: boolean;
  /** It is in a new layer that does nothing at first. */
  readonly begins: boolean;
}

/** What is copied where. */
export interface CopyPlan extends GrowthPlan {
  readonly parameters: readonly CopiedParameter[];
}

/** What a method says of copies. */
export interface CopyRules {
  /** The method's name, for refusals. */
  readonly method: string;
  /**
   * For each of `count` places the one of `old` that it copies; -1, of the width alone and at its end: none, but the mean of
   * the others. `at` is the same for all parameters that have this size in common.
   */
  places(old: number, count: number, at: string): Int32Array;
  /** Of the residual stream, whose copies norms count; default: `places`. */
  streamPlaces?(old: number, count: number): Int32Array;
  /** The place of the smaller architecture that each new one copies; absent: no layers are added. */
  layerSources?(architecture: Architecture, target: StepTarget): readonly number[];
  /** Output maps of new layers are zero, so that nothing changes. */
  readonly layersBeginAsNothing?: boolean;
}

/** Place i copies place i modulo `old`: block after block. */
export function inTurn(old: number, count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => i % old);
}

/** Errors: RequestError, one line, where copies cannot make that architecture. */
export function planCopies(from: Architecture, target: StepTarget, rules: CopyRules): CopyPlan {
  const sources = rules.layerSources?.(from, target) ?? target.origins.map((origin) => origin!);
  const places = placesIn(from);
  const stream = streamOf(from, target.to, rules);
  const to = { ...target.to, normEpsilon: stream.epsilon };
  requireSources(from, to);
  const pairs = placesIn(to).map((place, i) => ({ place, origin: places[sources[i]!]! }));
  const isNew = new Set(
    pairs.filter((_, i) => target.origins[i] === null).map(({ place: { prefix } }) => prefix),
  );
  for (const { place, origin } of pairs) requireCopies(from, to, origin, place, rules);
  requireMeans(stream, pairs);
  if (rules.layersBeginAsNothing) {
    for (const { place } of pairs) if (isNew.has(place.prefix)) requireBeginning(to, place);
  }
  const byPrefix: ReadonlyMap<string, Pair> = new Map(pairs.map((pair) => [pair.place.prefix, pair]));
  const stored = storedParameters(from);
  const parameters = [...storedParameters(to)].map(([name, declaration]): CopiedParameter => {
    const found = declared(name, from, to, byPrefix);
    const origin = found.origin!;
    const before = stored.get(origin)!.shape;
    const { shape } = declaration;
    const [at] = /^(?:block\.\d+|first|last)\.[^.]+\./.exec(name) ?? [""];
    const parameter = found.parameter ?? { axes: shape.join(", ") };
    const { axes, scale } = copyAxes({ ...found, parameter }, at, stream, rules);
    requireShapes(name, axes, before, shape);
    const begins = rules.layersBeginAsNothing === true && isNew.has(at);
    return {
      ...{ name, origin, before, shape, declaration, scale, sums: parameter.sums === true, begins },
      axes:
        begins && isOutput(parameter)
          ? axes.map(({ kind, ...axis }) => ({ ...axis, kind: kind.map(() => ZERO) }))
          : axes,
    };
  });
  return { from, to, parameters };
}

/**
 * What becomes of what an optimiser remembers: copies have equal shares of the gradient of what they copy, but where entries are
 * shared out themselves. Exact where those shares are even; new layers that do nothing have no memory.
 */
export function copiedMoments({ from, to, parameters }: CopyPlan): GrowthPlan {
  const remembered = parameters.map((parameter): ParameterGrowth => {
    if (!parameter.begins) return { ...parameter, axes: parameter.axes.map(withShares(parameter.sums)) };
    const { shape } = parameter;
    return {
      ...parameter,
      ...{ origin: null, before: [], axes: newAxes({ axes: shape.join(", ") }, shape), scale: 1 },
    };
  });
  return { from, to, parameters: remembered };
}

const withShares =
  (sums: boolean) =>
  (axis: AxisGrowth, i: number): AxisGrowth => {
    if (sums && i === 0) return axis;
    const counts = new Float64Array(axis.before);
    for (const place of axis.from) if (place >= 0) counts[place]!++;
    return {
      ...axis,
      gradients: Float64Array.from(axis.from, (place) => (place < 0 ? 1 : 1 / counts[place]!)),
    };
  };

interface Stream {
  readonly from: Int32Array;
  readonly epsilon: number;
  /** What places that copy none hold where it must be an output. */
  readonly outputs: typeof MEAN | typeof ZERO;
}

/** How the residual stream grows: norms have to see the same statistics. */
function streamOf(from: Architecture, to: Architecture, rules: CopyRules): Stream {
  const { norm, tie, block, representation, decoder } = from;
  const outputs = norm === "layer" || norm === "layerUnbiased" ? MEAN : ZERO;
  const copies =
    to.width === from.width
      ? inTurn(from.width, to.width)
      : (rules.streamPlaces ?? rules.places)(from.width, to.width, "");
  const refuse = (why: string): RequestError =>
    new RequestError(`grow: ${rules.method} cannot make the width ${to.width}: ${why}`);
  if (to.width < from.width) throw refuse(`it is ${from.width}; expected more`);
  if (to.width === from.width) return { from: copies, epsilon: from.normEpsilon, outputs };
  if (decoder !== null) throw refuse("the decoder adds waves that depend on the width");
  if (tie && (norm === "none" || block === "post" || representation)) {
    throw refuse("the head is the embedding, and no norm right in front of it can share out its copies");
  }
  const counts = new Float64Array(from.width);
  for (const place of copies) if (place >= 0) counts[place]!++;
  if (norm !== "none" && counts.some((count) => count !== counts[0])) {
    throw refuse(
      `statistics of norms stay where all features have as many copies; expected a multiple of ${from.width}, or method lemon`,
    );
  }
  const covered = counts.reduce((sum, count) => sum + count);
  const why = covered === to.width ? undefined : whyCopies(from);
  if (why !== undefined) throw refuse(`${why}; a multiple of ${from.width} needs no mean`);
  return {
    from: copies,
    epsilon: norm === "none" ? from.normEpsilon : (from.normEpsilon * covered) / to.width,
    outputs,
  };
}

function requireSources(from: Architecture, to: Architecture): void {
  const source = to.sources.find(({ source }) => source !== "share");
  if (source !== undefined) {
    throw new RequestError(
      `grow: the network has the parameter source ${source.source}, which cannot grow; expected none, or share`,
    );
  }
  if (to.sources.length > 0 && placesIn(from).length !== placesIn(to).length) {
    throw new RequestError("grow: blocks share their parameters; none can be added");
  }
}

/** The mean of what a layer norm makes is that of features, unless something stands after the last map. */
function requireMeans({ from, outputs }: Stream, pairs: readonly Pair[]): void {
  if (outputs === ZERO || !from.includes(-1)) return;
  const found = pairs.find(({ place }) => place.module.growth!.nonlinearOutput === true);
  if (found === undefined) return;
  throw new RequestError(
    `grow: ${found.place.entry.primitive} cannot grow so: no new feature keeps the mean of its output; expected a multiple of the width`,
  );
}

function requireCopies(
  from: Architecture,
  to: Architecture,
  origin: GrowthPlace,
  { entry, module }: GrowthPlace,
  { method, layerSources }: CopyRules,
): void {
  if (layerSources !== undefined && !sameEntry(origin, entry)) {
    throw new RequestError(
      `grow: ${method} would copy ${origin.prefix.slice(0, -1)} where blocks have other sizes; expected blocks of one size`,
    );
  }
  if (from.width === to.width && sameEntry(origin, entry)) return;
  const copies = module.growth?.copies ?? [];
  const labels = module.growth?.labels ?? {};
  const sizes = ({ growth }: GrowthPlace["module"], width: number): Readonly<Record<string, number>> => ({
    ...growth?.sizes,
    width,
  });
  const [before, after] = [sizes(origin.module, from.width), sizes(module, to.width)];
  for (const [size, count] of Object.entries(after)) {
    if (count < before[size]!) {
      throw new RequestError(
        `grow: ${entry.primitive}: ${size} ${before[size]} cannot become ${count}; expected more`,
      );
    }
    if (before[size] === count || (copies.includes(size) && labels[size] === undefined)) continue;
    throw new RequestError(
      `grow: ${method} cannot grow ${entry.primitive} so: copies of its ${size} would change what it computes; method zero may`,
    );
  }
  const [old, grown] = [origin, { entry, module }].map(({ module: { configuration } }, i) => ({
    configuration,
    surroundings: surroundingsOf(i === 0 ? from : to),
  }));
  const why = primitives.get(entry.primitive)!.growing?.refuse(old!, grown!);
  if (why !== undefined) throw new RequestError(`grow: ${entry.primitive} cannot grow so: ${why}`);
}

/** The same settings, in whatever order. */
function sameEntry(place: GrowthPlace, entry: GrowthPlace["entry"]): boolean {
  const sorted = (of: GrowthPlace["entry"]) => JSON.stringify(Object.entries(of).sort());
  return sorted(place.entry) === sorted(entry);
}

function copyAxes(
  { parameter, before, after }: Declared & { readonly parameter: NonNullable<Declared["parameter"]> },
  at: string,
  stream: Stream,
  rules: CopyRules,
): { readonly axes: AxisGrowth[]; readonly scale: number } {
  const { axes, added = {}, scale = {} } = parameter;
  const copiesOf = (size: string): AxisGrowth => {
    const [old, count] = [sizeAt(before, size), sizeAt(after, size)];
    const from = placesOf(size, old, count, at, stream, rules);
    const other = added[size] === "output" ? stream.outputs : added[size] === "zero" ? ZERO : ARBITRARY;
    return { from, kind: Uint8Array.from(from, (place) => (place < 0 ? other : OLD)), before: old };
  };
  const covered = (size: string): number =>
    copiesOf(size).from.reduce((n, place) => n + (place < 0 ? 0 : 1), 0);
  return {
    axes: composeAxes(axes, copiesOf),
    scale: Object.entries(scale).reduce(
      (product, [size, power]) => product * (sizeAt(after, size) / covered(size)) ** power,
      1,
    ),
  };
}

/** Outside of primitives, what is as wide as the stream and read by the head is copied as the stream is. */
function placesOf(
  size: string,
  old: number,
  count: number,
  at: string,
  stream: Stream,
  rules: CopyRules,
): Int32Array {
  if (old === count) return inTurn(old, count);
  if (size === "width" || (at === "" && size === "represented")) return stream.from;
  return rules.places(old, count, `${at}${size}`);
}
