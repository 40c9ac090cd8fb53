// What every backend offers: a store of named values and programs that run on it. Knows no backend.
import type { Program } from "../tensor/program.ts";
import type { TensorType } from "../tensor/tensor.ts";

/** The arrays that values are read as. */
export type NumericArray = Float64Array | Float32Array | Int32Array | Uint32Array | Uint16Array | Uint8Array;

/** The most threads a backend has; MAX_THREADS in src/kernels. */
export const maxThreads = 64;

/** Named values that outlive any program: weights, optimiser state, batches, results. */
export interface Store {
  /** Makes room for a value, filled with zeros. The same name and type again is a no-op; another type is an error. */
  allocate(name: string, type: TensorType): void;
  /** Shape and dtype of a value; undefined where the store holds none of that name. */
  type(name: string): TensorType | undefined;
  /** Names of all values, in the order they were allocated. */
  names(): string[];
  /** Copies values in, row-major; RangeError for another number of them. */
  write(name: string, values: ArrayLike<number>): void;
  /** The live memory of a value, row-major; f16 and bf16 as their bits, bool as bytes. Float64Array for f32 in float64 backends. */
  read(name: string): NumericArray;
  /** Forgets a value and gives its memory back; no-op where there is none. */
  release(name: string): void;
}

/** What a program takes while it runs, beside the values of its store. */
export interface ProgramNeeds {
  /** Memory for values in between; programs of one machine share it, and it is as large as the largest of them asks. */
  readonly arenaBytes: number;
  /** The same for what threads have of their own, of all threads together. */
  readonly threadBytes: number;
  /** Floating-point operations of one run. */
  readonly flops: number;
}

/** A program ready to run. Inputs are read from the store, outputs and updates written to it (allocated when missing). */
export interface Executable {
  /** Runs once, with the event loop free. Until it is done, the values it reads and writes must be left alone. */
  run(store: Store): Promise<void>;
  /** The same on the calling thread, which waits. */
  runSync(store: Store): void;
  /** Gives back what the program holds; it cannot run any more. */
  dispose(): void;
  /** Absent in backends that keep every value. */
  readonly needs?: ProgramNeeds;
}

/** A backend at work: threads, and memory that values lie in. */
export interface Machine {
  readonly name: "reference" | "native" | "wasm" | "wasm-relaxed";
  readonly threads: number;
  /** What else the bits of results depend on, such as the processor, in words; absent where nothing else matters. */
  readonly identity?: string;
  /** Most bytes of stores, programs and their values together; absent: as much as the system has. */
  readonly memoryLimit?: number;
  /** An empty store. Programs of this machine run on its own stores alone. */
  createStore(): Store;
  /** Plans a program so that it can run, again and again. */
  load(program: Program): Executable;
  /** Ends the threads and gives memory back, once what runs is done. */
  dispose(): void;
}
