// Building the modules again gives the same bytes, where the compiler is the one that made them.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const modules = join(root, "src/kernels/wasm");
const folder = mkdtempSync(join(tmpdir(), "scantling-modules-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const versionOf = (program: string): string =>
  spawnSync(program, ["--version"], { encoding: "utf8" }).stdout?.split("\n")[0] ?? "";

test("a rebuild is byte for byte what is kept", ({ skip }) => {
  const read = (place: string, name: string) => readFileSync(join(place, name));
  const manifest = JSON.parse(read(modules, "manifest.json").toString()) as Record<string, string>;
  const installed = [
    versionOf(process.env.CLANG || "clang-19"),
    versionOf(process.env.WASM_LD || "wasm-ld-19"),
  ];
  const wanted = [manifest.compiler, manifest.linker];
  if (installed.join() !== wanted.join()) skip(`needs ${wanted.join(" and ")}`);
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(root, "scripts/buildWasm.js"), "--out", folder],
    { encoding: "utf8" },
  );
  expect([status, stderr]).toEqual([0, ""]);
  for (const name of ["kernels.wasm", "kernels-relaxed.wasm", "manifest.json"]) {
    expect(read(folder, name).equals(read(modules, name)), name).toBe(true);
  }
});
