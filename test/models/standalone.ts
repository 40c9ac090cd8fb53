// Runs a program of the tests in a process of its own, so that its memory and its threads are its own.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Compiles a program of this folder, runs it with whole numbers as arguments, and reads the JSON it prints. */
export function runStandalone(name: string, args: readonly number[]): unknown {
  // Inside the package, so that its dependencies are found.
  const folder = mkdtempSync(join(root, "node_modules", ".scantling-models-"));
  try {
    const compiler = createRequire(import.meta.url).resolve("typescript/bin/tsc");
    const target = ["--target", "es2023", "--module", "nodenext", "--types", "node", "--noCheck"];
    const layout = ["--rewriteRelativeImportExtensions", "--rootDir", root, "--outDir", folder];
    const source = join(root, "test", "models", `${name}.ts`);
    execFileSync(process.execPath, [compiler, source, ...target, ...layout], { cwd: root, stdio: "inherit" });
    cpSync(join(root, "src", "kernels"), join(folder, "src", "kernels"), { recursive: true });
    const program = join(folder, "test", "models", `${name}.js`);
    const output = execFileSync(process.execPath, [program, ...args.map(String)], { encoding: "utf8" });
    return JSON.parse(output);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
