// Files that are there whole or not at all, and one line for whatever the disk refuses. Knows nothing of training.

import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { WorkError } from "../errors.ts";
import { makeFolder } from "../folders.ts";

/** Runs `work`; what the file system refuses becomes a WorkError of one line that names `what` and `path`. */
export function onDisk<T>(what: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Error && "code" in error) {
      throw new WorkError(`cannot ${what} ${path}: ${reason(error as NodeJS.ErrnoException)}`);
    }
    throw error;
  }
}

function reason(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return "no space is left on the disk; free some, or choose another folder";
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "it is not writable; choose another folder or change its permissions";
    case "ENOTDIR":
    case "EEXIST":
      return "a file is in the way; choose another folder";
    case "ENOENT":
      return "it does not exist";
    default:
      return error.message;
  }
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
    if ((error as NodeJS.ErrnoException).code !== "EINVAL") throw error;
  } finally {
    closeSync(handle);
  }
}

/** Replaces a file by new content in one move. */
export function replaceFile(path: string, content: string): void {
  const temporary = join(dirname(path), `.partial-${process.pid}`);
  onDisk("write", path, () => {
    try {
      writeDurably(temporary, [new TextEncoder().encode(content)]);
      renameSync(temporary, path);
      syncFolder(dirname(path));
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  });
}

/** Makes a folder appear at `path` with everything `fill` writes into it, or not at all; one that is there is replaced. */
export function replaceFolder(path: string, fill: (folder: string) => void): void {
  const temporary = join(dirname(path), `.partial-${process.pid}`);
  onDisk("write", path, () => {
    try {
      rmSync(temporary, { recursive: true, force: true });
      makeFolder(temporary);
      fill(temporary);
      syncFolder(temporary);
      rmSync(path, { recursive: true, force: true });
      renameSync(temporary, path);
      syncFolder(dirname(path));
    } catch (error) {
      rmSync(temporary, { recursive: true, force: true });
      throw error;
    }
  });
}
