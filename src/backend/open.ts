// Chooses and opens a backend. Knows their names and how they are asked for; knows no command.
import { usableCores } from "../cores.ts";
import type { Environment } from "../environment.ts";
import { RequestError, WorkError } from "../errors.ts";
import { type Machine, maxThreads } from "./machine.ts";

/** Names of the backends that can be asked for. */
export const backendChoices = ["native", "wasm", "reference"] as const;
/** One of `backendChoices`. */
export type BackendChoice = (typeof backendChoices)[number];

/** Which backend to open, and how. */
export interface OpenOptions {
  /**
   * native: kernels that this machine's C compiler makes; wasm: prebuilt ones; reference: float64, exact and slow. Default:
   * native, or wasm where no native kernels can be had, which `warn` is told.
   */
  readonly backend?: BackendChoice | undefined;
  /** A whole number from 1 to 64; results do not depend on it. Default: one a usable core; the reference has one. */
  readonly threads?: number | undefined;
  /** Asks for the wasm backend with fused multiply-adds: see WasmOptions.relaxed. Default: false. */
  readonly relaxedSimd?: boolean | undefined;
  /** CC, PATH, SCANTLING_CACHE, XDG_CACHE_HOME, HOME. Default: the process's. */
  readonly environment?: Environment;
  /** Called when the native kernels are being compiled: it takes seconds, once. */
  readonly compiling?: () => void;
  /** Told, in one line each, what the caller should know. Default: standard error. */
  readonly warn?: (line: string) => void;
}

/** A machine and how fast its arithmetic can possibly be. */
export interface OpenMachine {
  readonly machine: Machine;
  /** Measured: most GFLOP/s of multiply-adds on all threads; null for a backend that is not built for speed. */
  readonly peakGflops: () => number | null;
}

// The best of a few tries: what else the machine does can only make it look slower. All together not to be noticed.
const peakTries = 6;
const peakMilliseconds = 10;

/**
 * A machine by the name of its backend.
 * @throws RequestError for more threads than a backend has, for choices that do not go together and for relaxed SIMD before
 *   Node 22; WorkError where the backend that was asked for cannot be used.
 */
export async function openMachine(options: OpenOptions = {}): Promise<OpenMachine> {
  const { backend, relaxedSimd = false } = options;
  if (relaxedSimd && backend !== undefined && backend !== "wasm") {
    throw new RequestError(
      `--relaxed-simd is of the wasm backend, not of ${backend}: leave it or --backend out`,
    );
  }
  if (relaxedSimd || backend === "wasm") return openWasm(options);
  if (backend === "reference") return openReference(options);
  if (backend === "native") return openNative(options);
  threadsOf(options, "native"); // what is wrong with the request is wrong with any backend
  try {
    return await openNative(options);
  } catch (error) {
    if (!(error instanceof RequestError || error instanceof WorkError)) throw error;
    const opened = await openWasm(options);
    const why = error.message.replace(/,? or use --backend wasm/, "");
    warner(options)(`using the wasm backend, which takes 2 to 3 times as long as the native one: ${why}`);
    return opened;
  }
}

async function openNative(options: OpenOptions): Promise<OpenMachine> {
  const threads = threadsOf(options, "native");
  const { compiling, environment } = options;
  const { createNative } = await loadNative();
  const machine = await createNative({
    threads,
    warn: warner(options),
    ...(environment && { environment }),
    ...(compiling && { compiling }),
  });
  return { machine, peakGflops: () => best(() => machine.library.peakGflops(threads, peakMilliseconds)) };
}

// The interface to C code is itself a part that is not made for every system.
async function loadNative() {
  try {
    return await import("./native/index.ts");
  } catch (error) {
    const said = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new WorkError(`the native backend cannot be loaded (${said}): use --backend wasm`);
  }
}

async function openWasm(options: OpenOptions): Promise<OpenMachine> {
  const threads = threadsOf(options, "wasm");
  const { createWasm } = await import("./wasm/index.ts");
  const machine = await createWasm({ threads, relaxed: options.relaxedSimd ?? false });
  return { machine, peakGflops: () => best(() => machine.peakGflops(peakMilliseconds)) };
}

async function openReference({ threads }: OpenOptions): Promise<OpenMachine> {
  if (threads !== undefined && threads > 1) {
    throw new RequestError(`--threads ${threads}: the reference backend has one thread; leave --threads out`);
  }
  const { createReference } = await import("./reference.ts");
  return { machine: createReference(), peakGflops: () => null };
}

function threadsOf({ threads }: OpenOptions, backend: BackendChoice): number {
  if (threads === undefined) return Math.min(usableCores(), maxThreads);
  if (threads <= maxThreads) return threads;
  throw new RequestError(
    `--threads ${threads}: the ${backend} backend has at most ${maxThreads}; ask for fewer`,
  );
}

function warner({ warn }: OpenOptions): (line: string) => void {
  return warn ?? ((line) => void process.stderr.write(`scantling: ${line}\n`));
}

function best(measure: () => number): number {
  return Math.max(...Array.from({ length: peakTries }, measure));
}
