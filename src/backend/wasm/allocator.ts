// Which parts of one growing range of addresses are taken. Knows numbers only; nothing is ever read or written here.

/** Blocks begin at multiples of this. */
export const alignment = 64;

export interface Allocator {
  /** The address of a new block, or undefined where the range cannot grow far enough. `bytes` is a whole number. */
  allocate(bytes: number): number | undefined;
  /** Gives a block back. @throws RangeError when there is no block at the address. */
  release(address: number): void;
  /** Bytes in blocks. */
  readonly used: number;
  /** Where what was never part of a block begins. */
  readonly untouched: number;
}

interface Free {
  address: number;
  bytes: number;
}

/**
 * Takes the smallest free part that fits, the lowest of equals, else extends the range from `start` upwards.
 * @param reserve makes addresses below `end` usable; false where that cannot be
 */
export function createAllocator(start: number, reserve: (end: number) => boolean): Allocator {
  const sizes = new Map<number, number>();
  const free: Free[] = []; // by address; no two touch, none touches `top`
  let top = roundUp(start);
  let untouched = top;
  let used = 0;
  const take = (address: number, bytes: number): number => {
    sizes.set(address, bytes);
    used += bytes;
    return address;
  };
  /** Index of the first free part at `address` or above. */
  const search = (address: number): number => {
    let [low, high] = [0, free.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (free[middle]!.address < address) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    get used() {
      return used;
    },
    get untouched() {
      return untouched;
    },
    allocate(wanted) {
      const bytes = Math.max(alignment, roundUp(wanted));
      let best: number | undefined;
      free.forEach((part, i) => {
        if (part.bytes >= bytes && (best === undefined || part.bytes < free[best]!.bytes)) best = i;
      });
      if (best !== undefined) {
        const part = free[best]!;
        const { address } = part;
        if (part.bytes === bytes) free.splice(best, 1);
        else {
          part.address += bytes;
          part.bytes -= bytes;
        }
        return take(address, bytes);
      }
      if (!reserve(top + bytes)) return undefined;
      top += bytes;
      untouched = Math.max(untouched, top);
      return take(top - bytes, bytes);
    },
    release(address) {
      const bytes = sizes.get(address);
      if (bytes === undefined) throw new RangeError(`no block at ${address}`);
      sizes.delete(address);
      used -= bytes;
      const at = search(address);
      const joined: Free = { address, bytes };
      const [before, after] = [free[at - 1], free[at]];
      const joinsBefore = before !== undefined && before.address + before.bytes === address;
      const joinsAfter = after !== undefined && after.address === address + bytes;
      if (joinsBefore) {
        joined.address = before.address;
        joined.bytes += before.bytes;
      }
      if (joinsAfter) joined.bytes += after.bytes;
      const first = joinsBefore ? at - 1 : at;
      const count = (joinsBefore ? 1 : 0) + (joinsAfter ? 1 : 0);
      if (joined.address + joined.bytes === top) {
        top = joined.address;
        free.splice(first, count);
      } else free.splice(first, count, joined);
    },
  };
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}
