// What has been fetched of a file so far, kept between processes. Knows no network.
//
// It lies in a folder `.partial-FILE`: the bytes, and where they came from. Whoever works on it first renames the folder
// to a name of its own, which only one can do, so that two processes never write the same bytes; when it stops it gives
// the folder its common name back. What a killed process leaves is taken over by the next.

import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { WorkError } from "../../errors.ts";
import { largest, readInputFile } from "../../inputFile.ts";
import { parseJson } from "../../json.ts";
import { reason } from "../readText.ts";

/** What an address said of the bytes: its entity tag, where it gave a strong one. */
export interface PartialSource {
  readonly url: string;
  readonly etag: string | null;
}

const sourceSchema = z.strictObject({ url: z.string(), etag: z.string().nullable() });

export interface Partial {
  /** The file of the bytes; need not exist. */
  readonly path: string;
  /** Bytes there. */
  size(): number;
  source(): PartialSource | null;
  setSource(source: PartialSource): void;
  /** Starts anew. */
  clear(): void;
  /** Leaves what is there to whoever comes next. */
  release(): void;
  /** Removes it, and what others have left of the same file. */
  remove(): void;
}

let claims = 0;

/** Takes over what is there of `file` in `folder`, or begins. Errors: WorkError where the folder cannot be written. */
export function claimPartial(folder: string, file: string): Partial {
  const common = join(folder, `.partial-${file}`);
  const own = `${common}.${process.pid}-${claims++}`;
  const taken = abandoned(folder, file).some((path) => renamed(path, own));
  if (!taken) {
    try {
      mkdirSync(own);
    } catch (error) {
      throw new WorkError(`data: cannot write to ${folder}: ${reason(error)}; choose another with --out`);
    }
  }
  const path = join(own, "bytes");
  const sourcePath = join(own, "source.json");
  return {
    path,
    size: () => sizeOf(path),
    source() {
      try {
        return sourceSchema.parse(parseJson(readInputFile(sourcePath, largest.manifest).toString("utf8")));
      } catch {
        return null;
      }
    },
    setSource(source) {
      try {
        writeFileSync(sourcePath, JSON.stringify(source));
      } catch {
        // Only a help: the checksum decides whether the parts fit together.
      }
    },
    clear() {
      rmSync(path, { force: true });
      rmSync(sourcePath, { force: true });
    },
    release() {
      if (sizeOf(path) <= sizeOf(join(common, "bytes"))) rmSync(own, { recursive: true, force: true });
      else {
        rmSync(common, { recursive: true, force: true });
        renamed(own, common);
      }
    },
    remove() {
      for (const old of [own, ...abandoned(folder, file)]) rmSync(old, { recursive: true, force: true });
    },
  };
}

/** Bytes that are kept of `file`; 0 where there are none. */
export function keptBytes(folder: string, file: string): number {
  return Math.max(0, ...partials(folder, file).map(({ path }) => sizeOf(join(path, "bytes"))));
}

/** Partial folders that nobody works on, the fullest first. */
function abandoned(folder: string, file: string): string[] {
  return partials(folder, file)
    .filter(({ owner }) => owner === null || !isAlive(owner))
    .map(({ path }) => path)
    .sort((a, b) => sizeOf(join(b, "bytes")) - sizeOf(join(a, "bytes")));
}

function partials(folder: string, file: string): { path: string; owner: number | null }[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  const common = `.partial-${file}`;
  return names.flatMap((name): { path: string; owner: number | null }[] => {
    if (name === common) return [{ path: join(folder, name), owner: null }];
    if (!name.startsWith(`${common}.`)) return [];
    const found = /^(\d+)-\d+$/.exec(name.slice(common.length + 1));
    return found === null ? [] : [{ path: join(folder, name), owner: Number(found[1]) }];
  });
}

function isAlive(process_: number): boolean {
  try {
    process.kill(process_, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** False where another process was faster. */
function renamed(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
