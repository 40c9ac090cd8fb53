// Every example of the README and of the pages that go on from it, as it stands there: commands in a fresh folder with
// texts in it, one for each page, and programs against the built package.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLanguage } from "../src/data/language.ts";
import { temporaryFolder } from "./cli/harness.ts";
import { lookAtPages } from "./report/left.ts";
import { run } from "./run.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const main = join(root, "dist", "cli", "main.js");
const folder = temporaryFolder();
const dataFolder = process.env.SCANTLING_DATA;
const hasShakespeare = dataFolder !== undefined && existsSync(join(dataFolder, "tinyshakespeare"));

const pages = [
  ...["README", "training", "speed", "studies", "tasks", "architectures", "backbones", "images"],
  ...["export", "growth", "growth-methods", "pruning", "ladder"],
];

const textOf = (page: string): string =>
  readFileSync(join(root, page === "README" ? "README.md" : `docs/${page}.md`), "utf8");
const blocks = (page: string, kind: string): string[] =>
  [...textOf(page).matchAll(new RegExp(`^\`\`\`${kind}\n(.*?)^\`\`\`$`, "gms"))].map(([, block]) => block!);

/** Words after `npx scantling`, one command each. */
const commandsOf = (page: string): string[] =>
  blocks(page, "sh")
    .flatMap((block) => block.replaceAll("\\\n", " ").trim().split("\n"))
    .filter((line) => line.startsWith("npx scantling "))
    .map((line) => line.slice("npx scantling ".length).replace(/\s+#.*/, ""));

/** Examples that are not run here, and why. */
const elsewhere = [
  /^data fetch/, // needs the network; test/data/named fetches from this machine
  /^reproduce \w+ --scale/, // ten minutes; test/claims/reproduce.slow.test.ts
  /^ladder isoflop .*--out runs\/ladder$/, // the same as on the page of ladders, which is run
  /^ladder .*--data book\.txt/, // half an hour and more; test/ladder/shape.slow.test.ts
  /^ladder state /, // architectures of one's own; test/ladder/study.slow.test.ts makes some
  /--data (mnist|photos|cifar10)/, // data sets of one's own; test/cli/images and test/data/images make some
];
const isRun = (command: string): boolean =>
  !elsewhere.some((pattern) => pattern.test(command)) &&
  (hasShakespeare || !command.includes("tinyshakespeare"));

/** A command with a shorter training: how long it trains is not what it shows. */
function shortened(command: string): string {
  return (
    command
      .replace(/--minutes \S+/, "--minutes 0.1")
      // A run that is gone on with has 10 steps and keeps its evaluations.
      .replace(/--steps \S+/, command.includes("--resume") ? "--steps 20" : "--steps 10 --evaluate-every 10")
      .replace(/"step": \d+/, '"step": 5')
      .replace(/"over": \{"steps": \d+\}/, '"over": {"steps": 2}')
      .replace("--budgets 3e9,6e9,1.2e10,2.4e10", "--budgets 1e9,2e9,4e9,8e9")
      .replace("--mask-steps 200", "--mask-steps 2")
      .replace("--resume runs/book", "--resume runs/book --sample-tokens 10")
  );
}

const folderOf = (page: string): string => join(folder.path, page);

async function succeed(command: string, page: string): Promise<void> {
  const { code, err } = await run(
    "/bin/sh",
    ["-c", `"$0" "$@" ${command}`, process.execPath, main],
    folderOf(page),
  );
  expect([code, code === 0 ? "" : err]).toEqual([0, ""]);
}

beforeAll(async () => {
  execFileSync(process.execPath, ["scripts/build.js"], { cwd: root });
  const language = createLanguage();
  const book = `It was ${language.decode(language.generate(3, 300_000))}`;
  const texts = [4, 5].map((seed) => language.decode(language.generate(seed, 50_000)));
  for (const page of pages) {
    const path = folderOf(page);
    mkdirSync(join(path, "texts", "more"), { recursive: true });
    mkdirSync(join(path, "node_modules"));
    symlinkSync(root, join(path, "node_modules", "scantling"));
    symlinkSync(join(root, "examples"), join(path, "examples"));
    writeFileSync(join(path, "package.json"), '{ "type": "module" }');
    writeFileSync(join(path, "book.txt"), book);
    writeFileSync(join(path, "beginning.txt"), "It was ");
    writeFileSync(join(path, "texts", "one.txt"), texts[0]!);
    writeFileSync(join(path, "texts", "more", "two.txt"), texts[1]!);
    // A file that commands use says its name: "# shapes.yaml: half a minute".
    for (const block of blocks(page, "yaml")) {
      const name = /^# ([\w.-]+\.yaml)/m.exec(block)?.[1];
      if (name !== undefined) writeFileSync(join(path, name), block);
    }
  }
  // Where a page does not begin by making it, runs/book is there.
  await succeed("train --data book.txt --steps 10 --evaluate-every 10 --sample-tokens 10", "export");
  for (const page of ["growth", "growth-methods"]) {
    cpSync(join(folderOf("export"), "runs"), join(folderOf(page), "runs"), { recursive: true });
  }
});
afterAll(() => folder.remove());

describe.each(pages)("commands of %s", (page) => {
  const commands = commandsOf(page).filter(isRun);

  it("are found", () => expect(commands.length).toBeGreaterThan(page === "README" ? 7 : 1));

  // One after the other: later ones use what earlier ones leave.
  it.each(commands)("npx scantling %s", (command) => succeed(shortened(command), page));
});

it("npx finds the command of a checkout without asking the network", async () => {
  const { code, out } = await run("npx", ["--offline", "scantling", "--help"], root);
  expect([code, out.startsWith("Usage: scantling")]).toEqual([0, true]);
});

it("pages that the commands have left are drawn whole, without a complaint, on phones too", async () => {
  const { pages: left, faults } = await lookAtPages(folder.path);
  expect(left.length).toBeGreaterThan(8);
  expect(faults).toEqual([]);
});

describe("programs", () => {
  const programs = blocks("README", "ts");

  it.each(programs.map((program, i) => [i, program] as const))("number %i runs", async (i, program) => {
    const { outputText } = ts.transpileModule(program, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    const file = join(folderOf("README"), `program${i}.js`);
    writeFileSync(file, outputText);
    const { code, out, err } = await run(process.execPath, [file], folderOf("README"));
    expect([code, code === 0 ? "" : err]).toEqual([0, ""]);
    if (program.includes("gradients")) expect(out.trim()).toBe("14 [ 2, 4, 6 ]");
    else expect(out.trim().split("\n").length).toBeGreaterThan(3);
  });

  it("have the types that the package declares", () => {
    const files = programs.map((program, i) => {
      const file = join(folderOf("README"), `typed${i}.ts`);
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
    const diagnostics = ts.getPreEmitDiagnostics(ts.createProgram(files, options));
    expect(diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, " "))).toEqual(
      [],
    );
  });
});

interface MadDocument {
  readonly results: readonly { readonly architecture: string; readonly score: number }[];
  readonly verdicts: { readonly mean: readonly { readonly verdict: string }[] };
  readonly report: string;
}

interface StudyDocument {
  readonly arms: readonly { readonly name: string; readonly test: { readonly loss: number } | null }[];
  readonly pairs: readonly { readonly verdict: string; readonly winner: string | null }[];
  readonly failures: readonly unknown[];
  readonly report: string;
}

describe("what the README promises", () => {
  it("the study that it shows is the one that npm start runs", () => {
    const file = readFileSync(join(root, "examples", "wide-or-deep.yaml"), "utf8");
    expect(blocks("README", "yaml")).toEqual([file.replace(/^#.*\n/, "")]);
  });

  it("npm start ends within four minutes with three arms, a win, a report and what to do next", async () => {
    const out = join(folder.path, "start");
    const start = (...words: readonly string[]) =>
      run("npm", ["start", "--silent", "--", "--out", out, ...words], root);
    const told = await start();
    expect([told.code, told.code === 0 ? "" : told.err]).toEqual([0, ""]);
    expect(told.seconds).toBeLessThan(240);
    expect(told.err).toMatch(/stage 1: 9 jobs/);
    expect(told.out).toMatch(/^win: .* over .* by \d\.\d+ nat \[/m);
    expect(told.out).toMatch(
      /^next, on your own text: npx scantling study examples\/wide-or-deep\.yaml --data /m,
    );
    // The same command goes on where it was: it is done.
    const { arms, pairs, failures, report } = JSON.parse((await start("--json")).out) as StudyDocument;
    expect(arms.filter(({ test }) => test !== null).length).toBe(3);
    expect(
      pairs.filter(({ verdict, winner }) => verdict === "win" && winner !== null).length,
    ).toBeGreaterThan(0);
    expect(failures).toEqual([]);
    expect(existsSync(report)).toBe(true);
  });

  it("the example of mad ends with an arm above 90 %, a win and a report", async () => {
    const command = commandsOf("README").find((line) => line.startsWith("mad "))!;
    // What the command has left is gone on with: nothing is trained again where it has run.
    const { code, out } = await run(
      process.execPath,
      [main, ...command.split(" "), "--json"],
      folderOf("README"),
    );
    expect(code).toBe(0);
    const { results, verdicts, report } = JSON.parse(out) as MadDocument;
    expect(new Set(results.map(({ architecture }) => architecture)).size).toBe(2);
    expect(Math.max(...results.map(({ score }) => score))).toBeGreaterThan(0.9);
    expect(verdicts.mean.filter(({ verdict }) => verdict === "win").length).toBeGreaterThan(0);
    expect(existsSync(join(folderOf("README"), report))).toBe(true);
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

  // Half of the steps have to do, in half of the eight minutes: the command's own take as long as all else here.
  it.runIf(hasShakespeare)("half of the Tiny Shakespeare command reaches 1.7 in four minutes", async () => {
    const command = commandsOf("training").find((line) => line.includes("tinyshakespeare"))!;
    const halved = command.replace("--steps 2000", "--steps 1000").replace(/--out \S+/, "--out runs/half");
    const words = [...halved.split(" "), "--json"];
    const { code, out, seconds } = await run(process.execPath, [main, ...words], folderOf("training"));
    const result = JSON.parse(out) as { validationLoss: number; parameters: number };
    expect(code).toBe(0);
    expect(result.parameters).toBeLessThanOrEqual(900_000);
    expect(result.validationLoss).toBeLessThan(1.7);
    expect(halved).toContain("--steps 1000");
    expect(seconds).toBeLessThan(240);
  });
});
