// Files exported from runs on disk: which checkpoint, which file, and what is refused.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createReference } from "../../src/backend/reference.ts";
import { RequestError, WorkError } from "../../src/errors.ts";
import { exportRun } from "../../src/train/exportRun.ts";
import { openModel } from "../../src/train/model.ts";
import { decodeSafetensors } from "../../src/train/safetensors.ts";
import { runModel } from "../backend/onnx/runtime.ts";
import { trainedRun } from "./trainedRun.ts";

let base: string;
let run: string;
let empty: string;

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "scantling-export-"));
  run = await trainedRun(join(base, "abc"));
  empty = join(base, "empty");
  mkdirSync(empty);
  writeFileSync(join(empty, "config.json"), readFileSync(join(run, "config.json")));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe("exportRun", () => {
  test("writes the best checkpoint beside the run", () => {
    const result = exportRun({ folder: `${run}/`, format: "safetensors" });
    const { step, store } = openModel(createReference(), run);
    expect(result).toMatchObject({ file: `${run}.safetensors`, format: "safetensors", step });
    const file = readFileSync(result.file);
    expect(file.length).toBe(result.bytes);
    const tensors = decodeSafetensors(file);
    for (const name of store.names()) {
      const { bytes } = tensors.get(name)!;
      expect([...new Float32Array(new Uint8Array(bytes).buffer)]).toEqual(
        Array.from(store.read(name), Math.fround),
      );
    }
  });

  test("writes an ONNX model that runs", async () => {
    const file = join(base, "made/here/model.onnx");
    exportRun({ folder: run, format: "onnx", file, checkpoint: "last", batch: 2, length: 3 });
    const tokens = { shape: [2, 3], dtype: "i32" as const, data: Float64Array.of(0, 1, 2, 3, 0, 1) };
    const bytes = readFileSync(file);
    const found = await runModel(bytes, { tokens }, new Map([["logits", "f32"]]), new Set(["tokens"]));
    const { vocabulary } = openModel(createReference(), run).architecture;
    expect(found.get("logits")!.length).toBe(2 * 3 * vocabulary);
  });

  test("leaves a file that is there unless told otherwise", () => {
    const file = join(base, "kept.onnx");
    writeFileSync(file, "mine");
    expect(() => exportRun({ folder: run, format: "onnx", file })).toThrow(RequestError);
    expect(readFileSync(file, "utf8")).toBe("mine");
    exportRun({ folder: run, format: "onnx", file, force: true });
    expect(readFileSync(file).length).toBeGreaterThan(1000);
    expect(readdirSync(base).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test.each([
    [{ format: "gguf" as never }, 'format is "gguf"; expected onnx or safetensors'],
    [{ checkpoint: 3 }, "no checkpoint of step 3"],
    [{ length: 5 }, "length 5 is beyond the 4 positions"],
    [{ length: 0 }, "length is 0; expected a whole number of at least 1"],
    [{ batch: 1.5 }, "batch is 1.5"],
    [{ batch: 1e9 }, "tokens at once; choose less"],
  ])("refuses %j", (wrong, message) => {
    const file = join(base, "never.onnx");
    const attempt = () => exportRun({ folder: run, format: "onnx", file, ...wrong });
    expect(attempt).toThrow(RequestError);
    expect(attempt).toThrow(message);
    expect(existsSync(file)).toBe(false);
  });

  test("refuses a run without a checkpoint, and what is no run", () => {
    expect(() => exportRun({ folder: empty, format: "onnx" })).toThrow("has no checkpoint yet");
    expect(() => exportRun({ folder: join(base, "nowhere"), format: "onnx" })).toThrow(RequestError);
  });

  test.skipIf(process.getuid?.() === 0)("a folder that is not writable is one line", () => {
    const locked = join(base, "locked");
    mkdirSync(locked);
    chmodSync(locked, 0o555);
    const attempt = () => exportRun({ folder: run, format: "onnx", file: join(locked, "x.onnx") });
    expect(attempt).toThrow(WorkError);
    expect(readdirSync(locked)).toEqual([]);
  });

  test.skipIf(process.platform !== "linux")("a folder that cannot be made is one line", () => {
    const attempt = () => exportRun({ folder: run, format: "onnx", file: "/proc/nowhere/model.onnx" });
    expect(attempt).toThrow(WorkError);
    expect(attempt).toThrow("cannot write /proc/nowhere/model.onnx: ");
  });

  test("a file where a folder should be is one line", () => {
    writeFileSync(join(base, "file"), "");
    const file = join(base, "file/model.onnx");
    expect(() => exportRun({ folder: run, format: "onnx", file })).toThrow(WorkError);
  });
});
