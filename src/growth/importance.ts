// How much each unit of a network matters, by numbers like its parameters: |g · w| of a gradient, squares, or chance. Knows no
// data and no training.
import type { Architecture } from "../architecture/schema.ts";
import { threefry } from "../tensor/ops/random.ts";
import { outsideParameter, outsideSizes } from "./outside.ts";
import { placesIn } from "./places.ts";
import { parameterOf, sizesOf, storedParameters } from "./plan.ts";
import { repetitions } from "./steps.ts";
import { type SizedParameter, sumUnits, type UnitSums, unitGroups } from "./units.ts";

/** How much a network's units matter. */
export interface Importance {
  readonly units: UnitSums;
  /** Of each repetition of the stripe. */
  readonly layers: readonly number[];
}

/**
 * Sums over every unit of a network, and over every repetition of its stripe, of numbers like its parameters, which
 * `valuesOf` gives by their names.
 */
export function sumImportance(
  architecture: Architecture,
  valuesOf: (name: string) => ArrayLike<number>,
): Importance {
  const parameters = sizedParameters(architecture);
  const places = placesIn(architecture).slice(architecture.first.length);
  const layers = repetitions(architecture).map((entries, i) => {
    const own = places.slice(i * entries.length, (i + 1) * entries.length).map(({ prefix }) => prefix);
    const within = parameters.filter(({ name }) => own.some((prefix) => name.startsWith(prefix)));
    return within.reduce((total, { name }) => total + sum(valuesOf(name)), 0);
  });
  return { units: sumUnits(parameters, unitGroups(parameters), valuesOf), layers };
}

/** By chance alone: what any other importance has to beat. */
export function randomImportance(architecture: Architecture, seed: number): Importance {
  const { units, layers } = sumImportance(architecture, () => []);
  let drawn = 0;
  const draw = () => threefry(seed >>> 0, 0x7072756e, drawn++, 0)[0]! / 2 ** 32;
  return {
    units: new Map([...units].map(([key, sums]) => [key, sums.map(draw)])),
    layers: layers.map(draw),
  };
}

/** Everything a network stores, with the sizes of its axes. */
export function sizedParameters(architecture: Architecture): SizedParameter[] {
  const places = new Map(placesIn(architecture).map((place) => [place.prefix, place]));
  return [...storedParameters(architecture)].map(([name, { shape }]) => {
    const [, prefix, rest] = /^((?:block\.\d+|first|last)\.[^.]+\.)(.+)$/.exec(name) ?? [];
    const module = prefix === undefined ? undefined : places.get(prefix)?.module;
    const known =
      module === undefined
        ? outsideParameter(architecture, name)
        : parameterOf(name, rest!, module.growth, true);
    const [owner = ""] = /^(?:block\.\d+|first|last)\.[^.]+\.(?:(?:paths\.)?\d+\.)?/.exec(name) ?? [];
    return {
      name,
      shape,
      parameter: known ?? { axes: shape.join(", ") },
      sizes: module === undefined ? outsideSizes(architecture) : sizesOf(architecture, module.growth),
      owner,
    };
  });
}

/** Of all of them. */
export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}
