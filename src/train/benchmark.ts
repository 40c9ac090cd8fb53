// Times programs and training steps. Knows how to measure; what is measured comes from the benchmark files beside it.

import { performance } from "node:perf_hooks";
import type { Machine } from "../backend/machine.ts";
import { createRandom } from "../data/random.ts";
import { multiply } from "../tensor/ops/elementwise.ts";
import { input } from "../tensor/ops/leaf.ts";
import { type Program, program, programInputs, programResults } from "../tensor/program.ts";
import { sizeOf } from "../tensor/tensor.ts";
import type { OperationCase } from "./benchmarkOperations.ts";

/** What the first runs pay for (page faults, caches, clock) is not what lasts. */
export const warmUps = 2;

/** How long one operation took, and how fast that is. */
export interface OperationTiming {
  readonly name: string;
  /** Median of the timed runs. */
  readonly ms: number;
  /** 1e9 floating-point operations a second, where the case counts them. */
  readonly gflops?: number;
  /** 1e9 bytes of inputs and outputs a second, each counted once, where it does not. */
  readonly gigabytesPerSecond?: number;
}

/** Runs one case `repeats` times after the warm-ups. Inputs are uniform in their ranges and a function of `seed`. */
export function timeOperation(
  machine: Machine,
  operation: OperationCase,
  repeats: number,
  seed: number,
): OperationTiming {
  const program = operation.program();
  const ms = median(timeProgram(machine, program, operation.ranges ?? {}, repeats, seed));
  if (operation.flops !== undefined) return { name: operation.name, ms, gflops: operation.flops / ms / 1e6 };
  return { name: operation.name, ms, gigabytesPerSecond: trafficBytes(program) / ms / 1e6 };
}

const copyElements = 2 ** 24;

/** Bytes a second, in 1e9, read and written when an array larger than the caches is scaled: best of five. */
export function copyGigabytesPerSecond(machine: Machine, seed: number): number {
  const scaling = program({ result: multiply(input("x", [copyElements]), 2) });
  return trafficBytes(scaling) / Math.min(...timeProgram(machine, scaling, {}, 5, seed)) / 1e6;
}

/** Milliseconds of each run after the warm-ups. */
function timeProgram(
  machine: Machine,
  program: Program,
  ranges: Readonly<Record<string, readonly [number, number]>>,
  repeats: number,
  seed: number,
): number[] {
  const executable = machine.load(program);
  const store = machine.createStore();
  let stream = 0;
  for (const [name, type] of programInputs(program)) {
    store.allocate(name, type);
    const [low, high] = ranges[name] ?? [0, 1];
    store.write(name, randomValues(sizeOf(type.shape), low, high, seed, stream++));
  }
  const times: number[] = [];
  for (let run = 0; run < warmUps + repeats; run++) {
    const start = performance.now();
    executable.runSync(store);
    times.push(performance.now() - start);
  }
  executable.dispose();
  for (const name of store.names()) store.release(name);
  return times.slice(warmUps);
}

// Drawing millions of numbers would take longer than the measurement; no operation minds that they repeat.
const period = 2 ** 16;

/** Uniform values of stream `stream`, a function of `seed`; they repeat after 65,536. */
export function randomValues(
  size: number,
  low: number,
  high: number,
  seed: number,
  stream: number,
): Float32Array {
  const random = createRandom(seed, stream);
  const values = new Float32Array(size);
  const drawn = Math.min(size, period);
  for (let i = 0; i < drawn; i++) values[i] = low + (high - low) * random.uniform(i);
  for (let at = drawn; at < size; at += period) values.copyWithin(at, 0, Math.min(period, size - at));
  return values;
}

/** Bytes of everything that enters or leaves a program, four an element. */
function trafficBytes(program: Program): number {
  const elements = [...programInputs(program).values(), ...programResults(program)].map(({ shape }) =>
    sizeOf(shape),
  );
  return 4 * elements.reduce((total, size) => total + size, 0);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
