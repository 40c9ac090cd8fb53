// Compiles the kernels on first use and finds them afterwards. Knows files and processes; never loads what it builds.
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Environment } from "../../environment.ts";
import { WorkError } from "../../errors.ts";
import { processor } from "../../processor.ts";
import { cacheFolder, findStored, openBuildFolder, storeLibrary } from "./cache.ts";
import { type Compiler, compileFlags, findCompiler, firstLine, linkFlags, runCompiler } from "./compiler.ts";

export interface BuildOptions {
  /** Kernels in double precision. Default: float. */
  readonly double?: boolean;
  /** Folder of C sources. Default: the kernels of this package. */
  readonly sources?: string;
  /** CC, PATH, SCANTLING_CACHE, XDG_CACHE_HOME, HOME. Default: the process's. */
  readonly environment?: Environment;
  /** Called when compiling begins: it takes seconds, once. */
  readonly compiling?: () => void;
  /** Called with one line when the cache cannot be used. Default: writes it to standard error. */
  readonly warn?: (line: string) => void;
}

export interface BuiltLibrary {
  readonly path: string;
  /** Processor, compiler and kernels, on which the bits of results depend. */
  readonly identity: string;
  /** To be removed once the library is loaded: there is no cache to keep it in. */
  readonly temporaryFolder?: string;
}

/** The kernels' sources: beside this folder in a checkout (src/kernels) and in the package (dist/kernels). */
export const kernelSources: string = fileURLToPath(new URL("../../kernels/", import.meta.url));

const programs = new Set(["replay.c"]); // has a main() of its own

/**
 * The path of a compiled library: the stored one, or a new one. Several processes may build at once; a stored library that
 * is damaged is built again; a cache that cannot be written is replaced by a temporary folder, with one line of warning.
 * @throws RequestError when CC names no program, WorkError when there is no working compiler or no room anywhere.
 */
export async function buildLibrary(options: BuildOptions = {}): Promise<BuiltLibrary> {
  const environment = options.environment ?? process.env;
  if (process.platform === "win32") {
    throw new WorkError("the native backend runs on Linux and macOS: use WSL, or use --backend wasm");
  }
  const folder = cacheFolder(environment);
  const compiler = await findCompiler(environment, folder);
  const sources = options.sources ?? kernelSources;
  const flags = compileFlags(options.double ?? false);
  const key = libraryKey(sources, compiler, flags);
  const stored = findStored(folder, key);
  const identity = [processor().name, compiler.version, `kernels ${key.slice(0, 8)}`].join(", ");
  if (stored !== undefined) return { path: stored, identity };
  options.compiling?.();
  try {
    const path = await buildIn(openBuildFolder(folder), folder, key, sources, compiler, flags);
    return { path, identity };
  } catch (error) {
    const reason = storageTrouble(error);
    if (reason === undefined) throw error;
    const warn = options.warn ?? ((line: string) => void process.stderr.write(`scantling: ${line}\n`));
    warn(
      `cannot keep compiled kernels in ${folder} (${reason}): compiling them for this process alone; ` +
        "free the folder or set SCANTLING_CACHE to another one",
    );
  }
  return { ...(await buildAside(key, sources, compiler, flags)), identity };
}

// Builds in the system's folder for temporary files.
async function buildAside(
  key: string,
  sources: string,
  compiler: Compiler,
  flags: readonly string[],
): Promise<Omit<BuiltLibrary, "identity">> {
  let temporaryFolder: string | undefined;
  try {
    temporaryFolder = mkdtempSync(join(tmpdir(), "scantling-"));
    const inner = mkdtempSync(join(temporaryFolder, "building-"));
    return { path: await buildIn(inner, temporaryFolder, key, sources, compiler, flags), temporaryFolder };
  } catch (error) {
    if (temporaryFolder !== undefined) rmSync(temporaryFolder, { recursive: true, force: true });
    const reason = storageTrouble(error);
    if (reason === undefined) throw error;
    throw new WorkError(
      `no room to compile the kernels in ${tmpdir()} (${reason}): free some space, or set SCANTLING_CACHE or TMPDIR to a writable folder`,
    );
  }
}

// Compiles every source into an object of its own, as many at a time as there are cores, the longest first; links them;
// moves the library to its place.
async function buildIn(
  place: string,
  folder: string,
  key: string,
  sources: string,
  compiler: Compiler,
  flags: readonly string[],
): Promise<string> {
  try {
    const waiting = sourceFiles(sources)
      .filter((name) => name.endsWith(".c"))
      .sort((a, b) => statSync(join(sources, b)).size - statSync(join(sources, a)).size);
    const objects = waiting.map((name) => join(place, `${name}.o`));
    const compileNext = async (): Promise<void> => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        await compile(compiler, [...flags, "-c", join(sources, name), "-o", join(place, `${name}.o`)]).catch(
          (error) => {
            waiting.length = 0; // one broken file is enough
            throw error;
          },
        );
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, compileNext));
    const library = join(place, "library");
    await compile(compiler, [...objects, ...linkFlags(), "-o", library]);
    return storeLibrary(folder, key, library);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

async function compile(compiler: Compiler, args: readonly string[]): Promise<void> {
  const { ok, stderr } = await runCompiler(compiler, args);
  if (ok) return;
  throw new WorkError(
    `compiling the kernels with ${compiler.program} failed (${firstLine(stderr)}): set CC to another C compiler (gcc 9 or clang 11, or later) or use --backend wasm`,
  );
}

/** What an error says about a folder that is full or not writable; undefined if it is about something else. */
function storageTrouble(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const said = /No space left on device|Disk quota exceeded|Read-only file system|Permission denied/.exec(
    error.message,
  );
  if (said !== null) return said[0];
  return "syscall" in error && "code" in error ? String(error.code) : undefined;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => /\.[ch]$/.test(name) && !programs.has(name))
    .sort();
}

// Everything the library's bits depend on.
function libraryKey(sources: string, compiler: Compiler, flags: readonly string[]): string {
  const hash = createHash("sha256");
  const parts = [compiler.identity, ...flags, ...linkFlags(), process.platform, process.arch, processor()];
  hash.update(JSON.stringify(parts));
  for (const name of sourceFiles(sources)) {
    const content = readFileSync(join(sources, name));
    hash.update(`\n${name} ${content.length}\n`).update(content);
  }
  return hash.digest("hex").slice(0, 32);
}
