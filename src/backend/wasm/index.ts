// The wasm backend: plans encoded to tapes, run by prebuilt kernels on threads of this process. Needs no compiler.
import { compile } from "../../compiler/compile.ts";
import type { Plan } from "../../compiler/plan.ts";
import { RequestError } from "../../errors.ts";
import { processor } from "../../processor.ts";
import type { Program } from "../../tensor/program.ts";
import { bindStore, planBinding } from "../binding.ts";
import { type Executable, type Machine, maxThreads, type Store } from "../machine.ts";
import { type Block, type BlockStore, createBlockStore } from "../store.ts";
import { tapeKernels } from "../tape/capabilities.ts";
import { type EncodedPlan, encodePlan } from "../tape/encode.ts";
import { programNeeds } from "../tape/needs.ts";
import { createHeap, createMemory, type Heap } from "./memory.ts";
import { instantiate, kernelModule } from "./module.ts";
import { type Order, startThreads, type Threads } from "./threads.ts";

export interface WasmOptions {
  /** Threads of every run, 1 to 64; results do not depend on it. */
  readonly threads: number;
  /**
   * Multiply-adds with one rounding where the processor has them: faster, but results may differ in their last bits between
   * types of processors. Needs Node 22 or later. Default: false, the same bits everywhere.
   */
  readonly relaxed?: boolean;
}

/** A plan with its tape, for `--explain` and profiles. */
export interface WasmExecutable extends Executable {
  readonly plan: Plan;
  readonly encoded: EncodedPlan;
  /** runSync, adding to one number for each word of the tape the time of the instruction or barrier that begins there. */
  profile(store: Store, nanoseconds: BigInt64Array): void;
}

export interface WasmMachine extends Machine {
  load(program: Program): WasmExecutable;
  /** Measured: most GFLOP/s of multiply-adds on all threads in `milliseconds` of trying. */
  peakGflops(milliseconds: number): number;
}

interface Place {
  readonly heap: Heap;
  readonly threads: Threads;
  readonly count: number;
  readonly createStore: () => BlockStore<number>;
  /** @throws RangeError when a store is not this machine's. */
  readonly own: (store: Store) => BlockStore<number>;
  /** Working memory that all tapes share: at least so much. Only when nothing runs. */
  readonly workspace: (arenaBytes: number, blockBytes: number) => { arena: number; blocks: number };
}

/**
 * The wasm backend. Values and plans of a machine share one memory of at most 4 GiB.
 * @throws RequestError for threads that are no whole number from 1 to 64 and for relaxed SIMD before Node 22; WorkError
 *   where the kernels cannot be read or the system has no addresses for the memory.
 */
export async function createWasm({ threads: count, relaxed = false }: WasmOptions): Promise<WasmMachine> {
  if (!Number.isInteger(count) || count < 1 || count > maxThreads) {
    throw new RequestError(`threads: ${count}, expected a whole number from 1 to ${maxThreads}`);
  }
  const { module, hash } = await kernelModule(relaxed);
  const memory = createMemory();
  const instance = instantiate(module, memory.memory);
  const heap = createHeap(memory, instance.__heap_base.value);
  const threads = startThreads({ module, instance }, heap, count);
  const stores = new WeakSet<Store>();
  // What a run under way may still use is given back after it.
  const release = (block: Block<number>) => threads.whenIdle(() => heap.release(block));
  const place: Place = {
    heap: { ...heap, release },
    threads,
    count,
    createStore: () => {
      const store = createBlockStore<number, Block<number>>(place.heap);
      stores.add(store);
      return store;
    },
    own: (store) => {
      if (!stores.has(store)) throw new RangeError("a store runs on the machine that created it");
      return store as BlockStore<number>;
    },
    workspace: createWorkspace(heap, count),
  };
  return {
    name: relaxed ? "wasm-relaxed" : "wasm",
    threads: count,
    identity: [...(relaxed ? [processor().name] : []), `kernels ${hash.slice(0, 8)}`].join(", "),
    memoryLimit: heap.limit,
    createStore: place.createStore,
    load: (program) => loadProgram(program, place, (tape, words) => instance.fault(tape, words)),
    peakGflops: (milliseconds) => threads.peakGflops(milliseconds),
    dispose: () => threads.dispose(),
  };
}

function createWorkspace(heap: Heap, threads: number): Place["workspace"] {
  const grow = (block: Block<number> | undefined, bytes: number): Block<number> => {
    if (block !== undefined && block.bytes >= bytes) return block;
    if (block !== undefined) heap.release(block);
    return heap.allocateRaw(bytes);
  };
  let arena: Block<number> | undefined;
  let blocks: Block<number> | undefined;
  return (arenaBytes, blockBytes) => {
    arena = grow(arena, arenaBytes);
    blocks = grow(blocks, blockBytes * threads);
    return { arena: arena.address, blocks: blocks.address };
  };
}

function loadProgram(
  program: Program,
  { heap, threads, count, createStore, own, workspace }: Place,
  fault: (tape: number, words: number) => number,
): WasmExecutable {
  const plan = compile(program, tapeKernels);
  const encoded = encodePlan(plan, heap.realBytes, count);
  const { words } = encoded;
  const tape = heap.allocateRaw(words.byteLength);
  new Int32Array(tape.buffer, tape.byteOffset, words.length).set(words);
  const broken = fault(tape.address, words.length);
  if (broken !== 0) throw new RangeError(`a broken tape: word ${broken - 1} of ${words.length}`);
  const bindings = heap.allocate(4 * plan.bindings.length);
  const table = new Uint32Array(bindings.buffer, bindings.byteOffset, plan.bindings.length);
  const literals = createStore();
  const binding = planBinding(program, plan, literals);
  const localBytes = roundUp(encoded.localBytes);
  const blockBytes = localBytes + roundUp(encoded.scratchBytes);
  const order = (store: Store, nanoseconds: number): Order => {
    bindStore(binding, own(store), table);
    return {
      tape: tape.address,
      words: words.length,
      ...workspace(encoded.arenaBytes, blockBytes),
      localBytes,
      blockBytes,
      bindings: bindings.address,
      nanoseconds,
    };
  };
  return {
    plan,
    encoded,
    runSync: (store) => threads.runSync(() => order(store, 0)),
    run: (store) => threads.run(() => order(store, 0)),
    profile: (store, nanoseconds) => {
      const times = heap.allocate(8 * words.length);
      threads.runSync(() => order(store, times.address));
      new BigInt64Array(times.buffer, times.byteOffset, words.length).forEach((time, i) => {
        nanoseconds[i]! += time;
      });
      heap.release(times);
    },
    dispose: () => {
      for (const name of literals.names()) literals.release(name);
      heap.release(bindings);
      heap.release(tape);
    },
    needs: programNeeds(plan, encoded, count),
  };
}

// Threads do not write to each other's cache lines, nor to pairs of them that are fetched together.
function roundUp(bytes: number): number {
  return Math.ceil(bytes / 128) * 128;
}
