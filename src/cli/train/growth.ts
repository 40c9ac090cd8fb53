// What --grow names: growth events, in a file or as they stand. Checks no event.
import { parseYaml } from "../../architecture/read.ts";
import { RequestError } from "../../errors.ts";
import { InputFileError, readInputFile } from "../../inputFile.ts";
import { parseJson } from "../../json.ts";

/** Bytes of a file of events. */
const LARGEST = { json: 4 * 2 ** 20, yaml: 2 ** 16 };

/** A list of events, of one where that is all there is. Errors: RequestError, one line, for what cannot be read. */
export function readGrowth(text: string): unknown {
  const events = parseEvents(text);
  return Array.isArray(events) ? events : [events];
}

function parseEvents(text: string): unknown {
  const isJson = /^\s*[[{]/.test(text);
  try {
    if (isJson) return parseJson(text);
    const isYaml = /\.ya?ml$/i.test(text);
    const content = readInputFile(text, isYaml ? LARGEST.yaml : LARGEST.json).toString("utf8");
    return isYaml ? parseYaml(content) : parseJson(content);
  } catch (error) {
    const known = error instanceof InputFileError || error instanceof SyntaxError;
    throw new RequestError(
      `--grow${isJson ? "" : ` ${text}`}: ${known ? error.message : "there is no such file"}; expected a list of events such as ` +
        '[{"at": {"step": 600}, "to": {"layers": 4}}], or a JSON or YAML file with one',
    );
  }
}
