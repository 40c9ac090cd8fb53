// Folders that cannot be made are refused, and none is left of those that can.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { RequestError } from "../../src/errors.ts";
import { requireMakeable } from "../../src/study/makeable.ts";
import { temporaryFolder } from "./harness.ts";

const folder = temporaryFolder();
afterAll(folder.remove);

test("a new folder is not left behind, one that is there stays", () => {
  requireMakeable(join(folder.path, "a", "b"));
  expect(existsSync(join(folder.path, "a"))).toBe(false);
  requireMakeable(`${folder.path}/a/../b`);
  expect(existsSync(join(folder.path, "a"))).toBe(false);
  mkdirSync(join(folder.path, "c"));
  requireMakeable(join(folder.path, "c"));
  expect(existsSync(join(folder.path, "c"))).toBe(true);
});

test.each([
  ["/proc/nope", ""],
  ["file", ": a file is in the way"],
  ["file/below", ": a file is in the way"],
])("%s cannot be made", (name, why) => {
  writeFileSync(join(folder.path, "file"), "");
  const path = name.startsWith("/") ? name : join(folder.path, name);
  const refused = new RequestError(`${path} cannot be made${why}; choose another folder`);
  expect(() => requireMakeable(path)).toThrow(refused);
});
