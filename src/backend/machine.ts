// What every backend offers: a store of named values and programs that run on it. Knows no backend.
import type { Program } from "../tensor/program.ts";
import type { TensorType } from "../tensor/tensor.ts";

export type NumericArray = Float64Array | Float32Array | Int32Array | Uint32Array | Uint16Array | Uint8Array;

/** Named values that outlive any program: weights, optimiser state, batches, results. */
export interface Store {
  /** Makes room for a value, filled with zeros. The same name and type again is a no-op; another type is an error. */
  allocate(name: string, type: TensorType): void;
  type(name: string): TensorType | undefined;
  names(): string[];
  write(name: string, values: ArrayLike<number>): void;
  /** The live memory of a value, row-major; f16 and bf16 as their bits, bool as bytes. Float64Array for f32 in float64 backends. */
  read(name: string): NumericArray;
  release(name: string): void;
}

/** A program ready to run. Inputs are read from the store, outputs and updates written to it (allocated when missing). */
export interface Executable {
  run(store: Store): Promise<void>;
  runSync(store: Store): void;
  dispose(): void;
}

export interface Machine {
  readonly name: "reference" | "native" | "wasm";
  readonly threads: number;
  createStore(): Store;
  load(program: Program): Executable;
  dispose(): void;
}
