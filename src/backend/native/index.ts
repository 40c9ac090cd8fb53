// The native backend: plans encoded to tapes, run by the compiled kernels on values in C memory.
import { compile } from "../../compiler/compile.ts";
import type { Kernels, Plan } from "../../compiler/plan.ts";
import { type Program, programInputs, programResults } from "../../tensor/program.ts";
import { sameShape, type TensorType } from "../../tensor/tensor.ts";
import type { Executable, Machine, Store } from "../machine.ts";
import { tapeKernels } from "../tape/capabilities.ts";
import { type EncodedPlan, encodePlan } from "../tape/encode.ts";
import type { BuildOptions } from "./build.ts";
import { type LoadedTape, type NativeLibrary, nativeLibrary, type Runtime } from "./library.ts";
import { createNativeStore, type NativeStore } from "./store.ts";

export interface NativeOptions extends Omit<BuildOptions, "sources"> {
  /** Threads of every run; results do not depend on it. Default: the machine's cores. */
  readonly threads: number;
}

/** A plan with its tape, for `--explain`, profiles and recordings. */
export interface NativeExecutable extends Executable {
  readonly plan: Plan;
  readonly encoded: EncodedPlan;
}

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
  const literals = loadLiterals(plan, library);
  const inputs = programInputs(program);
  const results = resultTypes(program);
  const bind = (store: Store): void =>
    bindStore({ plan, tape, literals, inputs, results }, store as NativeStore);
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
  };
}

function resultTypes(program: Program): Map<string, TensorType> {
  const names = [...Object.keys(program.outputs), ...Object.keys(program.updates)];
  return new Map(programResults(program).map((tensor, i) => [names[i]!, tensor]));
}

/** Literals live as long as the tape. */
function loadLiterals(plan: Plan, library: NativeLibrary): NativeStore {
  const store = createNativeStore(library);
  for (const { name, literal, dtype, elements } of plan.bindings) {
    if (literal === undefined || name === undefined) continue;
    store.allocate(name, { shape: [elements], dtype });
    store.write(name, literal);
  }
  return store;
}

interface Binding {
  readonly plan: Plan;
  readonly tape: LoadedTape;
  readonly literals: NativeStore;
  readonly inputs: ReadonlyMap<string, TensorType>;
  readonly results: ReadonlyMap<string, TensorType>;
}

function bindStore({ plan, tape, literals, inputs, results }: Binding, store: NativeStore): void {
  for (const [name, expected] of inputs) {
    const type = store.type(name);
    if (type === undefined || type.dtype !== expected.dtype || !sameShape(type.shape, expected.shape)) {
      const found = type === undefined ? "none" : `${type.dtype} [${type.shape}]`;
      throw new RangeError(
        `input "${name}": expected ${expected.dtype} [${expected.shape}], the store has ${found}`,
      );
    }
  }
  for (const [name, type] of results) store.allocate(name, type);
  plan.bindings.forEach(({ name, literal }, i) => {
    tape.bindings[i] = (literal === undefined ? store : literals).address(name!);
  });
}
