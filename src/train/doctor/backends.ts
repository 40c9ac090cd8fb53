// Opens every backend for the doctor, or says why one cannot be opened. Judges nothing.
import { cacheFolder } from "../../backend/native/cache.ts";
import { findCompiler } from "../../backend/native/compiler.ts";
import { type OpenMachine, openMachine } from "../../backend/open.ts";
import type { Environment } from "../../environment.ts";
import type { BackendName } from "./diagnosis.ts";

export interface BackendRequest {
  readonly environment: Environment;
  readonly threads: number;
}

/** An opened backend, how that went, and what it said. */
export interface OpenBackend extends OpenMachine {
  readonly detail: string;
  readonly warnings: readonly string[];
}

/** One backend by name; `open` throws RequestError or WorkError, in one line, where it cannot be used. */
export interface BackendOpener {
  readonly name: BackendName;
  open(request: BackendRequest): Promise<OpenBackend>;
}

/** In the order in which commands try them; `wasm-relaxed` is used only where it is asked for. */
export const backendOpeners: readonly BackendOpener[] = [
  { name: "native", open: openNative },
  {
    name: "wasm",
    open: ({ threads }) => opened(openMachine({ backend: "wasm", threads }), "prebuilt kernels"),
  },
  {
    name: "wasm-relaxed",
    open: ({ threads }) =>
      opened(
        openMachine({ backend: "wasm", relaxedSimd: true, threads }),
        "prebuilt kernels, last bits differ between processors",
      ),
  },
  { name: "reference", open: () => opened(openMachine({ backend: "reference" }), "float64, slow") },
];

async function opened(opening: Promise<OpenMachine>, detail: string): Promise<OpenBackend> {
  return { ...(await opening), detail, warnings: [] };
}

async function openNative({ environment, threads }: BackendRequest): Promise<OpenBackend> {
  // A process that has loaded the kernels before would not look for a compiler again.
  await findCompiler(environment, cacheFolder(environment));
  const warnings: string[] = [];
  let compiled = false;
  const start = performance.now();
  const open = await openMachine({
    ...{ backend: "native", threads, environment },
    compiling: () => {
      compiled = true;
    },
    warn: (line) => void warnings.push(line),
  });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  return {
    ...open,
    warnings,
    detail: compiled ? `kernels compiled in ${seconds} s` : "kernels from the cache",
  };
}
