// One tensor made larger: old entries at their new places, the rest as its axes say. Knows no network.
import { type Shape, sizeOf } from "../tensor/tensor.ts";
import { ARBITRARY, type AxisGrowth, MEAN, OLD, ZERO } from "./axes.ts";

/** FloatNumbers of a parameter as they are stored: float64 or float32. */
export type FloatNumbers = Float64Array | Float32Array;

/** What is done to one tensor. */
export interface TensorGrowth {
  readonly shape: Shape;
  readonly axes: readonly AxisGrowth[];
  /** Of old entries. */
  readonly scale: number;
}

/**
 * The new tensor, in the number format of the old one. `arbitrary` gives new entries that may be anything, by their place.
 * New entries that are means are those of the old places along their axis.
 */
export function growTensor(
  { shape, axes, scale }: TensorGrowth,
  old: FloatNumbers,
  arbitrary: ArrayLike<number>,
): FloatNumbers {
  const out = old instanceof Float32Array ? new Float32Array(sizeOf(shape)) : new Float64Array(sizeOf(shape));
  if (shape.length === 0) {
    if (old.length > 0) out[0] = scale * old[0]!;
    else if (arbitrary.length > 0) out[0] = arbitrary[0]!;
    return out;
  }
  const outer = axes.slice(0, -1);
  const last = axes.at(-1)!;
  const stretches = stretchesOf(last);
  forRows(shape, (places, row) => {
    const kind = kindAt(outer, places);
    if (kind > ARBITRARY) return;
    const share = factorsAt(outer, places);
    const at = row * last.from.length;
    const before = oldPlace(outer, places) * last.before;
    for (const stretch of stretches) {
      const to = at + stretch.to;
      switch (Math.max(kind, stretch.kind)) {
        case OLD:
          copyScaled(out, to, old, before + stretch.from, stretch.length, scale * share);
          if (last.factors !== undefined) multiplyBy(out, to, last.factors, stretch);
          break;
        case ARBITRARY:
          for (let i = to; i < to + stretch.length; i++) out[i] = arbitrary[i]!;
      }
    }
  });
  const axis = axes.findIndex(({ kind }) => kind.includes(MEAN));
  if (axis >= 0) fillMeans(out, shape, axes, axis);
  return out;
}

function copyScaled(
  out: FloatNumbers,
  to: number,
  old: FloatNumbers,
  from: number,
  length: number,
  scale: number,
): void {
  if (scale === 1) {
    out.set(old.subarray(from, from + length), to);
    return;
  }
  for (let i = 0; i < length; i++) out[to + i] = scale * old[from + i]!;
}

function multiplyBy(out: FloatNumbers, at: number, factors: Float64Array, { to, length }: Stretch): void {
  for (let i = 0; i < length; i++) out[at + i]! *= factors[to + i]!;
}

/** Places next to each other that are of one kind and, where they are old, were next to each other. */
interface Stretch {
  readonly kind: number;
  readonly to: number;
  readonly from: number;
  readonly length: number;
}

function stretchesOf({ from, kind }: AxisGrowth): Stretch[] {
  const found: Stretch[] = [];
  for (let to = 0, end = 1; to < from.length; to = end++) {
    const goesOn = () =>
      end < from.length && kind[end] === kind[to] && (kind[to] !== OLD || from[end] === from[to]! + end - to);
    while (goesOn()) end++;
    found.push({ kind: kind[to]!, to, from: from[to]!, length: end - to });
  }
  return found;
}

/** How many entries of a grown tensor are new and no copies, how many of these are zero, and how many are copies. */
export function countNew({ shape, axes }: TensorGrowth): {
  readonly added: number;
  readonly zero: number;
  readonly copied: number;
} {
  // An entry is old where all its places are, and zero where one of them is.
  const size = sizeOf(shape);
  const places = (wanted: (kind: number) => boolean) =>
    axes.reduce((product, { kind }) => product * kind.reduce((sum, of) => sum + Number(wanted(of)), 0), 1);
  const old = places((kind) => kind === OLD);
  const kept = axes.reduce((product, { before }) => product * before, 1);
  return { added: size - old, zero: size - places((kind) => kind !== ZERO), copied: old - kept };
}

/** A zero along one axis is a zero, whatever the others say; then a mean. */
function kindAt(axes: readonly AxisGrowth[], places: readonly number[]): number {
  let kind = OLD;
  for (let axis = 0; axis < axes.length; axis++) kind = Math.max(kind, axes[axis]!.kind[places[axis]!]!);
  return kind;
}

function factorsAt(axes: readonly AxisGrowth[], places: readonly number[]): number {
  return axes.reduce((product, axis, i) => product * (axis.factors?.[places[i]!] ?? 1), 1);
}

/** Of the axes in front, with the others at their beginning left out. */
function oldPlace(axes: readonly AxisGrowth[], places: readonly number[]): number {
  let place = 0;
  for (let axis = 0; axis < axes.length; axis++) {
    place = place * axes[axis]!.before + axes[axis]!.from[places[axis]!]!;
  }
  return place;
}

/** Rows are filled already, new ones too, so that each has its own mean. */
function fillMeans(out: FloatNumbers, shape: Shape, axes: readonly AxisGrowth[], axis: number): void {
  const { from, kind } = axes[axis]!;
  const stride = sizeOf(shape.slice(axis + 1));
  const known = [...from.keys()].filter((place) => kind[place] === OLD);
  const length = shape.at(-1)!;
  const last = axes.at(-1)!;
  forRows(shape, (places, row) => {
    const ofRow = kindAt(axes.slice(0, -1), places);
    if (ofRow > MEAN || (ofRow < MEAN && !last.kind.includes(MEAN))) return;
    for (let column = 0; column < length; column++) {
      if (Math.max(ofRow, last.kind[column]!) !== MEAN) continue;
      const i = row * length + column;
      const start = i - (axis === shape.length - 1 ? column : places[axis]!) * stride;
      let sum = 0;
      for (const place of known) sum += out[start + place * stride]!;
      out[i] = sum / known.length;
    }
  });
}

/** Calls `visit` with the places along all axes but the last, and the row's number. The list is one and the same. */
function forRows(shape: Shape, visit: (places: readonly number[], row: number) => void): void {
  const outer = shape.slice(0, -1);
  const places: number[] = outer.map(() => 0);
  const rows = sizeOf(outer);
  for (let row = 0; row < rows; row++) {
    visit(places, row);
    for (let axis = outer.length - 1; axis >= 0; axis--) {
      places[axis]!++;
      if (places[axis]! < outer[axis]!) break;
      places[axis] = 0;
    }
  }
}
