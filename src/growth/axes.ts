// Where the old places of an axis lie among the new ones, from what a parameter's declaration says. Knows no values.

import type { AddedEntries, GrowingParameter, Growth } from "../nn/growth.ts";
import { threefry } from "../tensor/ops/random.ts";

/** What a place along an axis holds: an old entry, or a new one of some kind. */
export const OLD = 0;
export const ARBITRARY = 1;
export const MEAN = 2;
export const ZERO = 3;

/** What new features of the residual stream are: zero, the mean of the old ones, or all of these again. */
export type WidthRoute = "zeros" | "means" | "copies";

/** How one axis grows. */
export interface AxisGrowth {
  /** For each new place the old one it holds; -1: none. */
  readonly from: Int32Array;
  /** For each new place one of the numbers above. */
  readonly kind: Uint8Array;
  /** For each new place, what the old entry is multiplied by there; absent: 1. */
  readonly factors?: Float64Array;
  /** For each new place, what the gradient of the old entry is multiplied by there; absent: 1. */
  readonly gradients?: Float64Array;
  /** Places before. */
  readonly before: number;
}

/** Sizes of both sides, with the model's width among them. */
export interface SizesOf extends Pick<Growth, "sizes" | "labels" | "same"> {}

/** An old label that has no place among the new ones. */
export class LostPlace extends Error {
  readonly size: string;
  constructor(size: string) {
    super(size);
    this.size = size;
  }
}

/**
 * How each axis of a parameter grows. Where features of the residual stream are copies, maps that read it (on an axis
 * that is not their last) share each old row out among its copies; all else has the old entries again.
 * Throws LostPlace where an old place has none among the new ones.
 */
export function growAxes(
  { axes, added = {} }: GrowingParameter,
  before: SizesOf,
  after: SizesOf,
  route: WidthRoute,
): AxisGrowth[] {
  const kindOf: Record<AddedEntries, number> = {
    ...{ zero: ZERO, copy: OLD, share: OLD },
    output: route === "means" ? MEAN : ZERO,
  };
  return composeAxes(axes, (size, isLast) => {
    const entries = added[size];
    if (route !== "copies" || !isWidth(size, after)) {
      const grown = growSize(size, before, after, entries === undefined ? ARBITRARY : kindOf[entries]);
      return entries === "share" ? { ...grown, factors: sharedOut(grown) } : grown;
    }
    const copied = growSize(size, before, after, OLD);
    const reads = !isLast && entries !== "output";
    // What reads the copies says how much each of them matters.
    return { ...copied, [reads ? "factors" : "gradients"]: sharedOut(copied) };
  });
}

/** The axes that a declaration is made of, of what becomes of each size on the last axis and on others. */
export function composeAxes(
  axes: string,
  ofSize: (size: string, isLast: boolean) => AxisGrowth,
): AxisGrowth[] {
  return axes.split(",").map((axis, i, { length }) => {
    const grow = (size: string) => ofSize(size, i === length - 1);
    const parts = axis.split("+").map((part) => part.trim().split(/\s+/).map(grow).reduce(product));
    return parts.reduce(sequence);
  });
}

function isWidth(size: string, { same = [] }: SizesOf): boolean {
  return size === "width" || same.some((names) => names.includes("width") && names.includes(size));
}

/** Uneven shares that add up to 1 over the copies of each place, so that copies learn different things. */
function sharedOut({ from, before }: AxisGrowth): Float64Array {
  const shares = Float64Array.from(from, (_, i) => 0.5 + threefry(0x73686172, 0, i, 0)[0]! / 2 ** 32);
  const sums = new Float64Array(before);
  for (const [i, place] of from.entries()) sums[place]! += shares[i]!;
  return shares.map((share, i) => share / sums[from[i]!]!);
}

export function sizeAt({ sizes }: SizesOf, size: string): number {
  const fixed = Number(size);
  if (Number.isInteger(fixed)) return fixed;
  const found = sizes[size];
  if (found === undefined) throw new RangeError(`growth: there is no size "${size}"`);
  return found;
}

function growSize(size: string, before: SizesOf, after: SizesOf, added: number): AxisGrowth {
  const [old, count] = [sizeAt(before, size), sizeAt(after, size)];
  if (count < old) throw new LostPlace(size);
  const from = new Int32Array(count).fill(-1);
  const places = newPlaces(size, before, after, old);
  places.forEach((place, i) => {
    from[place] = i;
  });
  const kind = Uint8Array.from(from, (place) => (place < 0 ? added : OLD));
  if (added !== OLD) return { from, kind, before: old };
  // Copies, in turn.
  return { from: from.map((place, i) => (place < 0 ? i % old : place)), kind, before: old };
}

function newPlaces(size: string, before: SizesOf, after: SizesOf, old: number): number[] {
  const [from, to] = [before.labels?.[size], after.labels?.[size]];
  if (from === undefined || to === undefined) return Array.from({ length: old }, (_, i) => i);
  const at = new Map(to.map((label, i) => [label, i]));
  return from.map((label) => {
    const place = at.get(label);
    if (place === undefined) throw new LostPlace(size);
    return place;
  });
}

/** Places of b within each place of a. */
function product(a: AxisGrowth, b: AxisGrowth): AxisGrowth {
  const count = b.from.length;
  const from = new Int32Array(a.from.length * count);
  const kind = new Uint8Array(from.length);
  for (let i = 0; i < from.length; i++) {
    const j = i % count;
    const k = (i - j) / count;
    from[i] = a.from[k]! < 0 || b.from[j]! < 0 ? -1 : a.from[k]! * b.before + b.from[j]!;
    kind[i] = Math.max(a.kind[k]!, b.kind[j]!);
  }
  const before = a.before * b.before;
  return {
    ...{ from, kind, before },
    ...multiplied(a, b, from.length, (of, within, i) => of(Math.floor(i / count)) * within(i % count)),
  };
}

/** Places of b after those of a. */
function sequence(a: AxisGrowth, b: AxisGrowth): AxisGrowth {
  const shifted = b.from.map((place) => (place < 0 ? -1 : place + a.before));
  const from = Int32Array.from([...a.from, ...shifted]);
  const count = a.from.length;
  return {
    from,
    kind: Uint8Array.from([...a.kind, ...b.kind]),
    before: a.before + b.before,
    ...multiplied(a, b, from.length, (of, after, i) => (i < count ? of(i) : after(i - count))),
  };
}

type FactorAt = (place: number) => number;

/** What two axes multiply by, as one of `length` places multiplies. */
function multiplied(
  a: AxisGrowth,
  b: AxisGrowth,
  length: number,
  combine: (a: FactorAt, b: FactorAt, place: number) => number,
): Pick<AxisGrowth, "factors" | "gradients"> {
  const keys = (["factors", "gradients"] as const).filter(
    (key) => a[key] !== undefined || b[key] !== undefined,
  );
  const both = keys.map((key) => {
    const of = (place: number) => a[key]?.[place] ?? 1;
    const within = (place: number) => b[key]?.[place] ?? 1;
    return [key, Float64Array.from({ length }, (_, i) => combine(of, within, i))];
  });
  return Object.fromEntries(both);
}

/** Old entries are multiplied by this; where features are copies, their number changes nothing. */
export function scaleOf(
  { scale = {} }: GrowingParameter,
  before: SizesOf,
  after: SizesOf,
  route: WidthRoute,
): number {
  return Object.entries(scale)
    .filter(([size]) => route !== "copies" || size !== "width")
    .reduce((product, [size, power]) => product * (sizeAt(after, size) / sizeAt(before, size)) ** power, 1);
}
