// The compiled kernels as functions and memory. Knows the C interface (src/kernels/runtime.h); knows neither plans nor
// stores.
import { constants } from "node:buffer";
import { rmSync } from "node:fs";
import koffi, { type LibraryHandle } from "koffi";
import { RequestError, WorkError } from "../../errors.ts";
import { maxThreads } from "../machine.ts";
import type { Block } from "../store.ts";
import { type BuildOptions, buildLibrary } from "./build.ts";

/** A block of C memory, zero-filled, aligned to 64 bytes, with 64 bytes that may be read after its end. */
export interface Memory extends Block<bigint> {
  /** The same memory; it stays valid, if only as zeros, for as long as anything refers to it. */
  readonly buffer: ArrayBuffer;
  readonly byteOffset: 0;
}

/** A tape in C memory with what it needs to run. */
export interface LoadedTape {
  readonly words: number;
  readonly memory: Memory;
  /** Table of binding addresses, filled in before a run: `bindings[i]` is the base of SPACE_BINDING + i. */
  readonly bindings: BigUint64Array;
  readonly bindingTable: Memory;
  readonly arenaBytes: number;
  /** Bytes of LOCAL operands and of scratch, for each thread. */
  readonly localBytes: number;
  readonly scratchBytes: number;
}

/** What a tape is loaded from. Sizes in bytes. */
export interface TapeImage {
  readonly tape: Int32Array;
  readonly bindings: number;
  readonly arenaBytes: number;
  readonly localBytes: number;
  readonly scratchBytes: number;
}

/** Threads with an arena. Runs on one runtime wait for each other; nothing in the arena outlives a run. */
export interface Runtime {
  /**
   * Runs a tape on the calling thread and `threads - 1` others; the result does not depend on how many.
   * @param nanoseconds one number for each word of the tape, added to: an instruction's time at its first word, the time
   *   spent waiting for a segment at its first word, both summed over threads.
   * @throws WorkError when there is no memory for the arena.
   */
  runSync(tape: LoadedTape, threads: number, nanoseconds?: Memory): void;
  /** The same on another thread, with the event loop free. The tape, its bindings and values must stay as they are. */
  run(tape: LoadedTape, threads: number, nanoseconds?: Memory): Promise<void>;
  /** Ends the threads and frees the arena, once runs that have begun are done. */
  dispose(): void;
}

export interface NativeLibrary {
  /** Processor, compiler and kernels, in words. */
  readonly identity: string;
  /** Bytes of an f32 value: 4, or 8 in the double build. */
  readonly realBytes: 4 | 8;
  /** @throws WorkError when there is no memory. */
  allocate(bytes: number): Memory;
  /** Gives memory back. Views of it that are still around read as zeros or stale values; none may be passed to a run. */
  release(memory: Memory): void;
  loadTape(image: TapeImage): LoadedTape;
  releaseTape(tape: LoadedTape): void;
  createRuntime(): Runtime;
  /** Most GFLOP/s of multiply-adds that `threads` threads reach in `milliseconds` of trying. */
  peakGflops(threads: number, milliseconds: number): number;
}

const outOfMemory = -1;

interface Functions {
  realBytes(): number;
  allocate(bytes: number): bigint | null;
  free(address: bigint, bytes: number): void;
  discard(address: bigint, bytes: number): void;
  createRuntime(): bigint | null;
  destroyRuntime(runtime: bigint): void;
  run: Run & { async(...args: [...RunArguments, (error: Error | null, outcome: number) => void]): void };
  peak(threads: number, milliseconds: number): number;
}
type RunArguments = [
  runtime: bigint,
  tape: bigint,
  words: number,
  arenaBytes: number,
  localBytes: number,
  scratchBytes: number,
  bindings: bigint,
  threads: number,
  nanoseconds: bigint | null,
];
type Run = (...args: RunArguments) => number;

// Kernels run on stacks that koffi provides; of its defaults, the one for asynchronous calls is too small for them.
const stackBytes = 2 << 20;

function bind(path: string): Functions {
  if (koffi.config().async_stack_size !== stackBytes) {
    try {
      koffi.config({ ...koffi.config(), sync_stack_size: stackBytes, async_stack_size: stackBytes });
    } catch {
      throw new WorkError(
        "the native backend must be loaded before any other library is loaded through koffi",
      );
    }
  }
  let library: LibraryHandle;
  try {
    library = koffi.load(path);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new WorkError(
      `the compiled kernels cannot be loaded (${said}): set SCANTLING_CACHE to a folder that programs may be loaded from`,
    );
  }
  const bound = {
    realBytes: library.func("int32_t scantling_real_bytes()"),
    allocate: library.func("void *scantling_allocate(int64_t bytes)"),
    free: library.func("void scantling_free(void *memory, int64_t bytes)"),
    discard: library.func("void scantling_discard(void *memory, int64_t bytes)"),
    createRuntime: library.func("void *scantling_runtime_create()"),
    destroyRuntime: library.func("void scantling_runtime_destroy(void *runtime)"),
    run: library.func(
      "int64_t scantling_run(void *runtime, void *tape, int64_t words, int64_t arena_bytes, int64_t local_bytes, " +
        "int64_t scratch_bytes, void *bindings, int32_t threads, void *nanoseconds)",
    ),
    peak: library.func("double scantling_peak_gflops(int32_t threads, int32_t milliseconds)"),
  };
  return bound as Functions;
}

const loaded = new Map<boolean, Promise<NativeLibrary>>();

/**
 * The package's kernels, compiled when this machine has not compiled them before. One library per precision and process.
 * @throws RequestError, WorkError as buildLibrary does.
 */
export function nativeLibrary(options: Omit<BuildOptions, "sources"> = {}): Promise<NativeLibrary> {
  const double = options.double ?? false;
  let library = loaded.get(double);
  if (library === undefined) {
    library = openLibrary(options);
    loaded.set(double, library);
    library.catch(() => loaded.delete(double)); // the next attempt may find a compiler
  }
  return library;
}

/** Builds and loads kernels, without looking whether they are loaded already. */
export async function openLibrary(options: BuildOptions = {}): Promise<NativeLibrary> {
  const { path, identity, temporaryFolder } = await buildLibrary(options);
  try {
    return describe(bind(path), identity);
  } finally {
    if (temporaryFolder !== undefined) rmSync(temporaryFolder, { recursive: true, force: true });
  }
}

function describe(functions: Functions, identity: string): NativeLibrary {
  // Memory is freed when the last view of it is gone: a view that outlives its release must not read what is not there.
  const unreachable = new FinalizationRegistry<{ address: bigint; bytes: number }>(({ address, bytes }) => {
    functions.free(address, bytes);
  });
  const allocate = (bytes: number): Memory => {
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw new RangeError(`${bytes} bytes of memory`);
    if (bytes > constants.MAX_LENGTH) {
      throw new WorkError(
        `out of memory: ${megabytes(bytes)} for one value, and at most ${megabytes(constants.MAX_LENGTH)} can be seen at once; ` +
          "make the model smaller",
      );
    }
    const address = functions.allocate(bytes);
    if (address === null) throw new WorkError(`out of memory: the system refused ${megabytes(bytes)}`);
    // An empty view would not be a view of this address.
    const buffer = koffi.view(address, Math.max(bytes, 1));
    unreachable.register(buffer, { address, bytes });
    return { address, bytes, buffer, byteOffset: 0 };
  };
  const release = ({ address, bytes }: Memory): void => functions.discard(address, bytes);
  return {
    identity,
    realBytes: functions.realBytes() === 8 ? 8 : 4,
    allocate,
    release,
    loadTape: ({ tape, bindings, ...sizes }) => {
      const memory = allocate(tape.byteLength);
      new Int32Array(memory.buffer, 0, tape.length).set(tape);
      const bindingTable = allocate(bindings * 8);
      return {
        ...sizes,
        words: tape.length,
        memory,
        bindingTable,
        bindings: new BigUint64Array(bindingTable.buffer, 0, bindings),
      };
    },
    releaseTape: (tape) => {
      release(tape.memory);
      release(tape.bindingTable);
    },
    createRuntime: () => createRuntime(functions),
    peakGflops: (threads, milliseconds) => functions.peak(threads, milliseconds),
  };
}

function createRuntime(functions: Functions): Runtime {
  const runtime = functions.createRuntime();
  if (runtime === null) throw new WorkError("out of memory: the system refused a runtime");
  let disposed = false;
  let running = 0;
  const destroyWhenIdle = () => {
    if (disposed && running === 0) functions.destroyRuntime(runtime);
  };
  const describeRun = (tape: LoadedTape, threads: number, nanoseconds: Memory | undefined): RunArguments => {
    if (disposed) throw new RangeError("a run on a runtime that is disposed of");
    if (!Number.isInteger(threads) || threads < 1 || threads > maxThreads) {
      throw new RequestError(`threads: ${threads}, expected a whole number from 1 to ${maxThreads}`);
    }
    const { memory, words, arenaBytes, localBytes, scratchBytes, bindingTable } = tape;
    if (nanoseconds !== undefined && nanoseconds.bytes < words * 8) {
      throw new RangeError(`${nanoseconds.bytes} bytes of times for a tape of ${words} words`);
    }
    return [
      ...[runtime, memory.address],
      ...[words, arenaBytes, localBytes, scratchBytes],
      bindingTable.address,
      threads,
      nanoseconds?.address ?? null,
    ] as RunArguments;
  };
  const check = (outcome: number, tape: LoadedTape): void => {
    if (outcome === outOfMemory) {
      throw new WorkError(`out of memory: the system refused an arena of ${megabytes(tape.arenaBytes)}`);
    }
    if (outcome !== 0) throw new RangeError(`a broken tape: word ${outcome - 1} of ${tape.words}`);
  };
  return {
    runSync: (tape, threads, nanoseconds) => {
      check(functions.run(...describeRun(tape, threads, nanoseconds)), tape);
    },
    run: (tape, threads, nanoseconds) =>
      new Promise((done, failed) => {
        const args = describeRun(tape, threads, nanoseconds);
        running++;
        functions.run.async(...args, (error, outcome) => {
          running--;
          try {
            destroyWhenIdle();
            if (error !== null) throw error;
            check(outcome, tape);
            done();
          } catch (reason) {
            failed(reason);
          }
        });
      }),
    dispose: () => {
      if (disposed) return;
      disposed = true;
      destroyWhenIdle();
    },
  };
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}
