// The folder of compiled libraries. Knows names, hashes and renames; knows nothing of compilers.
//
// A library is stored as KEY-HASH.so: the key says what it was made from, the hash (SHA-256) what it must contain. A file
// that was cut short or changed does not match its own name and is not used. Files appear by rename, whole.

import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import type { Environment } from "../../environment.ts";
import { makeFolder } from "../../folders.ts";

const suffix = process.platform === "darwin" ? ".dylib" : ".so";
const building = "building-";
const abandonedAfter = 3_600_000; // ms

/** SCANTLING_CACHE, or the system's folder for such things. */
export function cacheFolder(environment: Environment): string {
  const own = environment.SCANTLING_CACHE;
  if (own) return resolve(own);
  const shared = environment.XDG_CACHE_HOME;
  if (shared && isAbsolute(shared)) return join(shared, "scantling");
  const home = environment.HOME || homedir();
  return process.platform === "darwin"
    ? join(home, "Library", "Caches", "scantling")
    : join(home, ".cache", "scantling");
}

/** The whole library stored under `key`, if there is one. */
export function findStored(folder: string, key: string): string | undefined {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return undefined;
  }
  for (const name of names) {
    if (!name.startsWith(`${key}-`) || !name.endsWith(suffix)) continue;
    try {
      const path = join(folder, name);
      if (name === storedName(key, readFileSync(path))) return path;
    } catch {}
  }
  return undefined;
}

/** A new folder to build in, beside the libraries so that a rename suffices. Throws where the cache cannot be written. */
export function openBuildFolder(folder: string): string {
  makeFolder(folder, 0o700);
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (name.startsWith(building) && Date.now() - statSync(path).mtimeMs > abandonedAfter) {
      rmSync(path, { recursive: true, force: true });
    }
  }
  return mkdtempSync(join(folder, building));
}

/** Moves a finished library to its place under `key`; returns the place. */
export function storeLibrary(folder: string, key: string, library: string): string {
  const path = join(folder, storedName(key, readFileSync(library)));
  renameSync(library, path);
  return path;
}

function storedName(key: string, content: Buffer): string {
  return `${key}-${createHash("sha256").update(content).digest("hex")}${suffix}`;
}
