// Facts of the machine and the process: Node, system, processor, memory, folders. Knows no backend and judges nothing.
import { mkdtempSync, readdirSync, readFileSync, rmdirSync, statSync } from "node:fs";
import { arch, cpus, loadavg, platform, release, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { coreQuota, usableCores } from "../../cores.ts";
import { freeBytes, isFolder, nearestExisting } from "../../folders.ts";

/** What this machine is, as far as the process is told. */
export interface SystemFacts {
  /** Version of Node, without the v. */
  readonly node: string;
  /** The versions of Node that the package is made for, as in its package.json. */
  readonly supportedNode: string;
  readonly nodeSupported: boolean;
  /** Such as linux, darwin or win32. */
  readonly platform: string;
  /** Of the system's kernel. */
  readonly release: string;
  /** Such as x64 or arm64. */
  readonly architecture: string;
  /** Model of the processor; empty where the system does not tell. */
  readonly processor: string;
  /** Logical cores. */
  readonly cores: number;
  /** Cores' worth of time that a container or service leaves the process; null where nothing limits it. */
  readonly coreQuota: number | null;
  /** Cores that can work for this process at the same time. */
  readonly usableCores: number;
  /** Processes that wanted to run in the last minute, on average; 0 on Windows, which does not count them. */
  readonly load: number;
  readonly totalMemoryBytes: number;
  readonly availableMemoryBytes: number;
  /** What a container or service allows this process; null where nothing limits it. */
  readonly memoryLimitBytes: number | null;
}

/** A folder that something is kept in. */
export interface FolderFacts {
  /** Absolute. */
  readonly path: string;
  readonly exists: boolean;
  /** Whether a file can be made there; of the nearest folder above where it does not exist yet. */
  readonly writable: boolean;
  /** Bytes of the files in it and below. */
  readonly bytes: number;
  /** Free bytes of the disk for this user; null where the system does not tell. */
  readonly freeBytes: number | null;
}

export function inspectSystem(): SystemFacts {
  const supportedNode = packageFile().engines.node;
  const total = totalmem();
  const limit = process.constrainedMemory();
  return {
    node: process.versions.node,
    supportedNode,
    nodeSupported: satisfies(process.versions.node, supportedNode),
    platform: platform(),
    release: release(),
    architecture: arch(),
    processor: cpus()[0]?.model.trim() ?? "",
    cores: cpus().length,
    coreQuota: coreQuota(),
    usableCores: usableCores(),
    load: loadavg()[0]!,
    totalMemoryBytes: total,
    availableMemoryBytes: process.availableMemory(),
    // No limit is told as 0 or as more than there is.
    memoryLimitBytes: limit > 0 && limit < total ? limit : null,
  };
}

/** Whether `version` (20.19.1) is in a range of the form >=20.19. */
export function satisfies(version: string, range: string): boolean {
  const numbers = (text: string) => text.split(".").map(Number);
  const least = numbers(range.replace(/^>=/, ""));
  const given = numbers(version);
  const differing = least.findIndex((part, i) => part !== (given[i] ?? 0));
  return differing < 0 || (given[differing] ?? 0) > least[differing]!;
}

export function inspectFolder(path: string): FolderFacts {
  const absolute = resolve(path);
  const nearest = nearestExisting(absolute);
  return {
    path: absolute,
    exists: nearest === absolute && isFolder(absolute),
    writable: isFolder(nearest) && canWrite(nearest),
    bytes: bytesBelow(absolute),
    freeBytes: toldFreeBytes(nearest),
  };
}

/** Names of the folders in a folder of data sets, sorted; null where it cannot be read. */
export function dataSets(folder: string): string[] | null {
  try {
    return readdirSync(folder)
      .filter((name) => !name.startsWith(".") && isFolder(join(folder, name)))
      .sort();
  } catch {
    return null;
  }
}

function packageFile(): { readonly engines: { readonly node: string } } {
  return JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
}

// Permissions do not tell of a disk that is mounted read-only or full, so a folder is made and removed.
function canWrite(folder: string): boolean {
  try {
    rmdirSync(mkdtempSync(join(folder, ".scantling-")));
    return true;
  } catch {
    return false;
  }
}

function bytesBelow(folder: string): number {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" }).reduce((bytes, name) => {
      const entry = statSync(join(folder, name), { throwIfNoEntry: false });
      return bytes + (entry?.isFile() ? entry.size : 0);
    }, 0);
  } catch {
    return 0;
  }
}

function toldFreeBytes(folder: string): number | null {
  try {
    return freeBytes(folder);
  } catch {
    return null;
  }
}
