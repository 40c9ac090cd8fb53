// The library as it is built, for tests of its own processes: built anew before them, with a folder that is removed after them.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";
import { temporaryFolder } from "./cli/harness.ts";

export const root = fileURLToPath(new URL("..", import.meta.url));
/** Of the built library. */
export const dist = join(root, "dist");
/** The program. */
export const main = join(dist, "cli", "main.js");

/** Called once in a file, outside its tests. */
export function builtFolder(): { readonly path: string } {
  const folder = temporaryFolder();
  beforeAll(() => {
    execFileSync(process.execPath, ["scripts/build.js"], { cwd: root });
  }, 600_000);
  afterAll(() => folder.remove());
  return folder;
}
