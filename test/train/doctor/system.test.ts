import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { dataSets, inspectFolder, inspectSystem, satisfies } from "../../../src/train/doctor/system.ts";

const folder = mkdtempSync(join(tmpdir(), "scantling-doctor-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("tells what the system says, within reason", () => {
  const system = inspectSystem();
  expect(system).toMatchObject({
    node: process.versions.node,
    nodeSupported: true,
    platform: process.platform,
  });
  expect(system.usableCores).toBeLessThanOrEqual(system.cores);
  expect(system.availableMemoryBytes).toBeGreaterThan(0);
  expect(system.availableMemoryBytes).toBeLessThanOrEqual(system.totalMemoryBytes);
});

it.each([
  ["20.19.0", true],
  ["20.19.5", true],
  ["20.18.9", false],
  ["22.0.0", true],
  ["18.20.4", false],
  ["100.0.0", true],
])("Node %s against >=20.19: %s", (version, expected) => {
  expect(satisfies(version, ">=20.19")).toBe(expected);
});

describe("a folder", () => {
  it("is measured with all below it, and left as it was", () => {
    mkdirSync(join(folder, "a", "b"), { recursive: true });
    writeFileSync(join(folder, "a", "one"), "12345");
    writeFileSync(join(folder, "a", "b", "two"), "123");
    const facts = inspectFolder(join(folder, "a"));
    expect(facts).toMatchObject({ path: join(folder, "a"), exists: true, writable: true, bytes: 8 });
    expect(facts.freeBytes).toBeGreaterThan(0);
    expect(dataSets(join(folder, "a"))).toEqual(["b"]);
  });

  it("that is not there is writable where its parent is", () => {
    const facts = inspectFolder(join(folder, "none", "such"));
    expect(facts).toMatchObject({ exists: false, writable: true, bytes: 0 });
  });

  it("below a file is not", () => {
    writeFileSync(join(folder, "file"), "");
    expect(inspectFolder(join(folder, "file", "x"))).toMatchObject({ exists: false, writable: false });
    expect(inspectFolder(join(folder, "file"))).toMatchObject({ exists: false, writable: false });
  });
});
