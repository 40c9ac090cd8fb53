// What the doctor finds, as plain data. Knows not how it is found.
import type { Machine } from "../../backend/machine.ts";
import type { CompilerFacts, VectorFacts } from "./compiler.ts";
import type { SelfTest } from "./selfTest.ts";
import type { SpeedFacts } from "./speed.ts";
import type { FolderFacts, SystemFacts } from "./system.ts";

/** Names of the backends. */
export type BackendName = Machine["name"];

/** Whether a backend can be used, whether it computes what it should, and how fast. */
export interface BackendFacts {
  readonly name: BackendName;
  /** Whether it could be opened. */
  readonly available: boolean;
  /** How it was opened (compiled, from the cache, …), or in one line why it could not be. */
  readonly detail: string;
  readonly threads: number;
  /** What it said while it was opened, one line each. */
  readonly warnings: readonly string[];
  readonly selfTests: readonly SelfTest[];
  /** Null for a backend that is not built for speed or does not work. */
  readonly speed: SpeedFacts | null;
}

/** Where data sets with a name are looked for. */
export interface DataFacts {
  /** In order: the folder that SCANTLING_DATA names, where it does, and that of fetched data sets. */
  readonly folders: readonly DataFolderFacts[];
  /** Why the folder that SCANTLING_DATA names cannot be used; null where it can, or none is named. */
  readonly trouble: string | null;
}

/** A folder of data sets. */
export interface DataFolderFacts {
  /** Absolute. */
  readonly path: string;
  /** Names of the folders in it; empty where it does not exist. */
  readonly sets: readonly string[];
}

/** Something that is wrong with the machine. */
export interface Problem {
  /** Whether work is impossible or useless until it is mended. */
  readonly stops: boolean;
  /** What is wrong, and what to do about it. */
  readonly line: string;
}

/** Everything found, and what follows from it. */
export interface Diagnosis {
  readonly system: SystemFacts;
  readonly compiler: CompilerFacts;
  readonly vectors: VectorFacts;
  /** Where compiled kernels are kept. */
  readonly cache: FolderFacts;
  /** The current folder, where runs are kept. */
  readonly work: FolderFacts;
  readonly data: DataFacts;
  readonly backends: readonly BackendFacts[];
  /** The backend that commands use unless told otherwise, and why; null where not even the reference was reached. */
  readonly used: { readonly backend: BackendName; readonly threads: number; readonly why: string } | null;
  readonly problems: readonly Problem[];
}

/** Whether a backend could be opened and passed every test. */
export function works({ available, selfTests }: Pick<BackendFacts, "available" | "selfTests">): boolean {
  return available && selfTests.every(({ passed }) => passed);
}
