// A disk that refuses, at every single call that changes something: the run ends with one line, the newest checkpoint
// stays valid, the log readable, and a resume ends with the bits of a run that was never disturbed.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createReference } from "../../src/backend/reference.ts";
import { WorkError } from "../../src/errors.ts";
import { readCheckpoint } from "../../src/train/checkpoint.ts";
import { readLog } from "../../src/train/log.ts";
import { resume } from "../../src/train/resume.ts";
import { train } from "../../src/train/train.ts";
import { collect, failure, tinyRun } from "./harness.ts";

/** The n-th changing call from now fails, n = `at`; 0: none does. */
const fault = vi.hoisted(() => ({ at: 0, calls: 0, failed: "", code: "ENOSPC" }));

vi.mock("node:fs", async (original) => {
  const real = await original<typeof import("node:fs")>();
  const strike = (call: string): boolean => {
    if (fault.at === 0 || ++fault.calls !== fault.at) return false;
    fault.failed = call;
    return true;
  };
  const refusal = () => Object.assign(new Error(`${fault.code}: refused`), { code: fault.code });
  const failing = <Name extends "fsyncSync" | "renameSync" | "mkdirSync" | "rmSync">(name: Name) => ({
    [name]: (...given: unknown[]): unknown => {
      if (strike(name)) throw refusal();
      return (real[name] as (...values: unknown[]) => unknown)(...given);
    },
  });
  return {
    ...real,
    ...failing("fsyncSync"),
    ...failing("renameSync"),
    ...failing("mkdirSync"),
    ...failing("rmSync"),
    openSync: (path: string, flags: string | number) => {
      if (typeof flags === "string" && flags !== "r" && strike("openSync")) throw refusal();
      return real.openSync(path, flags);
    },
    writeSync: (file: number, bytes: Uint8Array, from: number) => {
      if (!strike("writeSync")) return real.writeSync(file, bytes, from);
      // A disk that fills up takes a part.
      real.writeSync(file, bytes, from, (bytes.length - from) >> 1);
      throw refusal();
    },
  };
});

let base: string;
let text: string;
let stopped: string;
let whole: string;
const more = {
  architecture: { length: 2, width: 4, layers: 1, heads: 1, feedforward: 4 },
  training: { steps: 4, batch: 1, evaluateEvery: 2, evaluationTokens: 4, keep: 1, schedule: { rate: 0.03 } },
};
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "scantling-disk-"));
  text = join(base, "abc.txt");
  writeFileSync(text, "abcd".repeat(60));
  [stopped, whole] = [join(base, "stopped"), join(base, "whole")];
  await collect(train(tinyRun(whole, text, more)));
  const stop = new AbortController();
  await collect(train(tinyRun(stopped, text, { ...more, signal: stop.signal })), 3, () => stop.abort());
}, 60_000);
afterAll(() => rmSync(base, { recursive: true, force: true }));

const bytesOf = (folder: string) =>
  ["model.safetensors", "optimizer.safetensors"].map((file) =>
    readFileSync(join(folder, "checkpoints", "4", file)).toString("base64"),
  );

test.each(["ENOSPC", "EIO"])(
  "%s at every call",
  async (code) => {
    const struck: string[] = [];
    for (let at = 1; ; at++) {
      const folder = join(base, `${code}-${at}`);
      cpSync(stopped, folder, { recursive: true });
      Object.assign(fault, { at, calls: 0, failed: "", code });
      let error: unknown;
      try {
        await collect(resume({ machine: createReference(), folder }));
      } catch (caught) {
        error = caught;
      } finally {
        fault.at = 0;
      }
      if (fault.failed === "") break;
      struck.push(fault.failed);
      // What cannot be tidied up does not end a run.
      if (fault.failed !== "rmSync" || error !== undefined) {
        expect(error, `${fault.failed}, call ${at}`).toBeInstanceOf(WorkError);
        expect((error as WorkError).message).toMatch(
          code === "ENOSPC" ? /^cannot .*: no space is left on the disk; / : /^cannot .*: EIO/,
        );
      }
      const steps = readdirSync(join(folder, "checkpoints"))
        .filter((name) => /^\d+$/.test(name))
        .map(Number);
      for (const step of steps) readCheckpoint(join(folder, "checkpoints"), step);
      expect(Math.max(...steps)).toBeGreaterThanOrEqual(3);
      expect(readLog(folder).filter(({ kind }) => kind === "unreadable")).toEqual([]);
      const events = await collect(resume({ machine: createReference(), folder }));
      expect(events[0]!.kind).toBe("start");
      expect(bytesOf(folder)).toEqual(bytesOf(whole));
      expect(readdirSync(folder).filter((name) => name.startsWith("."))).toEqual([]);
      rmSync(folder, { recursive: true });
    }
    expect(new Set(struck)).toEqual(
      new Set(["mkdirSync", "openSync", "writeSync", "fsyncSync", "renameSync", "rmSync"]),
    );
    expect(struck.length).toBeGreaterThan(30);
  },
  120_000,
);

test("a folder that cannot be written is named, in one line", async () => {
  for (const [code, why] of [
    ["EROFS", "its file system is read-only"],
    ["EACCES", "permission is denied"],
    ["EPERM", "permission is denied"],
  ] as const) {
    Object.assign(fault, { at: 1, calls: 0, failed: "", code });
    const folder = join(base, code);
    const message = await failure(train(tinyRun(folder, text, more)), WorkError);
    expect(message).toBe(`cannot write to ${folder}: ${why}; ${message.split("; ")[1]}`);
    Object.assign(fault, { at: 1, calls: 0 });
    expect(await failure(resume({ machine: createReference(), folder: stopped }), WorkError)).toContain(
      `cannot write to ${stopped}: ${why}`,
    );
    fault.at = 0;
  }
});
