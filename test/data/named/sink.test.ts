import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fileSha256, openSink } from "../../../src/data/named/sink.ts";
import { WorkError } from "../../../src/errors.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "scantling-sink-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

test("pieces become a file, measured and hashed", async () => {
  const bytes = randomBytes(3_000_000);
  const path = join(folder, "new");
  const sink = openSink(path);
  for (let at = 0; at < bytes.length; at += 700_000) sink.write(bytes.subarray(at, at + 700_000));
  expect(sink.bytes).toBe(3_000_000);
  expect(sink.finish()).toBe(sha256(bytes));
  sink.close();
  expect(await fileSha256(path)).toBe(sha256(bytes));
});

test("an old file goes on where it is told, and keeps what was before", () => {
  const path = join(folder, "old");
  writeFileSync(path, "begin-");
  const sink = openSink(path, 6);
  sink.write(Buffer.from("end"));
  sink.finish();
  expect(readFileSync(path, "utf8")).toBe("begin-end");
});

test.skipIf(!existsSync("/dev/full"))("a full disk is one line", () => {
  const sink = openSink("/dev/full");
  expect(() => sink.write(new Uint8Array(10))).toThrow(WorkError);
  expect(() => sink.write(new Uint8Array(10))).toThrow(/^data: cannot write \/dev\/full: .*no space left/);
  sink.close();
});

test("a file that cannot be read, or a reader who stops", async () => {
  await expect(fileSha256(join(folder, "none"))).rejects.toThrow(/cannot read .*none: no such file/);
  writeFileSync(join(folder, "some"), "some");
  const stop = new AbortController();
  stop.abort(new Error("stopped"));
  await expect(fileSha256(join(folder, "some"), stop.signal)).rejects.toThrow("stopped");
});
