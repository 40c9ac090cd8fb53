// Whether a study's folder is there or can be made, found by making it; it is left as it was. For what is asked of a user before
// anything that takes time. Knows nothing of what goes in.
import { accessSync, constants, rmdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { RequestError } from "../errors.ts";
import { isFolder, makeFolder, nearestExisting } from "../folders.ts";
import { isDiskFull, refusal } from "../train/files.ts";

/** Errors: RequestError, one line. */
export function requireMakeable(folder: string): void {
  const path = resolve(folder);
  if (isFolder(path)) {
    requireWritable(folder);
    return;
  }
  const there = nearestExisting(path);
  try {
    makeFolder(path);
  } catch (error) {
    // Room may be made later, and a study waits for it.
    if (isDiskFull(error)) return;
    const why = refusal(error)?.split(";")[0] ?? String(error);
    const isSaid = error instanceof Error && "code" in error && error.code !== "ENOENT";
    throw new RequestError(`${folder} cannot be made${isSaid ? `: ${why}` : ""}; choose another folder`);
  } finally {
    removeEmpty(path, there);
  }
}

function requireWritable(folder: string): void {
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    throw new RequestError(`${folder} cannot be written to; choose another folder`);
  }
}

/** Folders from `folder` up to, and without, `end`, until one that holds something. */
function removeEmpty(folder: string, end: string): void {
  for (let path = folder; path !== end; path = dirname(path)) {
    if (!isFolder(path)) continue;
    try {
      rmdirSync(path);
    } catch {
      return;
    }
  }
}
