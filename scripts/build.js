// Compiles src/ to dist/ and puts the C kernels' sources beside the compiled backend, which builds them on first use.
// Does nothing where dist/ is already made of these sources.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");
const compilerPackage = createRequire(import.meta.url).resolve("typescript/package.json");

/** SHA-256 over everything that decides what dist/ holds. */
function sourceHash() {
  const sources = readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
  const settings = ["tsconfig.json", "tsconfig.build.json", "package.json"].map((name) => join(root, name));
  const hash = createHash("sha256");
  for (const path of [...sources, ...settings, compilerPackage, fileURLToPath(import.meta.url)]) {
    hash.update(`${path.slice(root.length)}\n`).update(readFileSync(path));
  }
  return hash.digest("hex");
}

function builtFrom() {
  try {
    return readFileSync(join(dist, "sources.sha256"), "utf8");
  } catch {
    return null;
  }
}

/** The compiler leaves the names of sources in declarations; a package has none. */
function nameCompiledFiles(made) {
  for (const name of readdirSync(made, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".d.ts")) continue;
    const file = join(made, name);
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace(/((?:from|import)\s*\(?\s*"\.[^"]*)\.ts"/g, '$1.js"'));
  }
}

// Built aside and moved into place whole: a process that runs from dist/ or another build never meets half of it.
function build(hash) {
  const aside = mkdtempSync(join(root, "node_modules", ".scantling-build-"));
  try {
    const made = join(aside, "dist");
    const compiler = join(dirname(compilerPackage), "bin", "tsc");
    const project = join(root, "tsconfig.build.json");
    const { status } = spawnSync(process.execPath, [compiler, "-p", project, "--outDir", made], {
      stdio: "inherit",
    });
    if (status !== 0) {
      process.exitCode = 1; // the compiler has said why
      return;
    }
    nameCompiledFiles(made);
    cpSync(join(root, "src", "kernels"), join(made, "kernels"), { recursive: true });
    chmodSync(join(made, "cli", "main.js"), 0o755);
    writeFileSync(join(made, "sources.sha256"), hash);
    try {
      renameSync(dist, join(aside, "old"));
    } catch (error) {
      if (error.code !== "ENOENT") throw error;
    }
    renameSync(made, dist);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

// The first `npx scantling` in a checkout runs this, too. It must not change what a run beside it uses, nor fail where
// sources are being edited: npx would remember the failure.
const isNpx = process.env.npm_command === "exec" && existsSync(join(dist, "cli", "main.js"));
const hash = sourceHash();
if (!isNpx && builtFrom() !== hash) build(hash);
