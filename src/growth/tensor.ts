// One tensor made larger: old entries at their new places, the rest as its axes say. Knows no network.
import { type Shape, sizeOf } from "../tensor/tensor.ts";
import { type AxisGrowth, MEAN, OLD, ZERO } from "./axes.ts";

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
  const shared = axes.some(({ factors }) => factors !== undefined);
  forPlaces(shape, (places, i) => {
    const kind = kindAt(axes, places);
    if (kind === ZERO || kind === MEAN) return;
    if (kind !== OLD) out[i] = arbitrary[i]!;
    else out[i] = scale * old[oldPlace(axes, places)]! * (shared ? factorsAt(axes, places) : 1);
  });
  const axis = axes.findIndex(({ kind }) => kind.includes(MEAN));
  if (axis >= 0) fillMeans(out, shape, axes, axis);
  return out;
}

/** How many entries of a grown tensor are new and no copies, how many of these are zero, and how many are copies. */
export function countNew({ shape, axes }: TensorGrowth): {
  readonly added: number;
  readonly zero: number;
  readonly copied: number;
} {
  let [added, zero] = [0, 0];
  forPlaces(shape, (places) => {
    const kind = kindAt(axes, places);
    if (kind !== OLD) added++;
    if (kind === ZERO) zero++;
  });
  const kept = axes.reduce((product, { before }) => product * before, 1);
  return { added, zero, copied: sizeOf(shape) - added - kept };
}

/** A zero along one axis is a zero, whatever the others say; then a mean. */
function kindAt(axes: readonly AxisGrowth[], places: readonly number[]): number {
  let kind = OLD;
  for (let axis = 0; axis < places.length; axis++) kind = Math.max(kind, axes[axis]!.kind[places[axis]!]!);
  return kind;
}

function factorsAt(axes: readonly AxisGrowth[], places: readonly number[]): number {
  return axes.reduce((product, axis, i) => product * (axis.factors?.[places[i]!] ?? 1), 1);
}

function oldPlace(axes: readonly AxisGrowth[], places: readonly number[]): number {
  let place = 0;
  for (let axis = 0; axis < places.length; axis++) {
    place = place * axes[axis]!.before + axes[axis]!.from[places[axis]!]!;
  }
  return place;
}

/** Rows are filled already, new ones too, so that each has its own mean. */
function fillMeans(out: FloatNumbers, shape: Shape, axes: readonly AxisGrowth[], axis: number): void {
  const { from, kind } = axes[axis]!;
  const stride = sizeOf(shape.slice(axis + 1));
  const known = [...from.keys()].filter((place) => kind[place] === OLD);
  forPlaces(shape, (places, i) => {
    if (kindAt(axes, places) !== MEAN) return;
    const row = i - places[axis]! * stride;
    out[i] = known.reduce((sum, place) => sum + out[row + place * stride]!, 0) / known.length;
  });
}

/** Calls `visit` with the places along each axis, and the place in all, row-major. The list is one and the same. */
function forPlaces(shape: Shape, visit: (places: readonly number[], place: number) => void): void {
  const places: number[] = shape.map(() => 0);
  const size = sizeOf(shape);
  for (let i = 0; i < size; i++) {
    visit(places, i);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      places[axis]!++;
      if (places[axis]! < shape[axis]!) break;
      places[axis] = 0;
    }
  }
}
