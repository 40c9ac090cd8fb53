// Folders: made with all that leads to them, and how much room their disk has. Knows nothing of what goes in.
import { existsSync, mkdirSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a folder and its missing parents, one at a time: Node's own recursive mkdir does not return where the system
 * answers ENOENT although the parent is there, as under /proc.
 * @throws the system's error: EACCES, ENOENT, EEXIST or ENOTDIR where a file is in the way, …
 */
export function makeFolder(folder: string, mode?: number): void {
  if (isFolder(folder)) return;
  const parent = dirname(folder);
  if (parent !== folder && !existsSync(parent)) makeFolder(parent, mode);
  try {
    mkdirSync(folder, mode);
  } catch (error) {
    // Another process may have been faster.
    if (!isFolder(folder)) throw error;
  }
}

/** Whether a folder is there, as far as this process can see. */
export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** A path itself where something is there, else the nearest folder above it. */
export function nearestExisting(path: string): string {
  let nearest = path;
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  return nearest;
}

/**
 * Free bytes, for this user, of the disk that a folder lies on; null where the file system counts nothing.
 * @throws the system's error where the folder cannot be looked at
 */
export function freeBytes(folder: string): number | null {
  const { blocks, bavail, bsize } = statfsSync(folder);
  return blocks === 0 ? null : bavail * bsize;
}
