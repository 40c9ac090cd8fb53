// The user's scantling.config.ts: finds it, runs it, registers what it lists. Knows no command.

import { existsSync, statSync } from "node:fs";
import { dirname, resolve, sep } from "node:path";
import { RequestError, WorkError } from "../errors.ts";
import type { Config } from "../nn/config.ts";
import { show } from "../strict.ts";
import { placeIn } from "./failure.ts";

const names = ["ts", "mts", "js", "mjs"].map((ending) => `scantling.config.${ending}`);

/** Longest that a configuration may take to load. */
const PATIENCE_MS = 30_000;

/**
 * Loads `file`, or the configuration of the working folder where there is one, and registers its primitives. It runs as
 * TypeScript or JavaScript, and what it and its imports get from "scantling" is this very library.
 * @returns the folder of the file, undefined where there is none
 * Errors: RequestError, one line that names the file, for whatever is wrong with it.
 */
export async function loadConfig(file: string | undefined): Promise<string | undefined> {
  const path = file ?? ownConfig();
  if (path === undefined) return undefined;
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) {
    throw new RequestError(
      `${path}: there is no such file; name a configuration, such as scantling.config.ts`,
    );
  }
  const whole = resolve(path);
  const folder = dirname(whole);
  try {
    const library = await import("../index.ts");
    const given = await importDefault(whole, "export default defineConfig({ primitives: [...] })");
    library.registerPrimitives(library.defineConfig(given as Config).primitives);
  } catch (error) {
    throw new RequestError(`${path}: ${reasonOf(error, folder)}`);
  }
  return folder;
}

/** The default export of a TypeScript or JavaScript file of the user. Errors: RequestError, one line that names the file. */
export async function loadDefault(path: string, expected: string): Promise<unknown> {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) {
    throw new RequestError(`${path}: there is no such file; name one with ${expected}`);
  }
  const whole = resolve(path);
  try {
    return await importDefault(whole, expected);
  } catch (error) {
    throw new RequestError(`${path}: ${reasonOf(error, dirname(whole))}`);
  }
}

async function importDefault(whole: string, expected: string): Promise<unknown> {
  const [library, { createJiti }] = await Promise.all([import("../index.ts"), import("jiti")]);
  // Nothing is kept on disk, where others could change what will run.
  const jiti = createJiti(whole, {
    ...{ fsCache: false, interopDefault: false, tryNative: false },
    virtualModules: { scantling: library },
  });
  const module = await inTime(jiti.import<Readonly<Record<string, unknown>>>(whole));
  if (module?.default !== undefined) return module.default;
  throw new RequestError(`it has no default export; expected ${expected}`);
}

/** The configuration of the working folder, if there is one. Errors: RequestError for several. */
export function ownConfig(): string | undefined {
  const found = names.filter((name) => existsSync(name));
  if (found.length > 1) throw new RequestError(`${found.join(" and ")} lie side by side; keep one of them`);
  return found[0];
}

/** A promise that nothing will ever keep must not hang. */
async function inTime<Value>(loading: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const why = `it has not loaded within ${PATIENCE_MS / 1000} seconds; look at what it awaits`;
    timer = setTimeout(() => reject(new RequestError(why)), PATIENCE_MS);
  });
  try {
    return await Promise.race([loading, late]);
  } finally {
    clearTimeout(timer);
  }
}

const LONGEST_REASON = 300;

function reasonOf(error: unknown, folder: string): string {
  if (error instanceof RequestError || error instanceof WorkError) return error.message;
  const text = error instanceof Error ? error.message || error.name : show(error);
  const [reason] = text.replaceAll(folder + sep, "").split("Require stack:");
  const place = placeIn(error, folder);
  return `it cannot be loaded: ${reason!.trim().slice(0, LONGEST_REASON)}${place === undefined ? "" : ` (${place})`}`;
}
