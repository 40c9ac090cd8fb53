// Compiles the kernels to WebAssembly, for machines without a C compiler. What it makes is kept in the repository beside a
// manifest that says what it was made of, by what, and what its hash is. Needs clang with its wasm32 target, and wasm-ld.
//
//   node scripts/buildWasm.js              makes src/kernels/wasm/*.wasm and manifest.json
//   node scripts/buildWasm.js --out DIR    makes them there instead
//   node scripts/buildWasm.js --check      fails where the sources or the modules are not those of the manifest
//   … --kernels DIR                        another folder of sources than src/kernels
//
// CLANG and WASM_LD name the programs; by default those of version 19.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const clang = process.env.CLANG || "clang-19";
const linker = process.env.WASM_LD || "wasm-ld-19";

// What wasm/ has for WebAssembly, or needs an operating system.
const hostSources = new Set(["runtime.c", "memory.c", "peak.c", "replay.c"]);

// No contraction: a multiply-add rounds twice on every machine. LLVM's strength reduction of loops hides constant offsets
// of addresses, which cost nothing where they are part of a load. WebAssembly cannot prefetch; loops that do nothing else
// are to vanish.
const compilerFlags = [
  ...["--target=wasm32", "-std=c11", "-O3", "-nostdlib", "-Iwasm/include", "-Wall", "-Werror"],
  ...["-msimd128", "-matomics", "-mbulk-memory"],
  ...["-fno-math-errno", "-ffp-contract=off", "-mllvm", "-disable-lsr"],
  "-D__builtin_prefetch(p,...)=((void)(p))",
];
const linkerFlags = [
  ...["--no-entry", "--strip-all", "--gc-sections", "-O2"],
  ...["--import-memory", "--shared-memory", "--max-memory=4294967296"],
  ...["--stack-first", "-z", "stack-size=524288", "--export=__heap_base", "--export=__stack_pointer"],
];
const modules = {
  "kernels.wasm": [],
  // One rounding where the processor has it: the last bits may differ between types of processors.
  "kernels-relaxed.wasm": ["-mrelaxed-simd"],
};

function list(folder) {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => /\.[ch]$/.test(name) && !hostSources.has(name))
    .sort();
}

function sha256(...parts) {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

/** Everything but the compiler that decides what the modules hold. */
function sourcesHash(kernels) {
  const files = list(kernels).flatMap((name) => [`\n${name}\n`, readFileSync(join(kernels, name))]);
  return sha256(JSON.stringify([compilerFlags, linkerFlags, modules]), ...files);
}

function execute(program, args, folder) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: folder, encoding: "utf8" });
  if (status === 0) return stdout;
  throw new Error(`${program} failed: ${error?.message ?? stderr.trim()}`);
}

const firstLine = (text) => text.split("\n", 1)[0];

function compileModule(kernels, flags, to) {
  const place = mkdtempSync(join(tmpdir(), "scantling-wasm-"));
  try {
    const objects = list(kernels)
      .filter((name) => name.endsWith(".c"))
      .map((name, i) => {
        const object = join(place, `${i}.o`);
        execute(clang, [...compilerFlags, ...flags, "-c", name, "-o", object], kernels);
        return object;
      });
    execute(linker, [...linkerFlags, ...objects, "-o", to], kernels);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function build(kernels, folder) {
  mkdirSync(folder, { recursive: true });
  const made = {};
  for (const [name, flags] of Object.entries(modules)) {
    compileModule(kernels, flags, join(folder, name));
    made[name] = sha256(readFileSync(join(folder, name)));
  }
  const manifest = {
    sources: sourcesHash(kernels),
    compiler: firstLine(execute(clang, ["--version"], kernels)),
    linker: firstLine(execute(linker, ["--version"], kernels)),
    compilerFlags: compilerFlags.join(" "),
    linkerFlags: linkerFlags.join(" "),
    modules: made,
  };
  writeFileSync(join(folder, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}

function check(kernels) {
  const folder = join(kernels, "wasm");
  const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
  const again = "run `npm run build:wasm`";
  if (manifest.sources !== sourcesHash(kernels)) {
    throw new Error(`${folder}: the modules were made of other kernels than there are now: ${again}`);
  }
  for (const name of Object.keys(modules)) {
    if (manifest.modules[name] === sha256(readFileSync(join(folder, name)))) continue;
    throw new Error(`${join(folder, name)} is not what the manifest says: ${again}`);
  }
}

const { values } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    kernels: { type: "string", default: join(root, "src", "kernels") },
    out: { type: "string" },
  },
});
try {
  const kernels = resolve(values.kernels);
  if (values.check) check(kernels);
  else build(kernels, resolve(values.out ?? join(kernels, "wasm")));
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
