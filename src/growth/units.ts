// Which slices of which parameters make one unit of a network, a head, a hidden feature, a feature of the residual stream, as
// declarations of growth tell: sums over units, and where kept ones lie. Knows no primitive and no criterion.
import type { GrowingParameter } from "../nn/growth.ts";
import type { Shape } from "../tensor/tensor.ts";
import { type AxisGrowth, OLD, type SizesOf } from "./axes.ts";

/** A stored parameter with the sizes that its axes are made of. */
export interface SizedParameter {
  readonly name: string;
  readonly shape: Shape;
  readonly parameter: GrowingParameter;
  readonly sizes: SizesOf;
  /** What its sizes belong to, but for `width`: the beginning of its name; "": the network. */
  readonly owner: string;
}

/**
 * All places of one size in one module, or in the whole network. Where the size always stands within others, such as features
 * within heads, its places are chosen for each place of these apart.
 */
export interface UnitGroup {
  readonly owner: string;
  /** The first of its names. */
  readonly size: string;
  /** Sizes it stands within, from the outermost. */
  readonly outer: readonly string[];
  /** Places of the outer sizes together. */
  readonly apart: number;
  readonly count: number;
  /** Where places are not alike, what each is. */
  readonly labels: readonly string[] | undefined;
}

export type UnitGroups = ReadonlyMap<string, UnitGroup>;

/** By group, a number for each unit: apart · count. */
export type UnitSums = ReadonlyMap<string, Float64Array>;

/** By group, for each place of the outer sizes the places that stay, in their new order. */
export type KeptPlaces = ReadonlyMap<string, readonly (readonly number[])[]>;

/** The groups of a network's units; fixed sizes, such as taps, are none. */
export function unitGroups(parameters: readonly SizedParameter[]): UnitGroups {
  const groups = new Map<string, UnitGroup>();
  for (const { parameter, sizes, owner } of parameters) {
    for (const part of partsOf(parameter).flat()) {
      for (const [i, size] of part.entries()) {
        if (isFixed(size)) continue;
        const key = keyOf(owner, size, sizes);
        const found = groups.get(key);
        const outer = commonStart(found?.outer ?? part.slice(0, i), part.slice(0, i));
        const first = firstName(size, sizes);
        groups.set(key, {
          owner: first === "width" ? "" : owner,
          size: first,
          outer,
          apart: outer.reduce((product, name) => product * countOf(name, sizes), 1),
          count: countOf(size, sizes),
          labels: found?.labels ?? sizes.labels?.[size],
        });
      }
    }
  }
  return groups;
}

/** Sums over all entries of each unit of what `valuesOf` gives for its parameters. */
export function sumUnits(
  parameters: readonly SizedParameter[],
  groups: UnitGroups,
  valuesOf: (name: string) => ArrayLike<number>,
): UnitSums {
  const sums = new Map([...groups].map(([key, { apart, count }]) => [key, new Float64Array(apart * count)]));
  for (const { name, shape, parameter, sizes, owner } of parameters) {
    const values = valuesOf(name);
    for (const [axis, parts] of partsOf(parameter).entries()) {
      const along = sumAlong(values, shape, axis);
      let start = 0;
      for (const part of parts) {
        const counts = part.map((size) => countOf(size, sizes));
        const found = part.map((size) => (isFixed(size) ? undefined : keyOf(owner, size, sizes)));
        const total = counts.reduce((product, count) => product * count, 1);
        for (let place = 0; place < total; place++) {
          const at = coordinates(place, counts);
          for (const [i, key] of found.entries()) {
            if (key === undefined) continue;
            const { outer, count } = groups.get(key)!;
            sums.get(key)![placeOf(at, counts, outer.length) * count + at[i]!]! += along[start + place]!;
          }
        }
        start += total;
      }
    }
  }
  return sums;
}

/** How the axes of a parameter become those of its kept places. Groups that `kept` does not have stay as they are. */
export function keepAxes(
  { parameter, sizes, owner }: SizedParameter,
  groups: UnitGroups,
  kept: KeptPlaces,
): AxisGrowth[] {
  return partsOf(parameter).map((parts) => {
    const from: number[] = [];
    let start = 0;
    for (const part of parts) {
      const counts = part.map((size) => countOf(size, sizes));
      const visit = (at: readonly number[]): void => {
        if (at.length === part.length) {
          from.push(start + placeOf(at, counts, at.length));
          return;
        }
        const size = part[at.length]!;
        const key = isFixed(size) ? undefined : keyOf(owner, size, sizes);
        const lists = key === undefined ? undefined : kept.get(key);
        const list = lists?.[placeOf(at, counts, groups.get(key!)!.outer.length)];
        for (const place of list ?? Array(counts[at.length]!).keys()) visit([...at, place]);
      };
      visit([]);
      start += counts.reduce((product, count) => product * count, 1);
    }
    return { from: Int32Array.from(from), kind: new Uint8Array(from.length).fill(OLD), before: start };
  });
}

/** Axes, each of parts that stand one after the other, each a product of sizes. */
function partsOf({ axes }: GrowingParameter): string[][][] {
  return axes.split(",").map((axis) => axis.split("+").map((part) => part.trim().split(/\s+/)));
}

const isFixed = (size: string): boolean => Number.isInteger(Number(size));

function countOf(size: string, { sizes }: SizesOf): number {
  return isFixed(size) ? Number(size) : sizes[size]!;
}

function firstName(size: string, { same = [] }: SizesOf): string {
  return same.find((names) => names.includes(size))?.[0] ?? size;
}

/** The residual stream is one in the whole network. */
export function keyOf(owner: string, size: string, sizes: SizesOf): string {
  const name = firstName(size, sizes);
  return name === "width" ? name : `${owner} ${name}`;
}

function commonStart(a: readonly string[], b: readonly string[]): string[] {
  const end = a.findIndex((size, i) => size !== b[i] || isFixed(size));
  return a.slice(0, end < 0 ? a.length : end);
}

function coordinates(place: number, counts: readonly number[]): number[] {
  const at: number[] = [];
  let left = place;
  for (let i = counts.length - 1; i >= 0; i--) {
    at[i] = left % counts[i]!;
    left = Math.floor(left / counts[i]!);
  }
  return at;
}

/** The number of a place by its first `length` coordinates. */
function placeOf(at: readonly number[], counts: readonly number[], length: number): number {
  let place = 0;
  for (let i = 0; i < length; i++) place = place * counts[i]! + at[i]!;
  return place;
}

/** For each place along an axis the sum over all others. */
function sumAlong(values: ArrayLike<number>, shape: Shape, axis: number): Float64Array {
  const stride = shape.slice(axis + 1).reduce((product, count) => product * count, 1);
  const sums = new Float64Array(shape[axis]!);
  for (let start = 0, place = 0; start < values.length; start += stride) {
    let sum = 0;
    for (let i = start; i < start + stride; i++) sum += values[i]!;
    sums[place]! += sum;
    place = place + 1 === sums.length ? 0 : place + 1;
  }
  return sums;
}
