import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadText } from "../src/data/text.ts";
import { InputFileError, readInputFile } from "../src/inputFile.ts";

const posix = process.platform !== "win32";
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "scantling-input-"));
  writeFileSync(join(folder, "file"), "content");
  writeFileSync(join(folder, "empty"), "");
  writeFileSync(join(folder, "huge"), "");
  truncateSync(join(folder, "huge"), 2 ** 40);
  symlinkSync("file", join(folder, "link"));
  symlinkSync("circle", join(folder, "circle"));
  symlinkSync("nowhere", join(folder, "dangling"));
  if (posix) execFileSync("mkfifo", [join(folder, "pipe")]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (name: string, most = 100) => readInputFile(join(folder, name), most).toString("utf8");

test.each([
  ["file", "content"],
  ["link", "content"],
  ["empty", ""],
])("%s is read whole", (name, content) => {
  expect(read(name)).toBe(content);
});

describe("refused at once", () => {
  test("a folder, and more bytes than there should be, before they are read", () => {
    expect(() => read(".")).toThrow(new InputFileError("it is a folder"));
    expect(() => read("huge")).toThrow(new InputFileError(`it has ${2 ** 40} bytes; expected at most 100`));
    expect(() => read("file", 6)).toThrow("it has 7 bytes; expected at most 6");
    expect(read("file", 7)).toBe("content");
  });

  test.runIf(posix)("a pipe that nobody writes into, and a device without end", () => {
    expect(() => read("pipe")).toThrow(new InputFileError("it is a pipe or a device, not a file"));
    expect(() => readInputFile("/dev/zero", 100)).toThrow("it is a pipe or a device, not a file");
  });

  test("links that lead nowhere or in a circle", () => {
    expect(() => read("dangling")).toThrow("ENOENT");
    expect(() => read("circle")).toThrow("ELOOP");
  });

  test.runIf(posix)("as training data, in one line that names the file", async () => {
    const path = join(folder, "pipe");
    await expect(loadText({ data: path })).rejects.toThrow(
      `data: cannot read ${path}: it is a pipe or a device, not a file; expected a readable text file`,
    );
    await expect(loadText({ data: "/dev/zero" })).rejects.toThrow("cannot read /dev/zero: it is a pipe");
  });
});

test("a packed file that would fill the memory is refused", async () => {
  const path = join(folder, "bomb.txt.gz");
  const packed = gzipSync(Buffer.alloc(2 ** 27, 97));
  writeFileSync(path, packed);
  await expect(loadText({ data: path })).rejects.toThrow(
    `data: cannot unpack ${path}: ${packed.length} bytes become more than ${2 ** 26}; unpack the file yourself`,
  );
});
