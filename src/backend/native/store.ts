// Named values in C memory. Knows no program.
import { type BlockStore, createBlockStore } from "../store.ts";
import type { NativeLibrary } from "./library.ts";

export type NativeStore = BlockStore<bigint>;

/** An empty store. Reading a value after its release is a RangeError; an array read before then shows no live memory. */
export function createNativeStore(library: NativeLibrary): NativeStore {
  return createBlockStore(library);
}
