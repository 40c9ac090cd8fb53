// Random choices that a seed and a number decide, so that any input can be made again. Knows nothing of inputs.

/** @typedef {ReturnType<typeof createRandom>} Random */

/** Choices of the input numbered `index` (mulberry32). @param {number} seed @param {number} index */
export function createRandom(seed, index) {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(index + 1, 0xc2b2ae35);
  const word = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const integer = (/** @type {number} */ bound) => Math.floor((word() / 2 ** 32) * bound);
  return {
    /** From 0 to bound - 1. */
    integer,
    /** @param {number} probability */
    chance: (probability) => word() / 2 ** 32 < probability,
    /** @template T @param {readonly T[]} list @returns {T} */
    pick: (list) => /** @type {T} */ (list[integer(list.length)]),
  };
}
