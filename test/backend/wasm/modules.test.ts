// The prebuilt modules are those of the sources beside them. Fails when kernels were changed and not built again.
import { spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "scantling-modules-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function check(kernels: string): string {
  const { stderr } = spawnSync(
    process.execPath,
    [join(root, "scripts/buildWasm.js"), "--check", "--kernels", kernels],
    { encoding: "utf8" },
  );
  return stderr;
}

test("the modules were built from these kernels", () => {
  expect(check(join(root, "src/kernels"))).toBe("");
});

test.each([
  ["walk.c", "the modules were made of other kernels than there are now"],
  ["wasm/include/string.h", "the modules were made of other kernels than there are now"],
  ["wasm/kernels.wasm", "kernels.wasm is not what the manifest says"],
])("a change of %s is noticed", (name, complaint) => {
  const copy = join(folder, name.replaceAll("/", "-"));
  cpSync(join(root, "src/kernels"), copy, { recursive: true });
  appendFileSync(join(copy, name), "\n");
  expect(check(copy)).toContain(complaint);
});

test("what only the native build has is no reason to build again", () => {
  const copy = join(folder, "native");
  cpSync(join(root, "src/kernels"), copy, { recursive: true });
  appendFileSync(join(copy, "replay.c"), "\n");
  expect(check(copy)).toBe("");
});
