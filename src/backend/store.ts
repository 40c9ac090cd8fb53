// Named values in memory that C kernels see: weights, optimiser state, batches, results. Knows types and sizes; knows
// neither whose memory it is nor any program.
import { dtypeBytes } from "../compiler/plan.ts";
import { type DType, sameShape, sizeOf, type TensorType } from "../tensor/tensor.ts";
import type { NumericArray, Store } from "./machine.ts";

/** A block of memory for a value, zero-filled and aligned to 64 bytes: `bytes` from `byteOffset` on in `buffer`. */
export interface Block<Address> {
  /** As kernels see it. */
  readonly address: Address;
  readonly bytes: number;
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
}

export interface BlockMemory<Address, B extends Block<Address>> {
  /** Bytes of an f32 value: 4, or 8 in the double build. */
  readonly realBytes: 4 | 8;
  /** @throws WorkError when there is no memory. */
  allocate(bytes: number): B;
  release(block: B): void;
}

/** A store whose values a tape can be bound to. */
export interface BlockStore<Address> extends Store {
  /** Where a value lives, until it is released. @throws RangeError when the store holds none of that name. */
  address(name: string): Address;
}

interface Value<B> {
  readonly type: TensorType;
  readonly block: B;
  readonly view: NumericArray;
}

/** An empty store. Reading a value after its release is a RangeError; an array read before then shows no live memory. */
export function createBlockStore<Address, B extends Block<Address>>(
  memory: BlockMemory<Address, B>,
): BlockStore<Address> {
  const { realBytes } = memory;
  const values = new Map<string, Value<B>>();
  const find = (name: string): Value<B> => {
    const value = values.get(name);
    if (value === undefined) throw new RangeError(`the store holds no "${name}"`);
    return value;
  };
  return {
    allocate: (name, { shape, dtype }) => {
      const before = values.get(name)?.type;
      if (before === undefined) {
        const size = sizeOf(shape);
        const block = memory.allocate(size * elementBytes(dtype, realBytes));
        values.set(name, { type: { shape, dtype }, block, view: viewOf(block, dtype, size, realBytes) });
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
    address: (name) => find(name).block.address,
    release: (name) => {
      const value = values.get(name);
      if (value === undefined) return;
      values.delete(name);
      memory.release(value.block);
    },
  };
}

/** Bytes of one element in a store; an f32 has eight in the double build. */
export function elementBytes(dtype: DType, realBytes: 4 | 8): number {
  return dtype === "f32" ? realBytes : dtypeBytes(dtype);
}

function viewOf(
  { buffer, byteOffset }: Block<unknown>,
  dtype: DType,
  size: number,
  realBytes: 4 | 8,
): NumericArray {
  switch (dtype) {
    case "f32":
      return realBytes === 8
        ? new Float64Array(buffer, byteOffset, size)
        : new Float32Array(buffer, byteOffset, size);
    case "i32":
      return new Int32Array(buffer, byteOffset, size);
    case "u32":
      return new Uint32Array(buffer, byteOffset, size);
    case "f16":
    case "bf16":
      return new Uint16Array(buffer, byteOffset, size);
    case "bool":
      return new Uint8Array(buffer, byteOffset, size);
  }
}
