// Whether a design's folder can be made, found out before anything is measured. Leaves no folder behind.
import { accessSync, constants, rmdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { RequestError } from "../errors.ts";
import { isFolder, makeFolder, nearestExisting } from "../folders.ts";

/** Errors: RequestError where nothing can be written there. */
export function requireDesignFolder(folder: string): void {
  const path = resolve(folder);
  const nearest = nearestExisting(path);
  try {
    if (!isFolder(nearest)) throw new Error("a file is in the way");
    accessSync(nearest, constants.W_OK);
    // Some file systems, such as /proc, say yes and refuse then.
    makeFolder(path);
    for (let made = path; made !== nearest; made = dirname(made)) rmdirSync(made);
  } catch {
    const why = isFolder(path) ? "cannot be written to" : "cannot be made";
    throw new RequestError(`design: folder ${folder} ${why}; choose another folder`);
  }
}
