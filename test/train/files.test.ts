import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WorkError } from "../../src/errors.ts";
import { replaceFile, replaceFolder, writeDurably } from "../../src/train/files.ts";

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "scantling-files-"));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const bytes = (text: string) => new TextEncoder().encode(text);

test("a folder appears with everything in it", () => {
  const path = join(base, "deep", "7");
  replaceFolder(path, (folder) => writeDurably(join(folder, "a"), [bytes("one "), bytes("two")]));
  expect(readFileSync(join(path, "a"), "utf8")).toBe("one two");
  replaceFolder(path, (folder) => writeDurably(join(folder, "b"), []));
  expect(readdirSync(path)).toEqual(["b"]);
  expect(readdirSync(join(base, "deep"))).toEqual(["7"]);
});

test.runIf(process.platform === "linux")(
  "a disk that fills up leaves what was there before, and nothing else",
  () => {
    const path = join(base, "7");
    replaceFolder(path, (folder) => writeDurably(join(folder, "a"), [bytes("old")]));
    const refused = () =>
      replaceFolder(path, (folder) => {
        writeDurably(join(folder, "a"), [bytes("new")]);
        symlinkSync("/dev/full", join(folder, "b"));
        writeDurably(join(folder, "b"), [bytes("too much")]);
      });
    expect(refused).toThrow(WorkError);
    expect(refused).toThrow(`cannot write ${path}: no space is left on the disk`);
    expect(readdirSync(base)).toEqual(["7"]);
    expect(readFileSync(join(path, "a"), "utf8")).toBe("old");
  },
);

test("a file is replaced in one move, and what is in the way is named", () => {
  const path = join(base, "config.json");
  replaceFile(path, "one");
  replaceFile(path, "two");
  expect(readFileSync(path, "utf8")).toBe("two");
  expect(readdirSync(base)).toEqual(["config.json"]);
  writeFileSync(join(base, "file"), "");
  expect(() => replaceFile(join(base, "file", "config.json"), "x")).toThrow("a file is in the way");
  expect(() => replaceFile(join(base, "none", "config.json"), "x")).toThrow("does not exist");
});

test("an error that is not the disk's stays what it is", () => {
  const bug = () =>
    replaceFolder(join(base, "7"), () => {
      throw new TypeError("bug");
    });
  expect(bug).toThrow(TypeError);
  expect(readdirSync(base)).toEqual([]);
});
