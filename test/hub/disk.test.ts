// A disk that refuses at every single call that changes something, and one that is really full half-way: growing a folder
// ends with one line, and nothing half-written remains.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { createReference } from "../../src/backend/reference.ts";
import { WorkError } from "../../src/errors.ts";
import { growFolder } from "../../src/hub/growFolder.ts";
import { writePublicFolder } from "../../src/hub/writeFolder.ts";
import { mountSmallDisk } from "../smallDisk.ts";
import { fixture } from "./harness.ts";

/** The n-th changing call from now fails, n = `at`; 0: none does. */
const fault = vi.hoisted(() => ({ at: 0, calls: 0, failed: "" }));

vi.mock("node:fs", async (original) => {
  const real = await original<typeof import("node:fs")>();
  const strike = (call: string): boolean => {
    if (fault.at === 0 || ++fault.calls !== fault.at) return false;
    fault.failed = call;
    return true;
  };
  const refusal = () => Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
  const failing = <Name extends "fsyncSync" | "renameSync" | "mkdirSync">(name: Name) => ({
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

const base = mkdtempSync(join(tmpdir(), "scantling-hub-disk-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const failureOf = async (work: Promise<unknown>): Promise<Error | undefined> => {
  try {
    await work;
  } catch (error) {
    return error as Error;
  }
  return undefined;
};

/** A quarter of a million numbers in four parts. */
const tensor = (name: string, before = () => {}) => ({
  ...{ name, dtype: "F32" as const, shape: [2 ** 18] },
  *numbers() {
    before();
    for (let part = 0; part < 4; part++) yield new Float32Array(2 ** 16).fill(part);
  },
});

test("no room at any of the calls", async () => {
  const struck = new Set<string>();
  const small = (name: string) => ({
    ...{ name, dtype: "BF16" as const, shape: [2] },
    numbers: () => [new Uint16Array(2)],
  });
  const content = { config: {}, tensors: [small("a"), small("b")], texts: { "tokenizer.json": "{}" } };
  for (let at = 1; ; at++) {
    const place = mkdtempSync(join(base, "at-"));
    Object.assign(fault, { at, calls: 0, failed: "" });
    const error = await failureOf(writePublicFolder(join(place, "grown"), content, { fileBytes: 4 }));
    fault.at = 0;
    if (fault.failed === "") {
      expect(error).toBeUndefined();
      expect(readdirSync(place)).toEqual(["grown"]);
      break;
    }
    struck.add(fault.failed);
    expect(error, `${fault.failed} ${at}`).toBeInstanceOf(WorkError);
    expect(error!.message).not.toContain("\n");
    // After the rename the folder is whole, and only its entry in the folder above may not be on the disk yet.
    const left = readdirSync(place);
    if (left.length > 0) expect([left, fault.failed]).toEqual([["grown"], "fsyncSync"]);
  }
  expect(struck).toEqual(new Set(["mkdirSync", "openSync", "writeSync", "fsyncSync", "renameSync"]));
});

test("no room for a grown folder", async () => {
  const place = mkdtempSync(join(base, "grown-"));
  // Half-way through the numbers.
  Object.assign(fault, { at: 12, calls: 0, failed: "" });
  const steps = [{ grow: "settings", to: { feedforward: 20 } }] as const;
  const out = join(place, "grown");
  const error = await failureOf(
    growFolder({ folder: fixture("llama"), out, steps, machine: createReference() }),
  );
  fault.at = 0;
  expect(fault.failed).toBe("writeSync");
  expect(error).toBeInstanceOf(WorkError);
  expect(readdirSync(place)).toEqual([]);
});

const disk = join(base, "disk");
const unmount = mountSmallDisk(disk);
afterAll(() => unmount?.());

test.skipIf(unmount === undefined)("a disk that fills up half-way", async () => {
  const ballast = join(disk, "ballast");
  const fill = () => {
    for (const size of [2 ** 20, 2 ** 12]) {
      try {
        for (;;) writeFileSync(ballast, Buffer.alloc(size), { flag: "a" });
      } catch {}
    }
  };
  const content = { config: {}, tensors: [tensor("a"), tensor("b", fill), tensor("c")] };
  const error = await failureOf(writePublicFolder(join(disk, "grown"), content));
  expect(error).toBeInstanceOf(WorkError);
  expect(error!.message).toMatch(/^[^\n]*(?:full|space|room)[^\n]*$/);
  expect(readdirSync(disk)).toEqual(["ballast"]);
  rmSync(ballast);
  const tooLarge = { config: {}, tensors: "abcdefghi".split("").map((name) => tensor(name)) };
  const refused = await failureOf(writePublicFolder(join(disk, "grown"), tooLarge));
  expect(refused).toBeInstanceOf(WorkError);
  expect(readdirSync(disk)).toEqual([]);
});
