// docs/design.md as a reader follows it: its file, its commands made smaller, its program as it stands there.
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { createLanguage } from "../../src/data/language.ts";
import { builtFolder, main, root } from "../built.ts";
import { lookAtPages } from "../report/left.ts";
import { run } from "../run.ts";

const folder = builtFolder();
const text = readFileSync(join(root, "docs", "design.md"), "utf8");
const blocks = (kind: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${kind}\n(.*?)^\`\`\`$`, "gms"))].map(([, block]) => block!);
const commands = blocks("sh")
  .flatMap((block) => block.trim().split("\n"))
  .filter((line) => line.startsWith("npx scantling "))
  .map((line) => line.slice("npx scantling ".length).replace(/\s*#.*$/, ""));

/** As written, but small: how long it searches is not what is shown. */
function shortened(command: string): string {
  if (!command.startsWith("design ")) return command;
  if (command.includes("--out ")) {
    return command.replace("4e11flops --parameters 20k", "6e9flops --candidates two.yaml --rates 0.004");
  }
  const dry = command.replace(" --dry-run", "");
  if (command.includes("mine.yaml")) return `${dry.replace("3e14", "3e13")} --dry-run`;
  const small = dry
    .replace("--budget 2h", "--budget 10m --parameters 20k")
    .replace("3e14flops", "3e12flops")
    .replace("1M", "20k");
  return `${small} --length 32 --batch 4 --dry-run`;
}

const call = (words: string, program = [process.execPath, main]) =>
  run("/bin/sh", ["-c", `"$0" "$@" ${words}`, ...program], folder.path);

beforeAll(() => {
  const { path } = folder;
  const language = createLanguage();
  writeFileSync(join(path, "book.txt"), language.decode(language.generate(3, 400_000)));
  writeFileSync(join(path, "mine.yaml"), blocks("yaml")[0]!);
  const two =
    "{ a: { architecture: { width: 16, layers: 1 } }, b: { architecture: { width: 8, layers: 2 } } }";
  writeFileSync(join(path, "two.yaml"), two);
  mkdirSync(join(path, "node_modules"));
  symlinkSync(root, join(path, "node_modules", "scantling"));
  writeFileSync(join(path, "package.json"), '{ "type": "module" }');
}, 600_000);

// One after the other: later ones use what earlier ones leave. What begins as another one goes on is the same when small.
test.each([...new Set(commands.map(shortened))])(
  "npx scantling %s",
  async (command) => {
    const { code, out, err } = await call(command);
    expect([code, code === 0 ? "" : err]).toEqual([0, ""]);
    expect(out.length).toBeGreaterThan(10);
  },
  900_000,
);

test("what the first command leaves is what the page says", () => {
  expect(commands[0]).toContain("--out runs/first");
  for (const name of ["report.html", "result.json", "search", "winner", "winner/report.html"]) {
    expect(existsSync(join(folder.path, "runs", "first", name))).toBe(true);
  }
});

test("the program runs", async () => {
  writeFileSync(join(folder.path, "program.js"), blocks("js")[0]!);
  const { code, out, err } = await call("program.js", [process.execPath]);
  expect([code, code === 0 ? "" : err]).toEqual([0, ""]);
  expect(out).toMatch(/^the lowest [^\n]*\n\d+\.\d+ runs.two.report\.html\n$/);
}, 900_000);

test("the pages of both and of their winners are drawn whole, without a complaint, on phones too", async () => {
  const { pages, faults } = await lookAtPages(folder.path);
  expect(pages.length).toBe(4);
  expect(faults).toEqual([]);
}, 300_000);
