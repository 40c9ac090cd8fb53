// The package as others get it: what is in the tarball, whether it installs, runs and has types in an empty project, and
// whether the examples of docs/library.md work there as they stand.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "scantling-package-"));
const project = join(folder, "project");
const document = readFileSync(join(root, "docs", "library.md"), "utf8");
const examples = [...document.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block]) => block!);

interface PackedFile {
  readonly path: string;
  readonly size: number;
}

let files: readonly PackedFile[] = [];
let packedBytes = 0;
/** Why the package could not be installed, where the registry cannot be reached. */
let offline: string | null = null;

function npm(words: readonly string[], cwd: string) {
  // What npm tells its scripts must not reach this one.
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)),
  );
  return spawnSync("npm", words, { cwd, env: environment, encoding: "utf8", maxBuffer: 1 << 26 });
}

beforeAll(() => {
  execFileSync(process.execPath, ["scripts/build.js"], { cwd: root });
  const packed = npm(["pack", "--json", "--ignore-scripts", "--pack-destination", folder], root);
  const [tarball] = JSON.parse(packed.stdout) as [{ filename: string; size: number; files: PackedFile[] }];
  files = tarball.files;
  packedBytes = tarball.size;
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{ "name": "empty", "private": true, "type": "module" }');
  const installed = npm(
    ["install", "--no-audit", "--no-fund", "--prefer-offline", join(folder, tarball.filename)],
    project,
  );
  if (installed.status === 0) return;
  if (!/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTCACHED/.test(installed.stderr)) {
    throw new Error(installed.stderr);
  }
  offline = "the npm registry cannot be reached";
}, 600_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }), 60_000);

describe("the tarball", () => {
  const paths = () => files.map(({ path }) => path);

  it("has what is needed to run, to compile the kernels and to read", () => {
    expect(paths()).toEqual(
      expect.arrayContaining([
        ...["package.json", "README.md", "LICENSE", "CHANGELOG.md"],
        ...["dist/index.js", "dist/index.d.ts", "dist/cli/main.js"],
        ...["dist/kernels/contract.c", "dist/kernels/tape.h"],
        ...["dist/kernels/wasm/kernels.wasm", "dist/kernels/wasm/kernels-relaxed.wasm"],
        "examples/wide-or-deep.yaml",
      ]),
    );
  });

  it("has nothing else", () => {
    const known =
      /^dist\/[\w/]+\.(js|d\.ts)$|^dist\/kernels\/([\w/]+\.[ch]|wasm\/[\w.-]+)$|^\w+\.md$|^LICENSE$|^package\.json$|^architecture\.schema\.json$|^examples\/[\w-]+\.yaml$/;
    expect(paths().filter((path) => !known.test(path))).toEqual([]);
    expect(paths().filter((path) => path.includes(".test."))).toEqual([]);
  });

  // Kernels and their WebAssembly are half of it; something stray, such as a data set or a second build, would double it.
  it("is small", () => expect(packedBytes).toBeLessThan(1_500_000));

  it("passes publint and are-the-types-wrong", () => {
    const { status, stdout } = npm(["run", "--silent", "check:package"], root);
    expect([status, status === 0 ? "" : stdout]).toEqual([0, ""]);
  });
});

describe("installed in an empty project", () => {
  it("runs as a command", ({ skip }) => {
    if (offline !== null) skip(offline);
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    const { status, stdout } = npm(["exec", "--offline", "scantling", "--", "--version"], project);
    expect([status, stdout.trim()]).toEqual([0, version]);
  });

  it("has the study of the README, which says what it would run", ({ skip }) => {
    if (offline !== null) skip(offline);
    const words = ["study", "node_modules/scantling/examples/wide-or-deep.yaml", "--dry-run"];
    const { status, stdout } = npm(["exec", "--offline", "scantling", "--", ...words], project);
    expect([status, stdout.match(/^\d+ × \d+ /gm)]).toEqual([0, ["1 × 128 ", "4 × 64 ", "16 × 32 "]]);
  });

  it("has a first example of about twenty lines", () => {
    expect(examples[0]!.trim().split("\n").length).toBeLessThanOrEqual(25);
  });

  it.for(examples.map((example, i) => [i, example] as const))("example %i runs", ([i, example], { skip }) => {
    if (offline !== null) skip(offline);
    const { outputText } = ts.transpileModule(example, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
    });
    const file = join(project, `example${i}.js`);
    writeFileSync(file, outputText);
    const { status, stdout, stderr } = spawnSync(process.execPath, [file], {
      cwd: project,
      encoding: "utf8",
    });
    expect([status, status === 0 ? "" : stderr]).toEqual([0, ""]);
    expect(stdout).not.toBe("");
  });

  it("can be required from CommonJS", ({ skip }) => {
    if (offline !== null) skip(offline);
    const script =
      "const { train, tensor } = require('scantling'); console.log(typeof train, typeof tensor.add);";
    const file = join(project, "common.cjs");
    writeFileSync(file, script);
    const { status, stdout, stderr } = spawnSync(process.execPath, [file], {
      cwd: project,
      encoding: "utf8",
    });
    expect([status, stdout.trim(), stderr]).toEqual([0, "function function", ""]);
  });
});

describe("where C code cannot be loaded", () => {
  it("the library still loads, and takes the wasm backend", ({ skip }) => {
    if (offline !== null) skip(offline);
    const koffi = join(project, "node_modules", "koffi");
    renameSync(koffi, `${koffi}-away`);
    mkdirSync(koffi);
    writeFileSync(join(koffi, "package.json"), '{ "type": "module", "exports": "./index.js" }');
    writeFileSync(join(koffi, "index.js"), 'throw new Error("not made for this system");');
    try {
      const file = join(project, "without.js");
      writeFileSync(
        file,
        `import { openMachine } from "scantling";
        const { machine } = await openMachine({ threads: 1, warn: (line) => console.log(line) });
        console.log(machine.name);
        machine.dispose();`,
      );
      const { stdout, stderr } = spawnSync(process.execPath, [file], { cwd: project, encoding: "utf8" });
      expect(stderr).toBe("");
      expect(stdout).toMatch(/^using the wasm backend.*the native backend cannot be loaded.*\nwasm\n$/);
    } finally {
      rmSync(koffi, { recursive: true });
      renameSync(`${koffi}-away`, koffi);
    }
  });
});

describe("its types", () => {
  const { NodeNext, Bundler } = ts.ModuleResolutionKind;
  const dom = { lib: ["lib.es2023.d.ts", "lib.dom.d.ts"], types: [] };
  const node = {
    lib: ["lib.es2023.d.ts"],
    types: ["node"],
    typeRoots: [join(root, "node_modules", "@types")],
  };

  it.for<[string, ts.CompilerOptions]>([
    ["nodenext, with @types/node", { module: ts.ModuleKind.NodeNext, moduleResolution: NodeNext, ...node }],
    ["bundler, with @types/node", { module: ts.ModuleKind.ESNext, moduleResolution: Bundler, ...node }],
    [
      "nodenext, with none but its own",
      { module: ts.ModuleKind.NodeNext, moduleResolution: NodeNext, ...dom },
    ],
    ["bundler, with none but its own", { module: ts.ModuleKind.ESNext, moduleResolution: Bundler, ...dom }],
  ])("are complete and strict under %s", ([, settings], { skip }) => {
    if (offline !== null) skip(offline);
    // The examples print, one writes a file; the package itself shows no type of Node.
    const bare = settings.types?.length === 0;
    const prelude = bare
      ? "declare const process: { env: Record<string, string | undefined>; stdout: { write(text: string): void } };"
      : "";
    const programs = examples
      .filter((example) => !(bare && example.includes('"node:')))
      .map((example, i) => {
        const file = join(project, `typed${i}.ts`);
        writeFileSync(file, `${example}\n${prelude}\nexport {};\n`);
        return file;
      });
    const options: ts.CompilerOptions = {
      ...{ strict: true, noEmit: true, skipLibCheck: false, target: ts.ScriptTarget.ES2023 },
      ...{ noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, verbatimModuleSyntax: true },
      ...settings,
    };
    const found = ts.getPreEmitDiagnostics(ts.createProgram(programs, options));
    const messages = found.map(
      ({ file, messageText }) =>
        `${file?.fileName ?? ""}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`,
    );
    expect(messages).toEqual([]);
  });
});

describe("the documentation of its functions", () => {
  it("can be made, and every export has some", () => {
    const { status, stdout, stderr } = npm(
      ["run", "--silent", "docs", "--", "--out", join(folder, "api")],
      root,
    );
    expect([status, status === 0 ? "" : stdout + stderr]).toEqual([0, ""]);
    expect(existsSync(join(folder, "api", "index.html"))).toBe(true);
  });
});
