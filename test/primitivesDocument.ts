// The files and commands of docs/primitives.md, as they stand there.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const text = readFileSync(fileURLToPath(new URL("../docs/primitives.md", import.meta.url)), "utf8");

function block(kind: string, part: string): string {
  const found = [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(
    ([, of, content]) => of === kind && content!.includes(part),
  );
  if (found.length !== 1) throw new Error(`docs/primitives.md has ${found.length} blocks with ${part}`);
  return found[0]![2]!;
}

/** By name. */
export const files = {
  "moving-average.ts": block("ts", "definePrimitive({"),
  "scantling.config.ts": block("ts", "defineConfig({"),
  "small.yaml": block("yaml", "stripe:"),
  "check.ts": block("ts", "checkPrimitive("),
  "program.ts": block("ts", "registerPrimitives(["),
} as const;

/** Words after `npx scantling`. */
export const commands = block("sh", "npx scantling")
  .trim()
  .split("\n")
  .map((line) => line.replace(/^npx scantling /, ""));

/** A folder outside the project with all files. */
export function exampleFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "scantling-example-"));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
