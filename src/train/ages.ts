// How old the entries of a grown parameter are, so that an optimiser corrects the bias of each entry's means by the updates
// that this entry has had. Knows no optimiser in particular and no growth but its plan.
import type { Store } from "../backend/machine.ts";
import { OLD } from "../growth/axes.ts";
import type { ParameterGrowth } from "../growth/plan.ts";
import { maximum } from "../tensor/ops/elementwise.ts";
import { input } from "../tensor/ops/leaf.ts";
import { reshape, slice } from "../tensor/ops/movement.ts";
import type { Shape, Tensor } from "../tensor/tensor.ts";
import { scalarName, stateName } from "./names.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * Of each place along each axis of a parameter, one axis after the other, how many updates the run had made when it came. An
 * entry is as old as the youngest of its places.
 */
export const bornName = (parameter: string): string => stateName("born", parameter);
export const bornShape = (shape: Shape): Shape => [placesOf(shape).reduce((total, size) => total + size, 0)];

/** A parameter that is a single number has one place. */
const placesOf = (shape: Shape): Shape => (shape.length === 0 ? [1] : shape);

const agedScalarName = (scalar: string, parameter: string): string => scalarName(`${scalar}/${parameter}`);

/** Scalars of an optimiser that are others at the second update than at the first. */
function agingScalars(optimizer: Optimizer): string[] {
  const [first, second] = [optimizer.scalars(1, 1), optimizer.scalars(2, 1)];
  return Object.keys(first).filter((name) => first[name] !== second[name]);
}

/** Parameters with places that came after the run had begun: the axes along which they came at different times. */
export type Ages = ReadonlyMap<string, readonly number[]>;

/** The ages of a network's parameters, with the shapes of these, where `births` knows them. */
export function agesOf(
  parameters: Iterable<readonly [name: string, shape: Shape]>,
  births: (name: string) => ArrayLike<number> | undefined,
): Ages {
  const ages = new Map<string, readonly number[]>();
  for (const [parameter, shape] of parameters) {
    const born = births(bornName(parameter));
    if (born === undefined) continue;
    const oldest = Array.from(born).reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    let start = 0;
    const differ = shape.map((size) => {
      const first = start;
      start += size;
      return Array.from({ length: size }, (_, i) => born[first + i]!).some((place) => place !== oldest);
    });
    ages.set(
      parameter,
      [...shape.keys()].filter((axis) => differ[axis]),
    );
  }
  return ages;
}

/**
 * Those scalars, entry by entry: one where all places came at once, else tensors that broadcast to the parameter's shape. They
 * fall with age, so the youngest place has the largest.
 */
export function agedScalars(
  optimizer: Optimizer,
  { name, shape }: { readonly name: string; readonly shape: Shape },
  axes: readonly number[],
): Record<string, Tensor> {
  const ofAxes = (scalar: string): Tensor => {
    if (axes.length === 0) return input(agedScalarName(scalar, name), []);
    const all = input(agedScalarName(scalar, name), bornShape(shape));
    const places = axes.map((axis) => {
      const size = shape[axis]!;
      const start = shape.slice(0, axis).reduce((total, before) => total + before, 0);
      const own = slice(all, { 0: [start, start + size] });
      return reshape(
        own,
        shape.map((_, i) => (i === axis ? size : 1)),
      );
    });
    return places.reduce((a, b) => maximum(a, b));
  };
  return Object.fromEntries(agingScalars(optimizer).map((scalar) => [scalar, ofAxes(scalar)]));
}

/** Writes what `agedScalars` reads, for the update of that number (from 1). */
export function writeAges(
  store: Store,
  optimizer: Optimizer,
  ages: Ages,
  { update, rate }: { readonly update: number; readonly rate: number },
): void {
  const names = agingScalars(optimizer);
  const known = new Map<number, Readonly<Record<string, number>>>();
  const scalarsOf = (born: number) => {
    const found = known.get(born) ?? optimizer.scalars(Math.max(1, update - born), rate);
    known.set(born, found);
    return found;
  };
  for (const [parameter, axes] of ages) {
    const born = store.read(bornName(parameter));
    const scalars = Array.from(axes.length === 0 ? born.subarray(0, 1) : born, scalarsOf);
    for (const name of names) {
      const target = agedScalarName(name, parameter);
      if (store.type(target) === undefined) continue;
      store.write(
        target,
        scalars.map((values) => values[name]!),
      );
    }
  }
}

/**
 * When the places of a parameter came once it has grown: old ones when they did, new ones after `updates`. `born` undefined:
 * all old ones came with the run. Undefined where they all did.
 */
export function growBirths(
  { axes, origin }: ParameterGrowth,
  born: ArrayLike<number> | undefined,
  updates: number,
): Float32Array | undefined {
  const isNew = origin === null || axes.some(({ kind }) => kind.some((of) => of !== OLD));
  if (!isNew && born === undefined) return undefined;
  if (axes.length === 0) return Float32Array.of(isNew ? updates : born![0]!);
  let start = 0;
  const places = axes.flatMap(({ from, kind, before }) => {
    const first = start;
    start += before;
    return Array.from(from, (place, i) => (kind[i] === OLD ? (born?.[first + place] ?? 0) : updates));
  });
  return Float32Array.from(places);
}
