// Where data sets lie. Knows the environment's variables, not what lies there.

import { accessSync, constants } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { cacheFolder } from "../../backend/native/cache.ts";
import type { Environment } from "../../environment.ts";
import { RequestError } from "../../errors.ts";
import { makeFolder } from "../../folders.ts";
import { reason } from "../readText.ts";

/** SCANTLING_DATA where it is set, then `data` in the cache: where a data set is looked for, in this order. */
export function dataFolders(environment: Environment): string[] {
  const own = environment.SCANTLING_DATA;
  return [...(own ? [own] : []), join(cacheFolder(environment), "data")];
}

/** The first of `folders` that can probably be written, looked at from outside; else the first. */
export function likelyFolder(folders: readonly string[]): string {
  const isWritable = (path: string): boolean => {
    try {
      accessSync(path, constants.W_OK);
      return true;
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
      return isMissing && dirname(path) !== path && isWritable(dirname(path));
    }
  };
  return folders.find((folder) => isWritable(resolve(folder))) ?? folders[0]!;
}

/**
 * The folder of one data set in the first of `folders` that can be written, made if it is not there.
 * Errors: RequestError where none can be written.
 */
export function writableFolder(folders: readonly string[], name: string): string {
  const reasons: string[] = [];
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      makeFolder(path);
      accessSync(path, constants.W_OK);
      return path;
    } catch (error) {
      reasons.push(`${path}: ${reason(error)}`);
    }
  }
  throw new RequestError(`data: no folder can be written (${reasons.join("; ")}); name one with --out`);
}
