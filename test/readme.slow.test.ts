// Every example of the README, as it stands there: commands in a fresh folder with texts in it, programs against the
// built package.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLanguage } from "../src/data/language.ts";
import { temporaryFolder } from "./cli/harness.ts";
import { run } from "./run.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = temporaryFolder();
const dataFolder = process.env.SCANTLING_DATA;
const hasShakespeare = dataFolder !== undefined && existsSync(join(dataFolder, "tinyshakespeare"));

const readme = readFileSync(join(root, "README.md"), "utf8");
const blocks = (kind: string): string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`${kind}\n(.*?)^\`\`\`$`, "gms"))].map(([, block]) => block!);
const commands = blocks("sh")
  .flatMap((block) => block.trim().split("\n"))
  .filter((line) => line.startsWith("npx scantling "))
  .map((line) => line.slice("npx scantling ".length))
  // Needs the network; test/data/named fetches from this machine.
  .filter((command) => !command.startsWith("data fetch"));

beforeAll(() => {
  execFileSync(process.execPath, ["scripts/build.js"], { cwd: root });
  const { path } = folder;
  const language = createLanguage();
  writeFileSync(join(path, "book.txt"), `It was ${language.decode(language.generate(3, 300_000))}`);
  writeFileSync(join(path, "beginning.txt"), "It was ");
  mkdirSync(join(path, "texts", "more"), { recursive: true });
  writeFileSync(join(path, "texts", "one.txt"), language.decode(language.generate(4, 50_000)));
  writeFileSync(join(path, "texts", "more", "two.txt"), language.decode(language.generate(5, 50_000)));
  const [small, experts] = blocks("json");
  writeFileSync(join(path, "shapes.yaml"), blocks("yaml")[0]!);
  writeFileSync(join(path, "small.json"), small!);
  writeFileSync(join(path, "moe.json"), experts!);
  mkdirSync(join(path, "node_modules"));
  symlinkSync(root, join(path, "node_modules", "scantling"));
  writeFileSync(join(path, "package.json"), '{ "type": "module" }');
});
afterAll(() => folder.remove());

const main = join(root, "dist", "cli", "main.js");

/** A command of the README, with the long ones shortened: how long they train is not what is shown. */
function shortened(command: string): string {
  return command
    .replace(/--minutes \S+/, "--minutes 0.2")
    .replace(/--steps \S+/, "--steps 10 --evaluate-every 10")
    .replace("--resume runs/book", "--resume runs/book --sample-tokens 10");
}

describe("commands", () => {
  it("are found", () => {
    expect(commands.length).toBeGreaterThan(7);
  });

  // One after the other: later ones use what earlier ones leave.
  it.each(commands.filter((command) => hasShakespeare || !command.includes("tinyshakespeare")))(
    "npx scantling %s",
    async (command) => {
      const words = `"$0" "$@" ${shortened(command)}`;
      const { code, err } = await run("/bin/sh", ["-c", words, process.execPath, main], folder.path);
      expect([code, code === 0 ? "" : err]).toEqual([0, ""]);
    },
  );

  it("npx finds the command of a checkout without asking the network", async () => {
    const { code, out } = await run("npx", ["--offline", "scantling", "--help"], root);
    expect([code, out.startsWith("Usage: scantling")]).toEqual([0, true]);
  });
});

describe("programs", () => {
  it.each(blocks("ts").map((program, i) => [i, program] as const))("number %i runs", async (i, program) => {
    const { outputText } = ts.transpileModule(program, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    const file = join(folder.path, `program${i}.js`);
    writeFileSync(file, outputText);
    const { code, out, err } = await run(process.execPath, [file], folder.path);
    expect([code, code === 0 ? "" : err]).toEqual([0, ""]);
    if (program.includes("gradients")) expect(out.trim()).toBe("14 [ 2, 4, 6 ]");
    else expect(out.trim().split("\n").length).toBeGreaterThan(3);
  });

  it("have the types that the package declares", () => {
    const programs = blocks("ts").map((program, i) => {
      const file = join(folder.path, `typed${i}.ts`);
      writeFileSync(file, program);
      return file;
    });
    const options: ts.CompilerOptions = {
      ...{
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        types: ["node"],
        typeRoots: [join(root, "node_modules/@types")],
      },
      module: ts.ModuleKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
    };
    const diagnostics = ts.getPreEmitDiagnostics(ts.createProgram(programs, options));
    expect(diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, " "))).toEqual(
      [],
    );
  });
});

interface MadDocument {
  readonly results: readonly {
    readonly architecture: string;
    readonly task: string;
    readonly score: number;
  }[];
  readonly verdicts: { readonly mean: readonly { readonly verdict: string }[] };
  readonly report: string;
}

describe("what the README promises", () => {
  it("npm start ends within four minutes with an arm above 90 %, a win and a report", async () => {
    const { code, out, seconds } = await run(
      "npm",
      ["start", "--silent", "--", "--json", "--out", join(folder.path, "mad")],
      root,
    );
    expect(code).toBe(0);
    const { results, verdicts, report } = JSON.parse(out) as MadDocument;
    expect(seconds).toBeLessThan(240);
    expect(new Set(results.map(({ task }) => task)).size).toBeGreaterThanOrEqual(2);
    expect(new Set(results.map(({ architecture }) => architecture)).size).toBe(4);
    expect(Math.max(...results.map(({ score }) => score))).toBeGreaterThan(0.9);
    expect(verdicts.mean.filter(({ verdict }) => verdict === "win").length).toBeGreaterThan(0);
    expect(existsSync(report)).toBe(true);
  });

  it("train alone ends at most 0.05 nat above the lowest possible loss", async () => {
    const { code, out } = await run(
      process.execPath,
      [main, "train", "--json", "--out", "language"],
      folder.path,
    );
    const result = JSON.parse(out) as { aboveOptimum: number; sample: string };
    expect(code).toBe(0);
    expect(result.aboveOptimum).toBeLessThan(0.05);
    // Not below it beyond the error of the sample of validation text.
    expect(result.aboveOptimum).toBeGreaterThan(-0.005);
    expect(result.sample.length).toBeGreaterThan(100);
  });

  it.runIf(hasShakespeare)("the Tiny Shakespeare command reaches its loss in eight minutes", async () => {
    const command = commands.find((line) => line.includes("tinyshakespeare"))!;
    const words = [...command.replace(/--out \S+/, "--out runs/full").split(" "), "--json"];
    const { code, out, seconds } = await run(process.execPath, [main, ...words], folder.path);
    const result = JSON.parse(out) as { validationLoss: number; parameters: number };
    expect(code).toBe(0);
    expect(result.parameters).toBeLessThanOrEqual(900_000);
    expect(result.validationLoss).toBeLessThan(1.7);
    expect(seconds).toBeLessThan(480);
  });
});
