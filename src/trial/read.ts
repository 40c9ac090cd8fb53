// A study's file, read: JSON or YAML. Knows no key of it.

import { parseYaml } from "../architecture/read.ts";
import { RequestError } from "../errors.ts";
import { InputFileError, readInputFile } from "../inputFile.ts";
import { parseJson } from "../json.ts";

/** Bytes; YAML's reader is slow. */
const LARGEST = { json: 4 * 2 ** 20, yaml: 2 ** 16 };

/** What a .json, .yaml or .yml file holds, unchecked. Errors: RequestError, one line, for a file that cannot be read. */
export function readTrialFile(file: string): unknown {
  const isYaml = /\.ya?ml$/i.test(file);
  if (!isYaml && !/\.json$/i.test(file)) {
    throw new RequestError(`${file}: expected a study, a .yaml, .json, .ts or .js file`);
  }
  try {
    const text = readInputFile(file, isYaml ? LARGEST.yaml : LARGEST.json).toString("utf8");
    return isYaml ? parseYaml(text) : parseJson(text);
  } catch (error) {
    throw new RequestError(`${file}: ${reasonOf(error)}; expected a YAML or JSON file with a study`);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof InputFileError || error instanceof SyntaxError) return error.message;
  const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
  return isMissing ? "there is no such file" : "it cannot be read";
}
