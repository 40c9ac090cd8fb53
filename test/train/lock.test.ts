// Who may work in a folder: living processes keep it, dead ones do not, whatever the clock says.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WorkError } from "../../src/errors.ts";
import { lockFolder } from "../../src/train/lock.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "scantling-lock-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The file that this process lays down, with parts of its name replaced. */
function flag(change: Partial<Record<"process" | "thread" | "start" | "boot" | "place", string>>): string {
  const lock = lockFolder(folder);
  const [name] = readdirSync(folder);
  lock.release();
  const [, process, thread, start, boot, place] = /^\.lock-(\d+)-(\d+)-(\w*)-(\w*)-(\w*)-\d+$/.exec(name!)!;
  const other = { process, thread, start, boot, place, ...change };
  const path = join(folder, `.lock-${Object.values(other).join("-")}-0`);
  writeFileSync(path, "");
  return path;
}

/** A number that no process has now. */
const endedProcess = () => String(spawnSync(process.execPath, ["--version"]).pid);

test("one at a time, and the next after a release", () => {
  const first = lockFolder(folder);
  expect(() => lockFolder(folder)).toThrow(WorkError);
  expect(() => lockFolder(join(folder, "."))).toThrow(
    `is in use by process ${process.pid}; wait until it ends, or stop it`,
  );
  expect(readdirSync(folder)).toHaveLength(1);
  first.release();
  expect(readdirSync(folder)).toEqual([]);
  lockFolder(folder).release();
});

test("a process that has ended, or that had the number of this one, keeps nothing", () => {
  for (const change of [
    { process: endedProcess() },
    { start: "1" },
    { process: endedProcess(), thread: "7" },
  ]) {
    flag(change);
    const lock = lockFolder(folder);
    expect(readdirSync(folder)).toHaveLength(1);
    lock.release();
  }
});

test("another thread of this process keeps the folder", () => {
  flag({ thread: "7" });
  expect(() => lockFolder(folder)).toThrow("is in use by process");
});

test.runIf(process.platform === "linux")("a process of an earlier boot keeps nothing", () => {
  flag({ boot: "0".repeat(8), thread: "7" });
  lockFolder(folder).release();
  expect(readdirSync(folder)).toEqual([]);
});

test.runIf(process.platform === "linux")(
  "a process that has ended but is not reaped keeps nothing",
  async () => {
    const parent = spawn("/bin/sh", ["-c", "sleep 0.3 & echo $!; exec sleep 60"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    try {
      const ended = await new Promise<string>((done) =>
        parent.stdout.once("data", (chunk) => done(String(chunk).trim())),
      );
      // Its parent, no longer a shell by then, never asks how it ended.
      await expect
        .poll(() => readFileSync(`/proc/${ended}/stat`, "utf8"), { timeout: 20_000 })
        .toMatch(/^\d+ \(sleep\) Z /);
      flag({ process: ended });
      lockFolder(folder).release();
    } finally {
      parent.kill();
    }
  },
);

test("who cannot be seen from here is believed to live; the line names the file to remove", () => {
  const path = flag({ process: endedProcess(), place: "0".repeat(8) });
  expect(() => lockFolder(folder)).toThrow(
    `of another machine or container; if that has ended, remove ${path}`,
  );
  rmSync(path);
  lockFolder(folder).release();
});
