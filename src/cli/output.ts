// Files a command leaves besides its run. Knows no format.

import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { RequestError, WorkError } from "../errors.ts";
import { makeFolder } from "../folders.ts";

/**
 * Checks, before the work, that a file may be written; gives the function that writes it, whole or not at all.
 * Errors: RequestError for a file that exists and is not to be overwritten, WorkError where it cannot be written.
 */
export function prepareOutput(file: string, force: boolean): (text: string) => void {
  if (existsSync(file) && !force) {
    throw new RequestError(
      `--out ${file}: the file exists; name another one or give --force to overwrite it`,
    );
  }
  return (text) => {
    const part = `${file}.part-${process.pid}`;
    try {
      makeFolder(dirname(file));
      writeFileSync(part, text);
      renameSync(part, file);
    } catch (error) {
      rmSync(part, { force: true });
      const reason = error instanceof Error ? error.message : String(error);
      throw new WorkError(`--out ${file}: cannot be written (${reason}); name a writable place`);
    }
  };
}
