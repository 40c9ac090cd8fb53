// Folders made with all that leads to them. Knows nothing of what goes in.
import { existsSync, mkdirSync, statSync } from "node:fs";
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

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
