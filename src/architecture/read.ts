// Architectures as users name them: a preset, or a JSON or YAML file. Knows no command.
import { existsSync } from "node:fs";
import { type Document, isScalar, parseDocument, visit } from "yaml";
import { RequestError } from "../errors.ts";
import { InputFileError, readInputFile } from "../inputFile.ts";
import { isObject, parseJson } from "../json.ts";
import { type Architecture, defineArchitecture } from "./architecture.ts";
import { presetArchitecture, presets } from "./presets.ts";

/** Bytes of a file of settings; no architecture that may be built needs more. */
const LARGEST = { json: 4 * 2 ** 20, yaml: 2 ** 16 };
/** The YAML reader recurses. */
const DEEPEST_YAML = 64;

/**
 * The settings that a name or a file stands for, unchecked: a preset's, or what a .json, .yaml or .yml file holds
 * besides `$schema`, which is for editors.
 * Errors: RequestError, one line, for an unknown name (with the nearest one) and for a file that cannot be read.
 */
export function readArchitectureInput(nameOrFile: string): Readonly<Record<string, unknown>> {
  const preset = presets.get(nameOrFile);
  if (preset !== undefined) return { ...preset };
  if (!/\.(json|ya?ml)$/i.test(nameOrFile) && !existsSync(nameOrFile)) presetArchitecture(nameOrFile);
  let settings: unknown;
  try {
    const isYaml = /\.ya?ml$/i.test(nameOrFile);
    const text = readInputFile(nameOrFile, isYaml ? LARGEST.yaml : LARGEST.json).toString("utf8");
    settings = isYaml ? parseYaml(text) : parseJson(text);
  } catch (error) {
    throw new RequestError(
      `${nameOrFile}: ${reason(error)}; expected a JSON or YAML file with the settings of an architecture`,
    );
  }
  if (!isObject(settings)) {
    throw new RequestError(`${nameOrFile}: expected an object of settings, such as {"width": 128}`);
  }
  const { $schema: _, ...others } = settings;
  return others;
}

function reason(error: unknown): string {
  if (error instanceof InputFileError || error instanceof SyntaxError) return error.message;
  const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
  return isMissing ? "there is no such file" : "it cannot be read";
}

/** The architecture that a name or a file stands for. Errors: RequestError, as above and as `defineArchitecture`. */
export function readArchitecture(nameOrFile: string): Architecture {
  return defineArchitecture(readArchitectureInput(nameOrFile));
}

/** The value of a YAML 1.2 text of one document, by its core schema. Throws a SyntaxError of one line. */
export function parseYaml(text: string): unknown {
  requireShallow(text);
  const document = parseDocument(text, {
    schema: "core",
    uniqueKeys: false,
    merge: false,
    logLevel: "silent",
  });
  const wrong = document.errors[0] ?? document.warnings[0];
  if (wrong !== undefined) {
    throw new SyntaxError(
      `it is not YAML (${wrong.message.split("\n")[0]!.replace(/:$/, "").slice(0, 120)})`,
    );
  }
  requireUniqueKeys(document);
  try {
    // A few aliases are convenient; many can stand for more than any memory holds.
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    throw new SyntaxError("it has aliases that stand for too much; write it out");
  }
}

/** The reader's own check compares every key with every other. */
function requireUniqueKeys(document: Document): void {
  visit(document, {
    Map(_, { items }) {
      const keys = new Set<string>();
      for (const { key } of items) {
        const name = isScalar(key) ? String(key.value) : undefined;
        if (name === undefined) throw new SyntaxError("it has a key that is not a word");
        if (keys.has(name))
          throw new SyntaxError(`it has the key ${JSON.stringify(name.slice(0, 60))} twice`);
        keys.add(name);
      }
    },
  });
}

/** Nesting is by indentation or by brackets; each level has at least one of either. */
function requireShallow(text: string): void {
  let open = 0;
  for (const line of text.split("\n")) {
    const [indent] = /^(?: |- )*/.exec(line)!;
    let deepest = open;
    for (const character of line) {
      if (character === "[" || character === "{") open++;
      else if (character === "]" || character === "}") open = Math.max(0, open - 1);
      deepest = Math.max(deepest, open);
    }
    if (deepest > DEEPEST_YAML || indent.length > 4 * DEEPEST_YAML || /(?:- ){64}|(?:[?:] ){64}/.test(line)) {
      throw new SyntaxError(`it is nested more than ${DEEPEST_YAML} deep`);
    }
  }
}
