// The group interpreter under sanitizers in both precisions; group.slow.test.ts has the other builds.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { groupScratchBytes, groupTileRows } from "../../src/backend/tape/groupScratch.ts";
import { groupCodes } from "../../src/backend/tape/opcodes.ts";
import { builds } from "./group_driver.ts";
import { groupSuite } from "./group_suite.ts";

test("codes are the same in TypeScript and C", () => {
  const header = readFileSync(new URL("../../src/kernels/group.h", import.meta.url), "utf8");
  const body = header.slice(header.indexOf("G_NEGATE"), header.indexOf("G_CODES")).replaceAll(/\/\/.*/g, "");
  expect(groupCodes).toEqual(Array.from(body.matchAll(/G_(\w+)/g), ([, name]) => name));
});

test("tiles have up to 2048 elements, fewer where registers are many, and at least a row", () => {
  const shape = { rows: 1000, length: 100, tileRegisters: 1, realBytes: 4 };
  expect(groupTileRows(shape)).toBe(20);
  expect(groupTileRows({ ...shape, tileRegisters: 11 })).toBe(5);
  expect(groupTileRows({ ...shape, length: 50_000 })).toBe(1);
  expect(groupTileRows({ ...shape, rows: 3 })).toBe(3);
  expect(groupTileRows({ ...shape, length: 1, tileRegisters: 0 })).toBe(1000);
});

test("scratch bytes add up", () => {
  const sizes = { length: 3, tileRows: 5, tileRegisters: 2, columnRegisters: 3, accumulators: 16, values: 9 };
  expect(groupScratchBytes({ ...sizes, realBytes: 4 })).toBe(6 * 128 + 3 * 64 + 64 + 192 + 128);
  expect(groupScratchBytes({ ...sizes, realBytes: 8 })).toBe(6 * 192 + 3 * 64 + 128 + 192 + 128);
});

describe.each([builds.checked, builds.checkedDouble])("$name", groupSuite);
