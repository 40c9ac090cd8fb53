// Fits a law to resamplings of its runs, on threads. Knows no particular law and nothing of intervals.

import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import type { Law, Observations } from "./law.ts";
import { type Resampling, resampled, type Weighting } from "./resample.ts";

/** What is resampled how often, from where each fit begins. */
export interface BootstrapOptions {
  readonly free: Float64Array;
  readonly weighting: Weighting;
  readonly count: number;
  readonly seed: number;
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
}

/** Fits between two looks at whether to stop. */
const FITS_A_TURN = 50;

/** The free coordinates of every resampling, the same with any number of threads. */
export async function bootstrap(
  law: Law,
  observations: Observations,
  { free, weighting, count, seed, threads, signal }: BootstrapOptions,
): Promise<Float64Array[]> {
  signal?.throwIfAborted();
  const part = (from: number, to: number): Resampling => ({
    ...{ law: law.name, observations, free, weighting, seed },
    from,
    to,
  });
  if (threads <= 1) {
    const found: Float64Array[] = [];
    for (let from = 0; from < count; from += FITS_A_TURN) {
      found.push(...resampled(part(from, Math.min(count, from + FITS_A_TURN)), law));
      await new Promise(setImmediate);
      signal?.throwIfAborted();
    }
    return found;
  }
  const shares = Array.from({ length: Math.min(threads, count) }, (_, i, all = Math.min(threads, count)) =>
    part(Math.floor((i * count) / all), Math.floor(((i + 1) * count) / all)),
  );
  const parts = await Promise.all(shares.map((share) => onThread(share, signal)));
  return parts.flat();
}

/** Sources that are not compiled, as in tests, are read by jiti: threads of Node 20 know no TypeScript. */
const begin = `
const { workerData } = require("node:worker_threads");
const { file, loader } = workerData;
if (loader === null) import(file);
else require(loader).createJiti(file).import(file);
`;

function onThread(resampling: Resampling, signal: AbortSignal | undefined): Promise<Float64Array[]> {
  const compiled = import.meta.url.endsWith(".js");
  const file = new URL(compiled ? "./bootstrapThread.js" : "./bootstrapThread.ts", import.meta.url).href;
  const loader = compiled ? null : createRequire(import.meta.url).resolve("jiti");
  const thread = new Worker(begin, { eval: true, execArgv: [], workerData: { file, loader, resampling } });
  const stop = () => void thread.terminate();
  signal?.addEventListener("abort", stop, { once: true });
  return new Promise<Float64Array[]>((resolve, reject) => {
    thread.once("message", resolve);
    thread.once("error", reject);
    thread.once("exit", () => reject(signal?.reason ?? new Error("a thread of the bootstrap ended early")));
  }).finally(() => signal?.removeEventListener("abort", stop));
}
