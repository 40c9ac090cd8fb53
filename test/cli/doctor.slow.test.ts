// `scantling doctor` as a process of its own, where the kernels cannot be kept or not be compiled at all.

import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Diagnosis } from "../../src/train/doctor/diagnosis.ts";
import { temporaryFolder } from "./harness.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = temporaryFolder();

beforeAll(() => {
  execFileSync(process.execPath, ["scripts/build.js"], { cwd: root });
  writeFileSync(join(folder.path, "file"), "");
});
afterAll(() => folder.remove());

function examine(environment: NodeJS.ProcessEnv): { diagnosis: Diagnosis; status: number | null } {
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(root, "dist", "cli", "main.js"), "doctor", "--json"],
    { env: { ...process.env, ...environment }, cwd: folder.path, encoding: "utf8" },
  );
  return { diagnosis: JSON.parse(stdout) as Diagnosis, status };
}

it("compiles for itself alone where the cache cannot be written, and says so once", () => {
  const { diagnosis, status } = examine({ SCANTLING_CACHE: join(folder.path, "file", "cache") });
  expect(status).toBe(0);
  expect(diagnosis.cache).toMatchObject({ exists: false, writable: false });
  expect(diagnosis.backends[0]).toMatchObject({ name: "native", available: true });
  expect(diagnosis.backends[0]!.detail).toMatch(/^kernels compiled in \d/);
  const lines = diagnosis.problems.map(({ line }) => line).filter((line) => line.includes("cannot keep"));
  expect(lines).toEqual([expect.stringMatching(/set SCANTLING_CACHE to another one$/)]);
});

it("works without a compiler", () => {
  const { diagnosis, status } = examine({ PATH: "" });
  expect(status).toBe(0);
  expect(diagnosis.used).toMatchObject({ backend: "wasm" });
  expect(diagnosis.problems.filter(({ line }) => line.includes('there is no "cc" on PATH'))).toHaveLength(1);
});
