// The prebuilt kernels as WebAssembly modules. Knows files and what this Node can run; knows no tape.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { RequestError, WorkError } from "../../errors.ts";
import { type CompiledModule, type SharedMemory, webAssembly } from "./webAssembly.ts";

/** What an instance exports (src/kernels/wasm/runtime.c); addresses are numbers. */
export interface KernelInstance {
  /** Where memory begins that the kernels do not use by themselves. */
  readonly __heap_base: { readonly value: number };
  fault(tape: number, words: number): number;
  run(order: number): void;
  abandon(): void;
  gflops(): number;
}

export interface Kernels {
  readonly module: CompiledModule;
  /** The calling thread's. */
  readonly instance: KernelInstance;
}

// The smallest module with an instruction of relaxed SIMD: (func (result v128) three constants, f32x4.relaxed_madd).
const relaxedProbe = Uint8Array.from([
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0],
  ...[65, 0, 253, 17, 65, 0, 253, 17, 65, 0, 253, 17, 253, 133, 2, 11],
]);

/** Whether this Node has relaxed SIMD (22 and later do). */
export function hasRelaxedSimd(): boolean {
  return webAssembly.validate(relaxedProbe);
}

export interface KernelModule {
  readonly module: CompiledModule;
  /** Of the file; results depend on it. */
  readonly hash: string;
}

const compiled = new Map<boolean, Promise<KernelModule>>();

/**
 * The kernels; compiled once a process.
 * @throws RequestError where this Node has no relaxed SIMD and it was asked for; WorkError where the file is not there.
 */
export function kernelModule(relaxed: boolean): Promise<KernelModule> {
  if (relaxed && !hasRelaxedSimd()) {
    throw new RequestError(
      `--relaxed-simd needs Node 22 or later, this is ${process.version}: leave it out or use a newer Node`,
    );
  }
  let module = compiled.get(relaxed);
  if (module === undefined) {
    module = compileModule(relaxed);
    compiled.set(relaxed, module);
    module.catch(() => compiled.delete(relaxed));
  }
  return module;
}

async function compileModule(relaxed: boolean): Promise<KernelModule> {
  const place = relaxed
    ? new URL("../../kernels/wasm/kernels-relaxed.wasm", import.meta.url)
    : new URL("../../kernels/wasm/kernels.wasm", import.meta.url);
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = new Uint8Array(await readFile(place));
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new WorkError(`the wasm backend's kernels cannot be read (${said}): install the package again`);
  }
  const hash = createHash("sha256").update(bytes).digest("hex");
  return { module: await webAssembly.compile(bytes), hash };
}

/** The calling thread's instance on a memory. */
export function instantiate(module: CompiledModule, memory: SharedMemory): KernelInstance {
  const instance = new webAssembly.Instance(module, {
    env: { memory },
    host: { now: () => performance.now() },
  });
  return instance.exports as unknown as KernelInstance;
}
