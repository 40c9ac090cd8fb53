// What rounding to a short format does to a grown network, apart from what growing does. Knows no layout.
//
// Growth multiplies and averages old numbers; the results are rounded to nearest in the folder's format, so each moves by at
// most half a unit in its last place: u times itself, u = 2^-8 in bfloat16 and 2^-11 in float16. Nothing bounds what all of them
// together do to a logit but the network's own conditioning. So the proof has two parts: the network before it was rounded
// computes what the smaller one did, to float32; and every number that was written is within u of it.
import { WorkError } from "../errors.ts";
import type { NamedTensors } from "../growth/grow.ts";
import type { GrowthPlan } from "../growth/plan.ts";
import { type FloatNumbers, growTensor } from "../growth/tensor.ts";
import type { NumberType } from "./numbers.ts";

/** u: half a unit in the last place of 1. */
export const roundoff: Readonly<Record<NumberType, number>> = { F32: 2 ** -24, F16: 2 ** -11, BF16: 2 ** -8 };
/** Of the largest number of a tensor: what its numbers are known to in float32, and below which formats have no more digits. */
const KNOWN = 2 ** -20;

/**
 * A place of a network that reads the same activations in both: it multiplies by rounded numbers at most twice in a row (a norm's
 * scales, then a matrix), and a gate or a query meets another such product, so four errors of at most u add up.
 */
export const placeBound = (type: NumberType): number => 4 * roundoff[type];

/**
 * The values of the grown network in float32 before they were rounded; those that are new are as they were written. `typeOf`
 * tells in which format. Errors: WorkError where a number is further from what was written than rounding moves it.
 */
export function unroundedValues(
  plan: GrowthPlan,
  before: NamedTensors,
  written: NamedTensors,
  typeOf: (parameter: string) => NumberType,
): NamedTensors {
  const made = plan.parameters.map((growth) => {
    const { name, origin, shape } = growth;
    const { data: found } = written[name]!;
    if (origin === null) return [name, { shape, data: found }] as const;
    const data = growTensor(growth, Float32Array.from(before[origin]!.data), found);
    requireRounded(name, data, found, roundoff[typeOf(name)]);
    return [name, { shape, data }] as const;
  });
  return Object.fromEntries(made);
}

function requireRounded(name: string, exact: FloatNumbers, written: FloatNumbers, share: number): void {
  let largest = 0;
  for (const value of exact) largest = Math.max(largest, Math.abs(value));
  for (const [i, value] of exact.entries()) {
    if (Math.abs(written[i]! - value) <= share * Math.abs(value) + KNOWN * largest) continue;
    throw new WorkError(
      `grow: number ${i} of ${name} was written as ${written[i]}; expected ${value}, rounded, nothing is written`,
    );
  }
}
