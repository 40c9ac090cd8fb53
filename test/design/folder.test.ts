// Folders that cannot be made are refused, and none is left of those that can.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { requireDesignFolder } from "../../src/design/folder.ts";
import { RequestError } from "../../src/errors.ts";
import { temporaryFolder } from "../study/harness.ts";

const folder = temporaryFolder();
afterAll(folder.remove);

test("a new folder is not left behind, one that is there stays", () => {
  requireDesignFolder(join(folder.path, "a", "b"));
  expect(existsSync(join(folder.path, "a"))).toBe(false);
  mkdirSync(join(folder.path, "c"));
  requireDesignFolder(join(folder.path, "c"));
  expect(existsSync(join(folder.path, "c"))).toBe(true);
});

test.each(["/proc/nope", "file", "file/below"])("%s cannot be made", (name) => {
  writeFileSync(join(folder.path, "file"), "");
  const path = name.startsWith("/") ? name : join(folder.path, name);
  expect(() => requireDesignFolder(path)).toThrow(RequestError);
  expect(() => requireDesignFolder(path)).toThrow(/cannot be made; choose another folder$/);
});
