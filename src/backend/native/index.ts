// The native backend: plans encoded to tapes, run by the compiled kernels on values in C memory.
import { compile } from "../../compiler/compile.ts";
import type { Kernels, Plan } from "../../compiler/plan.ts";
import type { Program } from "../../tensor/program.ts";
import { bindStore, planBinding } from "../binding.ts";
import type { Executable, Machine, Store } from "../machine.ts";
import { tapeKernels } from "../tape/capabilities.ts";
import { type EncodedPlan, encodePlan } from "../tape/encode.ts";
import { programNeeds } from "../tape/needs.ts";
import type { BuildOptions } from "./build.ts";
import { type NativeLibrary, nativeLibrary, type Runtime } from "./library.ts";
import { createNativeStore, type NativeStore } from "./store.ts";

/** How the native backend is opened. */
export interface NativeOptions extends Omit<BuildOptions, "sources"> {
  /** Threads of every run; results do not depend on it. Default: the machine's cores. */
  readonly threads: number;
}

/** A plan with its tape, for `--explain`, profiles and recordings. */
export interface NativeExecutable extends Executable {
  readonly plan: Plan;
  readonly encoded: EncodedPlan;
}

/** A machine that runs compiled kernels. */
export interface NativeMachine extends Machine {
  readonly library: NativeLibrary;
  load(program: Program): NativeExecutable;
}

/**
 * The native backend on this machine's own C compiler.
 * @throws RequestError, WorkError where kernels cannot be built (see buildLibrary).
 */
export async function createNative(options: NativeOptions): Promise<NativeMachine> {
  const { threads, ...build } = options;
  const library = await nativeLibrary(build);
  const runtime = library.createRuntime();
  return {
    name: "native",
    threads,
    identity: library.identity,
    library,
    createStore: () => createNativeStore(library),
    load: (program) => loadProgram(program, library, runtime, threads, tapeKernels),
    dispose: () => runtime.dispose(),
  };
}

function loadProgram(
  program: Program,
  library: NativeLibrary,
  runtime: Runtime,
  threads: number,
  kernels: Kernels,
): NativeExecutable {
  const plan = compile(program, kernels);
  const encoded = encodePlan(plan, library.realBytes, threads);
  const tape = library.loadTape({
    tape: encoded.words,
    bindings: plan.bindings.length,
    arenaBytes: encoded.arenaBytes,
    localBytes: encoded.localBytes,
    scratchBytes: encoded.scratchBytes,
  });
  const binding = planBinding(program, plan, createNativeStore(library)); // literals live as long as the tape
  const bind = (store: Store): void => bindStore(binding, store as NativeStore, tape.bindings);
  return {
    plan,
    encoded,
    runSync: (store) => {
      bind(store);
      runtime.runSync(tape, threads);
    },
    run: async (store) => {
      bind(store);
      await runtime.run(tape, threads);
    },
    dispose: () => library.releaseTape(tape),
    needs: programNeeds(plan, encoded, threads),
  };
}
