// Files and folders that are there whole or not at all, and one line for whatever the disk refuses. Knows nothing of
// training.

import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { WorkError } from "../errors.ts";
import { freeBytes, makeFolder, nearestExisting } from "../folders.ts";
import { formatCount } from "../report/format.ts";

/** Runs `work`; what the file system refuses becomes a WorkError of one line that names `what` and `path`. */
export function onDisk<T>(what: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const reason = refusal(error);
    if (reason === undefined) throw error;
    throw new WorkError(`cannot ${what} ${path}: ${reason}`, { cause: error });
  }
}

/** Whether the system refused something: the error's own word, or that of what caused it. */
export function isOfSystem(error: unknown): boolean {
  return systemCode(error) !== undefined;
}

/** Whether that was for want of room on the disk. */
export function isDiskFull(error: unknown): boolean {
  const code = systemCode(error);
  return code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG";
}

function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string" && /^E[A-Z0-9]+$/.test(error.code)) return error.code;
  return systemCode(error.cause);
}

/** Why the file system refuses something and what to do about it; undefined for an error that is not the file system's. */
export function refusal(error: unknown): string | undefined {
  if (!(error instanceof Error && "code" in error)) return undefined;
  switch (error.code) {
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return "no space is left on the disk; free some, or choose another folder";
    case "EACCES":
    case "EPERM":
      return "permission is denied; change its permissions, or choose another folder";
    case "EROFS":
      return "its file system is read-only; choose another folder";
    case "ENOTDIR":
    case "EEXIST":
      return "a file is in the way; choose another folder";
    case "EISDIR":
      return "a folder is in the way; move it away";
    case "ENOENT":
      return "it does not exist";
    default:
      return error.message;
  }
}

/**
 * Errors: WorkError where the disk under a folder, or where it would be made, has less room than that.
 * @param what what the room is for, as in "a checkpoint"
 */
export function requireSpace(folder: string, bytes: number, what: string): void {
  const nearest = nearestExisting(folder);
  const free = onDisk("look at", nearest, () => freeBytes(nearest));
  if (free === null || free >= bytes) return;
  throw new WorkError(
    `${folder}: ${what} needs ${formatCount(bytes)}B and the disk has ${formatCount(free)}B left; free some, ` +
      "or choose another folder",
    { cause: Object.assign(new Error("no space is left"), { code: "ENOSPC" }) },
  );
}

/** Writes parts one after the other and waits until the disk has them. */
export function writeDurably(path: string, parts: readonly Uint8Array[]): void {
  const file = openSync(path, "w");
  try {
    for (const part of parts) writeAll(file, part);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** A single `write` may take less than it is given. */
export function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
}

/** Makes a rename in a folder durable. Some systems cannot open folders; there the rename is as durable as they make it. */
export function syncFolder(folder: string): void {
  let handle: number;
  try {
    handle = openSync(folder, "r");
  } catch {
    return;
  }
  try {
    fsyncSync(handle);
  } catch (error) {
    // Some file systems, and Windows, cannot sync a folder.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EINVAL" && code !== "EPERM") throw error;
  } finally {
    closeSync(handle);
  }
}

/** What every unfinished thing is called, so that nobody takes it for a finished one. */
const UNFINISHED = ".partial-";

const unfinishedBeside = (path: string): string =>
  join(dirname(path), `${UNFINISHED}${process.pid}-${basename(path)}`);

/** Replaces a file by new content, a text or parts one after the other, in one move. */
export function replaceFile(path: string, content: string | readonly Uint8Array[]): void {
  const parts = typeof content === "string" ? [new TextEncoder().encode(content)] : content;
  const temporary = unfinishedBeside(path);
  onDisk("write", path, () => {
    try {
      writeDurably(temporary, parts);
      renameSync(temporary, path);
      syncFolder(dirname(path));
    } catch (error) {
      discard(temporary);
      throw error;
    }
  });
}

/** Makes a new folder appear at `path` with everything `fill` writes into it, or not at all. */
export function createFolder(path: string, fill: (folder: string) => void): void {
  const temporary = unfinishedBeside(path);
  onDisk("write", path, () => {
    try {
      rmSync(temporary, { recursive: true, force: true });
      makeFolder(temporary);
      fill(temporary);
      syncFolder(temporary);
      renameSync(temporary, path);
      syncFolder(dirname(path));
    } catch (error) {
      discard(temporary);
      throw error;
    }
  });
}

/** The same for work that takes its time, and stops where it throws. What is at `path` by then is replaced. */
export async function fillFolder(path: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const temporary = unfinishedBeside(path);
  try {
    rmSync(temporary, { recursive: true, force: true });
    makeFolder(temporary);
    await fill(temporary);
    syncFolder(temporary);
    takePlace(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    discard(temporary);
    onDisk("write", path, () => {
      throw error;
    });
  }
}

/** A folder in the way is kept until the new one stands. */
function takePlace(temporary: string, path: string): void {
  const replaced = unfinishedBeside(`${path}.replaced`);
  rmSync(replaced, { recursive: true, force: true });
  const isReplaced = existsSync(path);
  if (isReplaced) renameSync(path, replaced);
  try {
    renameSync(temporary, path);
  } catch (error) {
    if (isReplaced) renameSync(replaced, path);
    throw error;
  }
  rmSync(replaced, { recursive: true, force: true });
}

/** What is left of failed work. That it cannot be removed either is no news. */
function discard(temporary: string): void {
  try {
    rmSync(temporary, { recursive: true, force: true });
  } catch {}
}

/** Removes a folder; whenever this is interrupted, it is there whole or not at all. */
export function removeFolder(path: string): void {
  // Not where a folder that is to take its place may be in the making.
  const temporary = unfinishedBeside(`${path}.removed`);
  onDisk("remove", path, () => {
    rmSync(temporary, { recursive: true, force: true });
    renameSync(path, temporary);
    rmSync(temporary, { recursive: true, force: true });
  });
}

/** Removes from a folder what interrupted work has left. Call it only where nobody is at work there. */
export function removeUnfinished(folder: string): void {
  for (const name of onDisk("read", folder, () => readdirSync(folder))) {
    if (!name.startsWith(UNFINISHED)) continue;
    onDisk("remove", join(folder, name), () => rmSync(join(folder, name), { recursive: true, force: true }));
  }
}
