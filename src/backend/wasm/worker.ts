// What a thread of a wasm machine runs. A string, so that the same code starts from TypeScript sources, from the compiled
// package and from a bundle. Knows the exports of src/kernels/wasm/runtime.c.
import type { CompiledModule, SharedMemory } from "./webAssembly.ts";

export interface WorkerData {
  readonly module: CompiledModule;
  readonly memory: SharedMemory;
  /** Where the thread's stack begins; it grows downwards. */
  readonly stack: number;
  /** 1, 2, …: takes part in every run. 0: the conductor, which starts the runs that it is told to. */
  readonly thread: number;
  /** Byte offset of two int32: runs that the conductor is asked for, runs that it has done. */
  readonly control: number;
  readonly order: number;
}

export const workerSource = `"use strict";
const { parentPort, workerData } = require("node:worker_threads");
const { module, memory, stack, thread, control, order } = workerData;
const { exports } = new WebAssembly.Instance(module, {
  env: { memory },
  host: { now: () => performance.now() },
});
exports.__stack_pointer.value = stack;
const conduct = () => {
  const asked = new Int32Array(memory.buffer, control, 2);
  for (let done = Atomics.load(asked, 1); ; ) {
    while (Atomics.load(asked, 0) === done) Atomics.wait(asked, 0, done);
    try {
      exports.run(order);
    } finally {
      Atomics.store(asked, 1, ++done);
      Atomics.notify(asked, 1);
    }
    parentPort.postMessage(done);
  }
};
try {
  if (thread === 0) conduct();
  else exports.work(thread);
} catch (error) {
  exports.abandon();
  throw error;
}
`;
