// Folders made with all that leads to them. Knows nothing of what goes in.
import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a folder and its missing parents, one at a time: Node's own recursive mkdir does not return where the system
 * answers ENOENT although the parent is there, as under /proc.
 * @throws the system's error: EACCES, ENOENT, EEXIST where a file is in the way, …
 */
export function makeFolder(folder: string, mode?: number): void {
  if (existsSync(folder)) {
    if (!statSync(folder).isDirectory()) {
      throw Object.assign(new Error(`${folder} is a file`), { code: "EEXIST" });
    }
    return;
  }
  const parent = dirname(folder);
  if (parent !== folder) makeFolder(parent, mode);
  try {
    mkdirSync(folder, mode);
  } catch (error) {
    // Another process may have been faster.
    const made = (error as NodeJS.ErrnoException).code === "EEXIST" && statSync(folder).isDirectory();
    if (!made) throw error;
  }
}
