// Examines the machine: what there is, which backends work and how fast, what is wrong and what to do. Knows no command.
import { resolve } from "node:path";
import { maxThreads } from "../../backend/machine.ts";
import { cacheFolder } from "../../backend/native/cache.ts";
import { usableCores } from "../../cores.ts";
import { dataFolders } from "../../data/named/folders.ts";
import type { Environment } from "../../environment.ts";
import { RequestError, WorkError } from "../../errors.ts";
import { type BackendOpener, type BackendRequest, backendOpeners } from "./backends.ts";
import { inspectToolchain, type Toolchain } from "./compiler.ts";
import { type BackendFacts, type BackendName, type DataFacts, type Diagnosis, works } from "./diagnosis.ts";
import { findProblems } from "./problems.ts";
import { createSelfTest, type SelfTest } from "./selfTest.ts";
import { measureSpeed } from "./speed.ts";
import { dataSets, type FolderFacts, inspectFolder, inspectSystem, type SystemFacts } from "./system.ts";

/** How the machine is examined. */
export interface DoctorOptions {
  /** Threads of the backends, at most 64. Default: the usable cores. */
  readonly threads?: number | undefined;
  /** CC, PATH, SCANTLING_CACHE, SCANTLING_DATA, … Default: the process's. */
  readonly environment?: Environment | undefined;
  /** Abort: the test at work is finished, and the examination ends with what it has found. */
  readonly signal?: AbortSignal | undefined;
}

/** What the doctor tells while it looks; `end` comes last and has everything. */
export type DoctorEvent =
  | { readonly kind: "system"; readonly system: SystemFacts }
  | ({ readonly kind: "toolchain" } & Toolchain)
  | {
      readonly kind: "folders";
      readonly cache: FolderFacts;
      readonly work: FolderFacts;
      readonly data: DataFacts;
    }
  /** A backend is being opened; the native one may have to be compiled. */
  | { readonly kind: "opening"; readonly backend: BackendName }
  | { readonly kind: "selfTest"; readonly backend: BackendName; readonly test: SelfTest }
  | { readonly kind: "backend"; readonly backend: BackendFacts }
  | { readonly kind: "end"; readonly reason: "done" | "aborted"; readonly diagnosis: Diagnosis };

/**
 * Examines this machine: system, compiler, folders; then every backend, fastest first, with a self-test against
 * `reference` and measured speeds. Takes a few seconds, and up to a minute where kernels must be compiled. What does
 * not work is a finding, not an error. Errors: RequestError for an impossible number of threads.
 */
export async function* doctor(options: DoctorOptions = {}): AsyncGenerator<DoctorEvent, void, undefined> {
  const { environment = process.env, threads = Math.min(usableCores(), maxThreads), signal } = options;
  if (!Number.isInteger(threads) || threads < 1 || threads > maxThreads) {
    throw new RequestError(`doctor: ${threads} threads; expected a whole number from 1 to ${maxThreads}`);
  }
  const system = inspectSystem();
  yield { kind: "system", system };
  const toolchain = await inspectToolchain(environment);
  yield { kind: "toolchain", ...toolchain };
  const folders = {
    cache: inspectFolder(cacheFolder(environment)),
    work: inspectFolder("."),
    data: inspectData(environment),
  };
  yield { kind: "folders", ...folders };
  const backends: BackendFacts[] = [];
  const selfTest = createSelfTest();
  for (const opener of backendOpeners) {
    if (signal?.aborted) break;
    yield { kind: "opening", backend: opener.name };
    const facts = yield* examine(opener, { environment, threads }, selfTest, signal);
    backends.push(facts);
    yield { kind: "backend", backend: facts };
  }
  const facts = { system, ...toolchain, ...folders, backends };
  yield {
    kind: "end",
    reason: signal?.aborted ? "aborted" : "done",
    diagnosis: { ...facts, used: usedBackend(backends), problems: findProblems(facts) },
  };
}

async function* examine(
  { name, open }: BackendOpener,
  request: BackendRequest,
  selfTest: ReturnType<typeof createSelfTest>,
  signal: AbortSignal | undefined,
): AsyncGenerator<DoctorEvent, BackendFacts, undefined> {
  const unavailable = { name, available: false, threads: 0, warnings: [], selfTests: [], speed: null };
  let opened: Awaited<ReturnType<typeof open>>;
  try {
    opened = await open(request);
  } catch (error) {
    if (!(error instanceof RequestError || error instanceof WorkError)) throw error;
    return { ...unavailable, detail: error.message };
  }
  const { machine, detail, warnings } = opened;
  try {
    const selfTests: SelfTest[] = [];
    if (name !== "reference") {
      for await (const test of selfTest.run(machine, signal)) {
        selfTests.push(test);
        yield { kind: "selfTest", backend: name, test };
      }
    }
    const facts = { name, available: true, detail, threads: machine.threads, warnings, selfTests };
    const measured = name !== "reference" && works(facts);
    const speed = measured ? await measureSpeed(opened, signal) : null;
    return { ...facts, speed };
  } finally {
    machine.dispose();
  }
}

function usedBackend(backends: readonly BackendFacts[]): Diagnosis["used"] {
  const first = backends.find((backend) => works(backend) && backend.name !== "wasm-relaxed");
  if (first === undefined) return null;
  const { name, threads } = first;
  const before = backends.slice(0, backends.indexOf(first)).map((backend) => backend.name);
  const why = before.length === 0 ? "the fastest, and it works" : `${before.join(" and ")} cannot be used`;
  return { backend: name, threads, why };
}

function inspectData(environment: Environment): DataFacts {
  const folders = dataFolders(environment).map((folder) => {
    const path = resolve(folder);
    return { path, sets: dataSets(path) };
  });
  const named = environment.SCANTLING_DATA ? folders[0]!.path : undefined;
  const trouble =
    named === undefined || folders[0]!.sets !== null
      ? null
      : `SCANTLING_DATA names ${named}, which is not a folder that can be read: correct it or unset it`;
  return { folders: folders.map(({ path, sets }) => ({ path, sets: sets ?? [] })), trouble };
}
