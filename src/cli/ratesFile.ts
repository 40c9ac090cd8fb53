// The file that `--rates` names: a measurement of `scantling transfer --json`, as JSON. Knows nothing of what is in it.

import { RequestError } from "../errors.ts";
import { largest, readInputFile } from "../inputFile.ts";
import { parseJson } from "../json.ts";

/** Errors: RequestError for what cannot be read or is no JSON. */
export function readRatesFile(path: string): unknown {
  try {
    return parseJson(readInputFile(path, largest.settings).toString("utf8"));
  } catch (error) {
    throw new RequestError(
      `--rates ${path}: ${error instanceof Error ? error.message : error}; expected a file of scantling transfer --json`,
    );
  }
}
