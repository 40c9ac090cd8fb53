// Which backend is opened, and what is said about it.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type OpenOptions, openMachine } from "../../src/backend/open.ts";
import { hasRelaxedSimd } from "../../src/backend/wasm/module.ts";
import { RequestError, WorkError } from "../../src/errors.ts";
import { temporaryFolder } from "./native/probe/probe.ts";

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const withoutCompiler = { PATH: folder, CC: "", SCANTLING_CACHE: join(folder, "cache") };

async function openedName(
  options: OpenOptions,
): Promise<{ name: string; lines: string[]; peak: number | null }> {
  const lines: string[] = [];
  const { machine, peakGflops } = await openMachine({ ...options, warn: (line) => void lines.push(line) });
  const opened = { name: machine.name, lines, peak: peakGflops() };
  machine.dispose();
  return opened;
}

test("without a compiler it is wasm, which one line says, with the reason and the cost", async () => {
  const { name, lines, peak } = await openedName({ environment: withoutCompiler, threads: 2 });
  expect(name).toBe("wasm");
  expect(lines).toEqual([
    expect.stringMatching(
      /^using the wasm backend, which takes 2 to 3 times as long as the native one: .* there is no "cc" on PATH: install one \([^)]*\)$/,
    ),
  ]);
  expect(peak).toBeGreaterThan(0.5);
});

test("a native backend that was asked for is not replaced", async () => {
  const asked = openedName({ backend: "native", environment: withoutCompiler });
  await expect(asked).rejects.toThrow(WorkError);
  await expect(asked).rejects.toThrow(/no "cc" on PATH.* or use --backend wasm$/);
});

test("wasm and the reference need no warning", async () => {
  expect(await openedName({ backend: "wasm", threads: 1 })).toMatchObject({ name: "wasm", lines: [] });
  const reference = await openedName({ backend: "reference" });
  expect(reference).toEqual({ name: "reference", lines: [], peak: null });
});

test.skipIf(!hasRelaxedSimd())("relaxed SIMD asks for wasm", async () => {
  expect(await openedName({ relaxedSimd: true })).toMatchObject({ name: "wasm-relaxed", lines: [] });
});

test.each([
  [{ relaxedSimd: true, backend: "native" }, "--relaxed-simd is of the wasm backend, not of native"],
  [{ relaxedSimd: true, backend: "reference" }, "--relaxed-simd is of the wasm backend, not of reference"],
  [{ threads: 65 }, "--threads 65: the native backend has at most 64"],
  [{ threads: 65, backend: "wasm" }, "--threads 65: the wasm backend has at most 64"],
  [{ threads: 2, backend: "reference" }, "the reference backend has one thread"],
] as const)("%j is refused", async (options, message) => {
  const opening = openMachine({ ...options, environment: withoutCompiler });
  await expect(opening).rejects.toThrow(RequestError);
  await expect(opening).rejects.toThrow(message);
});
