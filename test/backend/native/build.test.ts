// The cache of compiled kernels: found again, rebuilt when damaged, shared by processes, done without when it fails.
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type BuildOptions, buildLibrary } from "../../../src/backend/native/build.ts";
import { cacheFolder } from "../../../src/backend/native/cache.ts";
import { openLibrary } from "../../../src/backend/native/library.ts";
import { RequestError, WorkError } from "../../../src/errors.ts";
import { temporaryFolder, writeProbeSources } from "./probe/probe.ts";

let folder: string;
let cache: string;
let sources: string;
let warnings: string[];
let options: BuildOptions & { environment: NodeJS.ProcessEnv };

/** A compiler that notes its calls and does `first` before the real one. */
function compilerThat(first: string, name = "compiler"): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\necho "$*" >> '${folder}/calls'\n${first}\nexec cc "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}
const calls = () =>
  existsSync(join(folder, "calls")) ? readFileSync(join(folder, "calls"), "utf8").trim().split("\n") : [];
const libraries = () => readdirSync(cache).filter((name) => /\.(so|dylib)$/.test(name));

beforeEach(() => {
  folder = temporaryFolder();
  cache = join(folder, "cache");
  sources = join(folder, "sources");
  mkdirSync(sources);
  writeProbeSources(sources);
  warnings = [];
  const environment = { ...process.env, SCANTLING_CACHE: cache, CC: compilerThat("") };
  options = { sources, environment, warn: (line) => warnings.push(line) };
});
afterEach(() => {
  expect(existsSync(cache) ? readdirSync(cache).filter((name) => name.startsWith("building-")) : []).toEqual(
    [],
  );
  rmSync(folder, { recursive: true, force: true });
});

it("compiles once, says so, and asks the compiler nothing afterwards", async () => {
  let compilations = 0;
  const counting = { ...options, compiling: () => compilations++ };
  const built = await buildLibrary(counting);
  expect(libraries()).toEqual([built.path.slice(cache.length + 1)]);
  const before = calls().length;
  expect(await buildLibrary(counting)).toEqual(built);
  expect(calls()).toHaveLength(before);
  expect(compilations).toBe(1);
  expect(warnings).toEqual([]);
});

it("keeps libraries apart by precision, source and compiler", async () => {
  const paths = [await buildLibrary(options), await buildLibrary({ ...options, double: true })];
  appendFileSync(join(sources, "tape.h"), "\n// changed\n");
  paths.push(await buildLibrary(options));
  const other = { ...options.environment, CC: compilerThat("", "other") };
  paths.push(await buildLibrary({ ...options, environment: other }));
  expect(new Set(paths.map(({ path }) => path)).size).toBe(4);
});

it("notices another version of the same compiler", async () => {
  const { path } = await buildLibrary(options);
  compilerThat('[ "$1" = --version ] && echo changed && exit');
  expect((await buildLibrary(options)).path).not.toBe(path);
});

it.each([
  ["cut short", (path: string) => truncateSync(path, 5000)],
  ["emptied", (path: string) => truncateSync(path, 0)],
  ["longer", (path: string) => appendFileSync(path, "x")],
  [
    "changed in one byte",
    (path: string) => {
      const content = readFileSync(path);
      content[3000] = content[3000]! ^ 1;
      writeFileSync(path, content);
    },
  ],
  [
    "replaced by a folder",
    (path: string) => {
      rmSync(path);
      mkdirSync(path);
    },
  ],
])("does not load a library that was %s", async (_, damage) => {
  const { path } = await buildLibrary(options);
  damage(path);
  const again = await buildLibrary(options);
  const library = await openLibrary(options);
  expect(library.realBytes).toBe(4);
  expect(warnings).toHaveLength(again.temporaryFolder === undefined ? 0 : 2);
  if (again.temporaryFolder !== undefined) rmSync(again.temporaryFolder, { recursive: true });
});

it("lets several build at once", async () => {
  const built = await Promise.all([buildLibrary(options), buildLibrary(options), buildLibrary(options)]);
  expect(new Set(built.map(({ path }) => path)).size).toBe(1);
  expect(libraries()).toHaveLength(1);
  expect((await openLibrary(options)).realBytes).toBe(4);
});

it("removes what a killed process left half built, but nothing that is being built", async () => {
  for (const [name, age] of [
    ["building-old", 7200],
    ["building-new", 60],
  ] as const) {
    mkdirSync(join(cache, name), { recursive: true });
    const then = Date.now() / 1000 - age;
    utimesSync(join(cache, name), then, then);
  }
  await buildLibrary(options);
  expect(readdirSync(cache).filter((name) => name.startsWith("building-"))).toEqual(["building-new"]);
  rmSync(join(cache, "building-new"), { recursive: true });
});

it("does without a cache that cannot be written, with one line", async () => {
  writeFileSync(join(folder, "file"), "");
  const below = join(folder, "file", "cache");
  const temporary = join(folder, "temporary");
  mkdirSync(temporary);
  const library = await inTemporary(temporary, () =>
    openLibrary({ ...options, environment: { ...options.environment, SCANTLING_CACHE: below } }),
  );
  expect(library.peakGflops(1, 1)).toBeGreaterThan(0);
  expect(warnings).toEqual([
    `cannot keep compiled kernels in ${below} (ENOTDIR): compiling them for this process alone; free the folder or set SCANTLING_CACHE to another one`,
  ]);
  expect(readdirSync(temporary)).toEqual([]);
});

it("does without a cache that is full, and says when there is no room anywhere", async () => {
  const full = (what: string) =>
    `case "$*" in *${what}*) echo "as: $*: No space left on device" >&2; exit 1;; esac`;
  options.environment.CC = compilerThat(full("/cache/building"));
  const temporary = join(folder, "temporary");
  mkdirSync(temporary);
  const { path, temporaryFolder: aside } = await inTemporary(temporary, () => buildLibrary(options));
  expect(existsSync(path)).toBe(true);
  expect(aside?.startsWith(temporary)).toBe(true);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain("No space left on device");
  rmSync(aside!, { recursive: true });

  options.environment.CC = compilerThat(full("building"));
  const failing = inTemporary(temporary, () => buildLibrary(options));
  await expect(failing).rejects.toThrow(WorkError);
  await expect(failing).rejects.toThrow(
    `no room to compile the kernels in ${temporary} (No space left on device): free some space, or set SCANTLING_CACHE or TMPDIR to a writable folder`,
  );
  expect(readdirSync(temporary)).toEqual([]);
});

it("says that there is no compiler", async () => {
  const { CC: _, ...environment } = options.environment;
  const building = buildLibrary({ ...options, environment: { ...environment, PATH: folder } });
  await expect(building).rejects.toThrow(WorkError);
  await expect(building).rejects.toThrow(
    /^the native backend needs a C compiler and there is no "cc" on PATH: install one \(.+\) or use --backend wasm$/,
  );
});

it("says that CC is wrong", async () => {
  const building = buildLibrary({ ...options, environment: { ...options.environment, CC: "nonesuch -m64" } });
  await expect(building).rejects.toThrow(RequestError);
  await expect(building).rejects.toThrow(
    'CC names "nonesuch", which is not a program on PATH: set CC to a C compiler or unset it',
  );
});

it("says that the compiler does not run", async () => {
  options.environment.CC = compilerThat("echo 'xcrun: error: invalid active developer path' >&2; exit 1");
  await expect(buildLibrary(options)).rejects.toThrow(
    /^the C compiler .+\/compiler does not run \(xcrun: error: invalid active developer path\): install one/,
  );
});

it("gives a compiler's own message in one line, and its arguments", async () => {
  appendFileSync(join(sources, "probe.c"), "\nint broken(\n");
  options.environment.CC = `${compilerThat("")} -DEXTRA`;
  const failing = buildLibrary(options);
  await expect(failing).rejects.toThrow(WorkError);
  await expect(failing).rejects.toThrow(
    /^compiling the kernels with .+ failed \(.+probe\.c:\d+.*error.+\): set CC to another/,
  );
  await expect(failing).rejects.not.toThrow(/\n/);
  expect(calls().every((call) => call.startsWith("-DEXTRA "))).toBe(true);
  expect(libraries()).toEqual([]);
});

it("says when what was compiled cannot be loaded", async () => {
  options.environment.CC = compilerThat(
    'case "$*" in *-shared*) for last; do :; done; echo nothing > "$last"; exit;; esac',
  );
  await expect(openLibrary(options)).rejects.toThrow(WorkError);
  await expect(openLibrary(options)).rejects.toThrow(
    /^the compiled kernels cannot be loaded \(.+\): set SCANTLING_CACHE to a folder that programs may be loaded from$/,
  );
});

it("finds the cache folder by SCANTLING_CACHE, then XDG_CACHE_HOME, then the home folder", () => {
  expect(cacheFolder({ SCANTLING_CACHE: "/a/b", XDG_CACHE_HOME: "/c", HOME: "/d" })).toBe("/a/b");
  expect(cacheFolder({ XDG_CACHE_HOME: "/c", HOME: "/d" })).toBe("/c/scantling");
  const home = process.platform === "darwin" ? "/d/Library/Caches/scantling" : "/d/.cache/scantling";
  expect(cacheFolder({ XDG_CACHE_HOME: "not/absolute", HOME: "/d" })).toBe(home);
});

async function inTemporary<T>(temporary: string, run: () => Promise<T>): Promise<T> {
  const before = process.env.TMPDIR;
  process.env.TMPDIR = temporary;
  try {
    return await run();
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
}
