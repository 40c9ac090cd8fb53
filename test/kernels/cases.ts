// What a check of one instruction is: a case, and the values its operands must hold afterwards. Knows no kernel.
import type { Case, Driver, Values } from "./isolated.ts";

export interface Expected {
  readonly binding: number;
  readonly values: ArrayLike<number>;
  /** Largest error in units of the precision's epsilon; 0: the same bits (NaN equals NaN). */
  readonly epsilons: number;
}

export interface Check extends Case {
  readonly name: string;
  readonly expected: readonly Expected[];
}

export type MakeChecks = (real: Driver["real"]) => Check[];

/** Numbers in [-1, 1) from a seed (mulberry32). */
export function noise(count: number, seed: number): Float64Array {
  let state = seed >>> 0;
  return Float64Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  });
}

/** Integers in [low, high) from a seed. */
export function integers(count: number, low: number, high: number, seed: number): Int32Array {
  return Int32Array.from(noise(count, seed), (x) => Math.floor(low + ((x + 1) / 2) * (high - low)));
}

/** The first place where values are further from what is expected than allowed, in words; undefined if there is none. */
export function firstError(actual: Values, { values, epsilons }: Expected): string | undefined {
  if (actual.length !== values.length) return `${actual.length} values, expected ${values.length}`;
  const epsilon = actual instanceof Float32Array ? 2 ** -23 : 2 ** -52;
  for (let i = 0; i < values.length; i++) {
    const [is, should] = [actual[i]!, values[i]!];
    const fits = Object.is(is, should) || is === should || Math.abs(is - should) <= epsilons * epsilon;
    if (!fits) return `[${i}] is ${is}, expected ${should}`;
  }
  return undefined;
}
