// Where the old places of an axis lie among the new ones, from what a parameter's declaration says. Knows no values.
import type { AddedEntries, GrowingParameter, Growth } from "../nn/growth.ts";

/** What a place along an axis holds: an old entry, or a new one of some kind. */
export const OLD = 0;
export const ARBITRARY = 1;
export const MEAN = 2;
export const ZERO = 3;

/** How one axis grows. */
export interface AxisGrowth {
  /** For each new place the old one it holds; -1: none. */
  readonly from: Int32Array;
  /** For each new place one of the numbers above. */
  readonly kind: Uint8Array;
  /** Places before. */
  readonly before: number;
}

/** Sizes of both sides, with the model's width among them. */
export interface SizesOf extends Pick<Growth, "sizes" | "labels"> {}

/** An old label that has no place among the new ones. */
export class LostPlace extends Error {
  readonly size: string;
  constructor(size: string) {
    super(size);
    this.size = size;
  }
}

/**
 * How each axis of a parameter grows; `outputs` is what added entries that are `output` become.
 * Throws LostPlace where an old place has none among the new ones.
 */
export function growAxes(
  { axes, added = {} }: GrowingParameter,
  before: SizesOf,
  after: SizesOf,
  outputs: typeof MEAN | typeof ZERO,
): AxisGrowth[] {
  const kindOf: Record<AddedEntries, number> = { zero: ZERO, output: outputs, copy: OLD };
  return composeAxes(axes, (size) =>
    growSize(size, before, after, added[size] === undefined ? ARBITRARY : kindOf[added[size]]),
  );
}

/** The axes that a declaration is made of, of what becomes of each size. */
export function composeAxes(axes: string, ofSize: (size: string) => AxisGrowth): AxisGrowth[] {
  return axes.split(",").map((axis) => {
    const parts = axis.split("+").map((part) => part.trim().split(/\s+/).map(ofSize).reduce(product));
    return parts.reduce(sequence);
  });
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
  return { from, kind, before: a.before * b.before };
}

/** Places of b after those of a. */
function sequence(a: AxisGrowth, b: AxisGrowth): AxisGrowth {
  const shifted = b.from.map((place) => (place < 0 ? -1 : place + a.before));
  return {
    from: Int32Array.from([...a.from, ...shifted]),
    kind: Uint8Array.from([...a.kind, ...b.kind]),
    before: a.before + b.before,
  };
}

/** Old entries are multiplied by this. */
export function scaleOf({ scale = {} }: GrowingParameter, before: SizesOf, after: SizesOf): number {
  return Object.entries(scale).reduce(
    (product, [size, power]) => product * (sizeAt(after, size) / sizeAt(before, size)) ** power,
    1,
  );
}
