// scantling.config.ts: where it is found, that what it imports is this very library, and what is wrong with one.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as library from "../../src/index.ts";
import { primitives } from "../../src/nn/primitives.ts";
import { refusal, scantling, temporaryFolder } from "./harness.ts";

const { path: folder, remove } = temporaryFolder();
const before = process.cwd();
beforeAll(() => process.chdir(folder));
afterAll(() => {
  process.chdir(before);
  remove();
});

const header = 'import { defineConfig, definePrimitive, registerPrimitives, tensor } from "scantling";\n';
const primitive = (name: string, apply = "x") =>
  `definePrimitive({ name: "${name}", settings: {}, resolve: (s) => s, causal: () => true,\n` +
  `apply: (_, __, ___, x) => ${apply} })`;
const config = (...list: string[]) => `${header}export default defineConfig({ primitives: [${list}] });\n`;

/** Makes a folder with files the working folder. */
function inFolder(name: string, files: Readonly<Record<string, string>>): void {
  const path = join(folder, name);
  mkdirSync(path);
  process.chdir(path);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(path, file, ".."), { recursive: true });
    writeFileSync(join(path, file), text);
  }
}

const architecture = (name: string) => `vocabulary: 9\nlength: 4\nwidth: 8\nstripe: "[${name}, gelu] × 2"\n`;
const total = async (words: readonly string[]) => {
  const { exitCode, out, err } = await scantling(["count", "--json", ...words]);
  expect([exitCode, err]).toEqual([0, ""]);
  return (JSON.parse(out) as { parameters: { total: number } }).parameters.total;
};

describe("a configuration", () => {
  it.each(["ts", "mts", "js", "mjs"])("is found as scantling.config.%s", async (ending) => {
    const name = `found-${ending}`;
    inFolder(name, { [`scantling.config.${ending}`]: config(primitive(name)), "a.yaml": architecture(name) });
    expect(await total(["a.yaml"])).toBeGreaterThan(100);
  });

  it("can lie elsewhere, and may be read twice", async () => {
    inFolder("elsewhere", {
      "parts/own.ts": config(primitive("elsewhere")),
      "a.yaml": architecture("elsewhere"),
    });
    for (let i = 0; i < 2; i++) await total(["a.yaml", "--config", "parts/own.ts"]);
  });

  it("is TypeScript, with imports, and gets this very library wherever it is imported", async () => {
    inFolder("typed", {
      "scantling.config.ts":
        'import * as direct from "scantling";\nimport { first } from "./parts/first.ts";\n' +
        'import { packed } from "packed";\nimport { readFileSync } from "node:fs";\n' +
        "enum Kind { One = 'one' }\nconst kind: Kind = Kind.One; await Promise.resolve();\n" +
        "(globalThis as unknown as { met: unknown }).met = [direct.definePrimitive, packed, first.registerPrimitives, typeof readFileSync];\n" +
        "export default direct.defineConfig({ primitives: [first.made] satisfies unknown[] });",
      "parts/first.ts":
        `${header}import type { Scope } from "scantling";\nlet scope: Scope | undefined;\n` +
        `export const first = { made: ${primitive("typed")}, registerPrimitives };`,
      "node_modules/packed/package.json": '{ "name": "packed", "type": "module", "exports": "./index.js" }',
      "node_modules/packed/index.js":
        'import { definePrimitive } from "scantling"; export const packed = definePrimitive;',
      "a.yaml": architecture("typed"),
    });
    await total(["a.yaml"]);
    const { met } = globalThis as unknown as { met: unknown };
    expect(met).toEqual([
      library.definePrimitive,
      library.definePrimitive,
      library.registerPrimitives,
      "function",
    ]);
  });

  it("may say nothing", async () => {
    inFolder("nothing", { "scantling.config.ts": "export default {};" });
    expect(await total(["gpt2"])).toBe(124_439_808);
  });

  it("is not read by commands that meet no architecture", async () => {
    inFolder("unread", { "scantling.config.ts": 'throw new Error("read");' });
    expect((await scantling(["data"])).exitCode).toBe(0);
    expect((await scantling(["count", "--help"])).out).toContain("--config <file>");
    expect((await refusal(["count", "gpt2"])).err).toContain("read");
    const { err } = await refusal(["data", "--config", "x.ts"]);
    expect(err).toContain("unknown option '--config'");
  });
});

describe("one clear line, exit code 2, for a configuration that", () => {
  it.each<[string, string, string | RegExp]>([
    [
      "is no program",
      "export default {{",
      /^wrong.ts: it cannot be loaded: .*Unexpected token wrong.ts:1:\d+$/,
    ],
    [
      "throws",
      'const a: number = 1;\n\nthrow new Error("no\\nway");',
      "it cannot be loaded: no way (wrong.ts:3)",
    ],
    ["throws what is no error", "throw Object.create(null);", "it cannot be loaded: {}"],
    [
      "imports what is not there",
      'import "./absent.ts";',
      "it cannot be loaded: Cannot find module './absent.ts'",
    ],
    [
      "calls what is not there",
      'import { defne } from "scantling"; defne();',
      "defne) is not a function (wrong.ts:1)",
    ],
    [
      "has no default export",
      "export const primitives = [];",
      "it has no default export; expected export default defineConfig",
    ],
    ["is empty", "", "it has no default export"],
    ["is no object", "export default 7;", "config: expected an object of settings, got 7"],
    ["has no list", "export default { primitives: 7 };", "config: primitives is 7; expected a list"],
    [
      "has an unknown key",
      "export default { primitivs: [] };",
      'config: unknown key "primitivs"; did you mean "primitives"?',
    ],
    [
      "lists a function",
      "export default { primitives: [() => 1] };",
      "primitives[0] is () => 1; expected what definePrimitive",
    ],
    [
      "lists nothing",
      "export default { primitives: [null] };",
      "primitives[0] is null; expected what definePrimitive",
    ],
    [
      "lists what only looks like one",
      `${header}export default { primitives: [{ ...${primitive("copy")} }] };`,
      'primitives[0] is {"name":"copy"',
    ],
    ["takes a built-in name", config(primitive("attention")), 'there is a primitive "attention" already'],
    [
      "takes a name twice",
      config(primitive("two"), primitive("two")),
      'primitives[1]: there is a primitive "two" already',
    ],
    [
      "takes a name that patterns cannot have",
      config(primitive("x3")),
      'definePrimitive: its name is "x3"; expected a letter',
    ],
  ])("%s", async (name, text, message) => {
    inFolder(`that ${name}`, { "wrong.ts": text });
    const { exitCode, err } = await refusal(["count", "gpt2", "--config", "wrong.ts"]);
    expect(err).toMatch(message);
    expect(exitCode).toBe(2);
    expect(primitives.has("two")).toBe(false);
  });

  it("is none", async () => {
    inFolder("none", { "parts/a.ts": "" });
    for (const name of ["missing.ts", "parts", "/dev/null"]) {
      const { exitCode, err } = await refusal(["count", "gpt2", "--config", name]);
      expect([exitCode, err]).toEqual([
        2,
        `${name}: there is no such file; name a configuration, such as scantling.config.ts`,
      ]);
    }
    execFileSync("mkfifo", ["scantling.config.ts"]);
    expect((await refusal(["count", "gpt2"])).err).toContain("scantling.config.ts: there is no such file");
  });

  it("lies beside another", async () => {
    inFolder("beside", { "scantling.config.ts": config(), "scantling.config.mjs": config() });
    const { exitCode, err } = await refusal(["count", "gpt2"]);
    expect(exitCode).toBe(2);
    expect(err).toBe("scantling.config.ts and scantling.config.mjs lie side by side; keep one of them");
  });
});

describe("a primitive that does not keep to the contract is named, with the place in its file", () => {
  it.each([
    ["thrown", "tensor.reshape(x, [7])", /^scantling\.config\.ts:3: RangeError: /],
    [
      "narrow",
      "tensor.mean(x, [2], true)",
      "primitive narrow: apply gives f32 [1,1,1]; expected f32 [1,1,8]",
    ],
    ["silent", "undefined", "primitive silent: apply gives nothing; expected f32 [1,1,8]"],
  ])("%s", async (name, apply, message) => {
    inFolder(name, { "scantling.config.ts": config(primitive(name, apply)), "a.yaml": architecture(name) });
    const { exitCode, err } = await refusal(["count", "a.yaml"]);
    expect(err).toMatch(message);
    expect(exitCode).toBe(2);
  });
});
