import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WorkError } from "../../src/errors.ts";
import {
  createFolder,
  removeFolder,
  removeUnfinished,
  replaceFile,
  requireSpace,
  writeDurably,
} from "../../src/train/files.ts";

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "scantling-files-"));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const bytes = (text: string) => new TextEncoder().encode(text);

test("a folder appears with everything in it, never over another, and goes", () => {
  const path = join(base, "deep", "7");
  createFolder(path, (folder) => writeDurably(join(folder, "a"), [bytes("one "), bytes("two")]));
  expect(readFileSync(join(path, "a"), "utf8")).toBe("one two");
  expect(() => createFolder(path, (folder) => writeDurably(join(folder, "b"), []))).toThrow(WorkError);
  expect(readdirSync(path)).toEqual(["a"]);
  expect(readdirSync(join(base, "deep"))).toEqual(["7"]);
  removeFolder(path);
  expect(readdirSync(join(base, "deep"))).toEqual([]);
});

test("what an interrupted write has left is removed, and nothing else", () => {
  mkdirSync(join(base, ".partial-7-12"));
  writeFileSync(join(base, ".partial-7-12", "model.safetensors"), "half");
  writeFileSync(join(base, ".partial-7-config.json"), "{");
  writeFileSync(join(base, "config.json"), "{}");
  removeUnfinished(base);
  expect(readdirSync(base)).toEqual(["config.json"]);
});

test("a disk with too little room is refused before anything is written, with both sizes", () => {
  requireSpace(base, 1, "a checkpoint");
  const { bavail, bsize } = statfsSync(base);
  const refused = () => requireSpace(join(base, "not", "yet"), 2 * bavail * bsize, "a checkpoint");
  expect(refused).toThrow(WorkError);
  expect(refused).toThrow(/a checkpoint needs [\d.]+[kMGT]B and the disk has [\d.]+[kMGT]B left; free some/);
});

test.runIf(process.platform === "linux")(
  "a disk that fills up leaves what was there before, and nothing else",
  () => {
    const path = join(base, "7");
    createFolder(join(base, "6"), (folder) => writeDurably(join(folder, "a"), [bytes("old")]));
    const refused = () =>
      createFolder(path, (folder) => {
        writeDurably(join(folder, "a"), [bytes("new")]);
        symlinkSync("/dev/full", join(folder, "b"));
        writeDurably(join(folder, "b"), [bytes("too much")]);
      });
    expect(refused).toThrow(WorkError);
    expect(refused).toThrow(`cannot write ${path}: no space is left on the disk`);
    expect(readdirSync(base)).toEqual(["6"]);
    expect(readFileSync(join(base, "6", "a"), "utf8")).toBe("old");
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
    createFolder(join(base, "7"), () => {
      throw new TypeError("bug");
    });
  expect(bug).toThrow(TypeError);
  expect(readdirSync(base)).toEqual([]);
});
