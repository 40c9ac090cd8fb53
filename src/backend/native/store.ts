// Named values in C memory: weights, optimiser state, batches, results. Knows types and sizes; knows no program.
import { type DType, sameShape, sizeOf, type TensorType } from "../../tensor/tensor.ts";
import type { NumericArray, Store } from "../machine.ts";
import type { Memory, NativeLibrary } from "./library.ts";

/** A store whose values a tape can be bound to. */
export interface NativeStore extends Store {
  /** Where a value lives, until it is released. @throws RangeError when the store holds none of that name. */
  address(name: string): bigint;
}

interface Value {
  readonly type: TensorType;
  readonly memory: Memory;
  readonly view: NumericArray;
}

/** An empty store. Reading a value after its release is a RangeError; an array read before then shows no live memory. */
export function createNativeStore(library: NativeLibrary): NativeStore {
  const values = new Map<string, Value>();
  const find = (name: string): Value => {
    const value = values.get(name);
    if (value === undefined) throw new RangeError(`the store holds no "${name}"`);
    return value;
  };
  return {
    allocate: (name, { shape, dtype }) => {
      const before = values.get(name)?.type;
      if (before === undefined) {
        const size = sizeOf(shape);
        const memory = library.allocate(size * elementBytes(dtype, library.realBytes));
        values.set(name, {
          type: { shape, dtype },
          memory,
          view: viewOf(memory, dtype, size, library.realBytes),
        });
      } else if (!sameShape(before.shape, shape) || before.dtype !== dtype) {
        throw new RangeError(`"${name}" is ${before.dtype} [${before.shape}], not ${dtype} [${shape}]`);
      }
    },
    type: (name) => values.get(name)?.type,
    names: () => [...values.keys()],
    write: (name, source) => {
      const { view } = find(name);
      if (source.length !== view.length) {
        throw new RangeError(`"${name}" has ${view.length} values, ${source.length} were written`);
      }
      view.set(source);
    },
    read: (name) => find(name).view,
    address: (name) => find(name).memory.address,
    release: (name) => {
      const value = values.get(name);
      if (value === undefined) return;
      values.delete(name);
      library.release(value.memory);
    },
  };
}

/** Bytes of one element in a store; an f32 has eight in the double build. */
export function elementBytes(dtype: DType, realBytes: 4 | 8): number {
  switch (dtype) {
    case "f32":
      return realBytes;
    case "i32":
    case "u32":
      return 4;
    case "f16":
    case "bf16":
      return 2;
    case "bool":
      return 1;
  }
}

function viewOf({ buffer }: Memory, dtype: DType, size: number, realBytes: 4 | 8): NumericArray {
  switch (dtype) {
    case "f32":
      return realBytes === 8 ? new Float64Array(buffer, 0, size) : new Float32Array(buffer, 0, size);
    case "i32":
      return new Int32Array(buffer, 0, size);
    case "u32":
      return new Uint32Array(buffer, 0, size);
    case "f16":
    case "bf16":
      return new Uint16Array(buffer, 0, size);
    case "bool":
      return new Uint8Array(buffer, 0, size);
  }
}
