// What is taken out of archives, and what hostile ones achieve: nothing.

import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { unpack } from "../../../src/data/named/unpack.ts";
import { WorkError } from "../../../src/errors.ts";
import { tarGz, zip } from "./archives.ts";

const first = randomBytes(300_000);
const second = Buffer.from("second");
const wanted = [
  { entry: "top/one.raw", file: "one.txt", atMost: 300_000 },
  { entry: "top/two.raw", file: "two.txt", atMost: 100 },
];

let base: string;
let folder: string;
let count = 0;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "scantling-unpack-"));
});
beforeEach(() => {
  folder = join(base, String(count++), "in");
  mkdirSync(join(folder, ".."));
  mkdirSync(folder);
});
afterAll(() => rmSync(base, { recursive: true }));

type Kind = "zip" | "tar.gz";
interface Entry {
  readonly name: string;
  readonly content: Uint8Array;
}

const made: Record<Kind, (entries: readonly Entry[]) => Buffer> = { zip, "tar.gz": tarGz };

function put(bytes: Uint8Array): string {
  const path = join(folder, "..", "archive");
  writeFileSync(path, bytes);
  return path;
}

async function failure(kind: Kind, bytes: Uint8Array): Promise<string> {
  const error = await unpack(put(bytes), { kind, files: wanted }, folder).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(WorkError);
  expect((error as Error).message).not.toContain("\n");
  return (error as Error).message;
}

describe.each<Kind>(["zip", "tar.gz"])("%s", (kind) => {
  const entries: readonly Entry[] = [
    { name: "top/other.raw", content: randomBytes(1000) },
    { name: "top/one.raw", content: first },
    { name: "top/two.raw", content: second },
  ];

  test("gives the wanted files, under their names here", async () => {
    const stored = await unpack(put(made[kind](entries)), { kind, files: wanted }, folder);
    expect(readdirSync(folder).sort()).toEqual(["one.txt", "two.txt"]);
    expect(readFileSync(join(folder, "one.txt")).equals(first)).toBe(true);
    expect(readFileSync(join(folder, "two.txt")).equals(second)).toBe(true);
    const sha256 = createHash("sha256").update(first).digest("hex");
    expect(stored[0]).toEqual({ file: "one.txt", bytes: 300_000, sha256 });
  });

  test("takes no path from the archive", async () => {
    const hostile = [
      "../evil",
      "/tmp/scantling-evil",
      "top/../../evil",
      "..\\evil",
      "top/one.raw/../../../evil",
    ];
    const bytes = made[kind]([...hostile.map((name) => ({ name, content: second })), ...entries]);
    if (kind === "zip") expect(await failure(kind, bytes)).toMatch(/invalid relative path|absolute path/);
    else await unpack(put(bytes), { kind, files: wanted }, folder);
    expect(readdirSync(folder).filter((file) => !wanted.some((packed) => packed.file === file))).toEqual([]);
    expect(readdirSync(join(folder, "..")).sort()).toEqual(["archive", "in"]);
    expect(statSync("/tmp/scantling-evil", { throwIfNoEntry: false })).toBeUndefined();
  });

  test("refuses more than a file may have, and writes no more of it", async () => {
    const bomb = made[kind]([{ name: "top/one.raw", content: new Uint8Array(50_000_000) }]);
    expect(bomb.length).toBeLessThan(100_000);
    expect(await failure(kind, bomb)).toMatch(/more than (300000|\d+) bytes/);
    expect(statSync(join(folder, "one.txt")).size).toBeLessThanOrEqual(300_000);
  });

  test("refuses one that lacks a file", async () => {
    expect(await failure(kind, made[kind](entries.slice(0, 2)))).toMatch(/archive: it lacks top\/two\.raw/);
  });

  test("refuses one that has a file twice", async () => {
    expect(await failure(kind, made[kind]([...entries, entries[1]!]))).toMatch(/it has top\/one\.raw twice/);
  });

  test.each([0, 10, 200, 100_000])("refuses the first %i bytes of one", async (bytes) => {
    expect(await failure(kind, made[kind](entries).subarray(0, bytes))).toMatch(/cannot unpack .*archive: /);
  });

  test("meets flipped bits with one line, if it notices (the checksum of the archive does)", async () => {
    const archive = made[kind](entries);
    for (let at = 3; at < archive.length; at += Math.floor(archive.length / 40)) {
      const spoiled = Buffer.from(archive);
      spoiled[at]! ^= 0x10;
      await unpack(put(spoiled), { kind, files: wanted }, folder).catch((error: unknown) => {
        expect(error).toBeInstanceOf(WorkError);
      });
    }
  });

  test("stops where it is told to", async () => {
    const stop = new AbortController();
    stop.abort(new Error("stop"));
    await expect(
      unpack(put(made[kind](entries)), { kind, files: wanted }, folder, stop.signal),
    ).rejects.toThrow(/stop|abort/i);
  });
});

test("a zip file that lies about sizes", async () => {
  const lying = zip([
    { name: "top/one.raw", content: first, claimed: 10 },
    { name: "top/two.raw", content: second },
  ]);
  expect(await failure("zip", lying)).toMatch(/too many bytes/);
});

test("a tar file whose entry is a link", async () => {
  const linked = tarGz([
    { name: "top/one.raw", content: new Uint8Array(), type: "2", target: "/etc/passwd" },
    { name: "top/two.raw", content: second },
  ]);
  expect(await failure("tar.gz", linked)).toMatch(/lacks top\/one\.raw/);
});

test("a tar file that unpacks without end in entries nobody wants", async () => {
  const bomb = tarGz([{ name: "top/zeros", content: new Uint8Array(60_000_000) }]);
  expect(bomb.length).toBeLessThan(100_000);
  expect(await failure("tar.gz", bomb)).toMatch(/it unpacks to more than/);
});
