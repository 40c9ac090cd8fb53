// The threads of a wasm machine and whose turn it is: runs on the calling thread, or on a conductor of their own with the
// event loop free. Knows the orders of src/kernels/wasm/runtime.c; knows neither plans nor stores.
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { WorkError } from "../../errors.ts";
import type { Heap } from "./memory.ts";
import type { Kernels } from "./module.ts";
import { type WorkerData, workerSource } from "./worker.ts";

/** What to run: addresses, and sizes in bytes but for `words` of the tape. */
export interface Order {
  readonly tape: number;
  readonly words: number;
  readonly arena: number;
  /** The threads' own memory, `blockBytes` each: LOCAL operands, then scratch. */
  readonly blocks: number;
  readonly localBytes: number;
  readonly blockBytes: number;
  readonly bindings: number;
  /** An int64 for each word of the tape, added to (see src/kernels/runtime.h); 0: no times are taken. */
  readonly nanoseconds: number;
}

/** Runs wait for each other; `prepare` says what to run, once nothing else runs. */
export interface Threads {
  /** @throws what `prepare` throws; WorkError when the kernels failed; RangeError after `dispose`. */
  runSync(prepare: () => Order): void;
  /** The same on another thread, with the event loop free. */
  run(prepare: () => Order): Promise<void>;
  /** Calls back when nothing is under way: at once, or after the run that is. */
  whenIdle(callback: () => void): void;
  /** Most GFLOP/s of multiply-adds that all threads reach in `milliseconds` of trying. */
  peakGflops(milliseconds: number): number;
  /** Ends the threads, once the runs that were asked for are done. */
  dispose(): void;
}

interface Waiting {
  readonly prepare: () => Order;
  readonly done: () => void;
  readonly failed: (reason: unknown) => void;
}

const stackBytes = 512 * 1024; // kernels take at most half of it (kernels.h)
const orderWords = 10;
const spinMicroseconds = 40;
const crowdedSpinMicroseconds = 2;

/** Starts `threads - 1` workers, which take part in runs as soon as they are there. */
export function startThreads(
  { module, instance }: Kernels,
  { memory, allocate, allocateRaw }: Heap,
  threads: number,
): Threads {
  const control = new Int32Array(memory.buffer, allocate(8).byteOffset, 2); // runs asked of the conductor; done by it
  const order = new Int32Array(memory.buffer, allocate(4 * orderWords).byteOffset, orderWords);
  const spin = threads > availableParallelism() ? crowdedSpinMicroseconds : spinMicroseconds;
  const workers: Worker[] = [];
  const queue: Waiting[] = [];
  let idlers: (() => void)[] = [];
  let conductor: Worker | undefined;
  let online = false;
  let current: Waiting | undefined; // what the conductor has been given, until its message comes
  let disposed = false;

  const start = (thread: number, failed: (reason: Error) => void): Worker => {
    const workerData: WorkerData = {
      module,
      memory,
      stack: allocateRaw(stackBytes).address + stackBytes,
      thread,
      control: control.byteOffset,
      order: order.byteOffset,
    };
    const worker = new Worker(workerSource, { eval: true, workerData, execArgv: [], name: "scantling" });
    worker.on("error", failed);
    worker.unref();
    workers.push(worker);
    return worker;
  };
  const underWay = (): boolean => Atomics.load(control, 0) !== Atomics.load(control, 1);
  const becomeIdle = (): void => {
    const callbacks = idlers;
    idlers = [];
    for (const callback of callbacks) callback();
  };
  /** Blocks until the conductor has nothing to do. */
  const settle = (): void => {
    if (disposed) throw new RangeError("a run on a machine that is disposed of");
    const asked = Atomics.load(control, 0);
    for (let done = Atomics.load(control, 1); done !== asked; done = Atomics.load(control, 1)) {
      Atomics.wait(control, 1, done);
    }
    becomeIdle();
  };
  const write = (o: Order | undefined, probeMilliseconds: number): void => {
    order.set(o === undefined ? [0, 0, 0, 0, 0, 0, 0, 0] : orderWordsOf(o));
    order.set([spin, probeMilliseconds], orderWords - 2);
  };
  const runHere = (): void => {
    try {
      instance.run(order.byteOffset);
    } catch (error) {
      instance.abandon();
      throw failure(error);
    }
  };
  const runNext = (): void => {
    while (online && current === undefined) {
      const waiting = queue.shift();
      if (waiting === undefined) break;
      try {
        write(waiting.prepare(), 0);
      } catch (error) {
        waiting.failed(error);
        continue;
      }
      current = waiting;
      Atomics.add(control, 0, 1);
      Atomics.notify(control, 0);
    }
    if (current !== undefined || queue.length > 0) conductor?.ref();
    else conductor?.unref();
    if (disposed && current === undefined && queue.length === 0) end();
  };
  const finish = (reason?: Error): void => {
    const finished = current;
    current = undefined;
    if (!underWay()) becomeIdle();
    if (reason === undefined) finished?.done();
    else finished?.failed(reason);
    runNext();
  };
  const startConductor = (): Worker => {
    const worker = start(0, (error) => {
      const reason = failure(error);
      for (const { failed } of queue.splice(0)) failed(reason);
      conductor = undefined;
      online = false;
      finish(reason);
    });
    worker.on("message", () => finish());
    worker.on("online", () => {
      online = true;
      runNext();
    });
    return worker;
  };
  const end = (): void => {
    for (const worker of workers.splice(0)) void worker.terminate();
  };

  // One that the system refuses is missed in speed only; one that fails later has left its part of a run undone.
  const ignoreRefusal = (error: Error & { code?: string }): void => {
    if (error.code !== "ERR_WORKER_INIT_FAILED") instance.abandon();
  };
  for (let thread = 1; thread < threads; thread++) start(thread, ignoreRefusal);

  return {
    runSync: (prepare) => {
      settle();
      write(prepare(), 0);
      runHere();
    },
    run: (prepare) =>
      new Promise((done, failed) => {
        if (disposed) throw new RangeError("a run on a machine that is disposed of");
        queue.push({ prepare, done, failed });
        conductor ??= startConductor();
        runNext();
      }),
    whenIdle: (callback) => {
      if (underWay()) idlers.push(callback);
      else callback();
    },
    peakGflops: (milliseconds) => {
      settle();
      write(undefined, milliseconds);
      runHere();
      return instance.gflops();
    },
    dispose: () => {
      if (disposed) return;
      disposed = true;
      runNext();
    },
  };
}

function orderWordsOf(o: Order): number[] {
  return [o.tape, o.words, o.arena, o.blocks, o.localBytes, o.blockBytes, o.bindings, o.nanoseconds];
}

function failure(error: unknown): WorkError {
  const said = error instanceof Error ? error.message : String(error);
  return new WorkError(`a thread of the wasm backend failed (${said}): run again, or use --backend native`);
}
