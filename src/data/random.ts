// Counter-based random numbers: the n-th number of a stream is a pure function of (seed, stream, n).
// Knows nothing of what the numbers are used for.
// Threefry-2x32 with 20 rounds: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

import { RequestError } from "../errors.ts";

const PARITY = 0x1bd11bda;

/** One 64-bit block: the key (key0, key1) and counter (counter0, counter1) to two 32-bit words in `out`. */
export function threefry(
  key0: number,
  key1: number,
  counter0: number,
  counter1: number,
  out: Uint32Array,
): void {
  const key2 = PARITY ^ key0 ^ key1;
  let x = (counter0 + key0) | 0;
  let y = (counter1 + key1) | 0;
  for (let injection = 1; injection <= 5; injection++) {
    if (injection & 1) {
      x = (x + y) | 0;
      y = ((y << 13) | (y >>> 19)) ^ x;
      x = (x + y) | 0;
      y = ((y << 15) | (y >>> 17)) ^ x;
      x = (x + y) | 0;
      y = ((y << 26) | (y >>> 6)) ^ x;
      x = (x + y) | 0;
      y = ((y << 6) | (y >>> 26)) ^ x;
    } else {
      x = (x + y) | 0;
      y = ((y << 17) | (y >>> 15)) ^ x;
      x = (x + y) | 0;
      y = ((y << 29) | (y >>> 3)) ^ x;
      x = (x + y) | 0;
      y = ((y << 16) | (y >>> 16)) ^ x;
      x = (x + y) | 0;
      y = ((y << 24) | (y >>> 8)) ^ x;
    }
    x = (x + keyWord(injection, key0, key1, key2)) | 0;
    y = (y + keyWord(injection + 1, key0, key1, key2) + injection) | 0;
  }
  out[0] = x;
  out[1] = y;
}

function keyWord(index: number, key0: number, key1: number, key2: number): number {
  const which = index % 3;
  return which === 0 ? key0 : which === 1 ? key1 : key2;
}

/** A stream of random numbers addressed by index. */
export interface RandomStream {
  /** The index-th number, uniform on [0, 1) with 53 bits. */
  uniform(index: number): number;
  /** The index-th number, a uniform integer in [0, bound), for a bound up to 2^32 (bias below 2^-21). */
  integer(index: number, bound: number): number;
}

/**
 * The stream numbered `stream` of a seed. Streams of one seed are independent of each other.
 * @param seed an integer from 0 to 2^53 - 1; anything else is a RequestError
 * @param stream an integer from 0 to 2^20 - 1
 */
export function createRandom(seed: number, stream: number): RandomStream {
  requireSeed(seed);
  const words = new Uint32Array(2);
  // The seed is the key; the counter holds the index (52 bits) and nothing else, so streams share the high key bits.
  const key0 = seed >>> 0;
  const key1 = (Math.floor(seed / 2 ** 32) ^ (stream * 2 ** 21)) >>> 0;
  let cached = -1;
  const uniform = (index: number): number => {
    if (index !== cached) {
      threefry(key0, key1, index >>> 0, Math.floor(index / 2 ** 32), words);
      cached = index;
    }
    return (words[0]! * 2 ** 21 + (words[1]! >>> 11)) / 2 ** 53;
  };
  return { uniform, integer: (index, bound) => Math.floor(uniform(index) * bound) };
}

/** Refuses a seed that is no integer from 0 to 2^53 - 1. */
export function requireSeed(seed: number): void {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RequestError(
      `seed: expected an integer from 0 to ${Number.MAX_SAFE_INTEGER}, got ${seed}; give another seed`,
    );
  }
}
