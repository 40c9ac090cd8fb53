// The memory of one wasm machine: shared between its threads, up to 4 GiB, growing when blocks do not fit. Knows neither
// tapes nor threads.
import { WorkError } from "../../errors.ts";
import type { Block } from "../store.ts";
import { createAllocator } from "./allocator.ts";
import { type SharedMemory, webAssembly } from "./webAssembly.ts";

const pageBytes = 65536;
const mostPages = 65536; // 4 GiB, the most that 32-bit addresses reach
const leastPages = 1024; // a range of addresses below 64 MiB is not worth asking for
const firstPages = 64; // what the kernels keep for themselves fits twice
const growthBytes = 16 * 2 ** 20;
const readableAfterEnd = 64; // kernels may read, never write, so far past the end of a value

export interface Heap {
  readonly realBytes: 4;
  readonly memory: SharedMemory;
  /** Bytes that it can grow to. */
  readonly limit: number;
  /** A zero-filled block. Its views stay valid when the memory grows. @throws WorkError when the memory is full. */
  allocate(bytes: number): Block<number>;
  /** The same with any content. */
  allocateRaw(bytes: number): Block<number>;
  release(block: Block<number>): void;
}

/** A memory and the bytes that it can grow to. */
export interface GrowingMemory {
  readonly memory: SharedMemory;
  readonly limit: number;
}

/** An empty memory: of 4 GiB, less where the system has no such range of addresses. @throws WorkError when it has none. */
export function createMemory(): GrowingMemory {
  for (let maximum = mostPages; maximum >= leastPages; maximum /= 2) {
    try {
      const memory = new webAssembly.Memory({ initial: firstPages, maximum, shared: true });
      return { memory, limit: maximum * pageBytes };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  throw new WorkError(
    "the wasm backend found no range of addresses for its memory: raise the limit (ulimit -v), end other machines or use --backend native",
  );
}

/** Hands out blocks of a memory from `heapBase` on. */
export function createHeap({ memory, limit }: GrowingMemory, heapBase: number): Heap {
  const reserve = (end: number): boolean => {
    const missing = end + readableAfterEnd - memory.buffer.byteLength;
    if (missing <= 0) return true;
    return grow(memory, Math.max(missing, growthBytes)) || grow(memory, missing);
  };
  const allocator = createAllocator(heapBase, reserve);
  const allocateRaw = (bytes: number): Block<number> => {
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw new RangeError(`${bytes} bytes of memory`);
    const address = allocator.allocate(bytes);
    if (address === undefined) throw new WorkError(full(bytes, allocator.used, limit));
    return { address, bytes, buffer: memory.buffer, byteOffset: address };
  };
  return {
    realBytes: 4,
    memory,
    limit,
    allocateRaw,
    allocate: (bytes) => {
      const zeroFrom = allocator.untouched;
      const block = allocateRaw(bytes);
      const touched = Math.min(bytes, Math.max(0, zeroFrom - block.address));
      new Uint8Array(block.buffer, block.byteOffset, touched).fill(0);
      return block;
    },
    release: ({ address }) => allocator.release(address),
  };
}

function grow(memory: SharedMemory, bytes: number): boolean {
  try {
    memory.grow(Math.ceil(bytes / pageBytes));
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function full(needed: number, used: number, limit: number): string {
  return (
    `out of memory: ${megabytes(needed)} more are needed and ${megabytes(used)} of the wasm backend's ` +
    `${limit / 2 ** 30} GiB are taken; --backend native has no such limit, a smaller batch needs less`
  );
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}
