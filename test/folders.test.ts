import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { freeBytes, isFolder, makeFolder, nearestExisting } from "../src/folders.ts";

const root = mkdtempSync(join(tmpdir(), "scantling-folders-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("makeFolder", () => {
  it("makes missing parents, and nothing where the folder is there", () => {
    const deep = join(root, "a", "b", "c");
    makeFolder(deep);
    makeFolder(deep);
    expect(existsSync(deep)).toBe(true);
  });

  it("says when a file is in the way", () => {
    writeFileSync(join(root, "file"), "");
    expect(() => makeFolder(join(root, "file"))).toThrow(expect.objectContaining({ code: "EEXIST" }));
    expect(() => makeFolder(join(root, "file", "inside"))).toThrow(
      expect.objectContaining({ code: "ENOTDIR" }),
    );
  });

  it.skipIf(!existsSync("/proc/self"))("gives up where the system refuses in its own way", () => {
    expect(() => makeFolder("/proc/scantling/run")).toThrow(/ENOENT|EACCES|EPERM/);
  });
});

describe("what is known of folders", () => {
  it("finds the nearest that is there, and whether it is a folder", () => {
    const file = join(root, "known");
    writeFileSync(file, "");
    expect(nearestExisting(join(root, "not", "there"))).toBe(root);
    expect(nearestExisting(file)).toBe(file);
    expect([root, file, join(root, "not")].map(isFolder)).toEqual([true, false, false]);
  });

  it("asks the disk for its room", () => {
    expect(freeBytes(root)).toBeGreaterThan(0);
    expect(() => freeBytes(join(root, "not", "there"))).toThrow(expect.objectContaining({ code: "ENOENT" }));
  });

  it.skipIf(!existsSync("/proc/self"))(
    "does not take a file system that counts nothing for a full one",
    () => {
      expect(freeBytes("/proc")).toBe(null);
    },
  );
});
