// Models written for PyTorch: which files, what is in them, and what is refused. Runs no PyTorch.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defineArchitecture } from "../../src/architecture/architecture.ts";
import { createReference } from "../../src/backend/reference.ts";
import { RequestError } from "../../src/errors.ts";
import { definePrimitive } from "../../src/nn/primitive.ts";
import { registerPrimitives } from "../../src/nn/primitives.ts";
import { exportPyTorch } from "../../src/train/exportPyTorch.ts";
import { openModel } from "../../src/train/model.ts";
import { decodeSafetensors } from "../../src/train/safetensors.ts";
import { trainedRun } from "./trainedRun.ts";

let base: string;
let run: string;
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "scantling-pytorch-"));
  run = await trainedRun(join(base, "abc"));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

function tensorsOf(file: string) {
  const tensors = decodeSafetensors(readFileSync(file));
  return new Map(
    [...tensors].map(([name, { shape, bytes }]) => [
      name,
      { shape, values: [...new Float32Array(new Uint8Array(bytes).buffer)] },
    ]),
  );
}

describe("exportPyTorch", () => {
  test("writes a run's two files beside it", () => {
    const result = exportPyTorch({ folder: `${run}/` });
    const { step, store } = openModel(createReference(), run);
    const weights = `${run}.pytorch.safetensors`;
    expect(result).toMatchObject({ file: `${run}.py`, weights, format: "pytorch", step });
    const text = readFileSync(result.file, "utf8");
    expect(text).toContain('load("abc.pytorch.safetensors")');
    expect(result.bytes).toBe(text.length + readFileSync(weights).length);
    const tensors = tensorsOf(weights);
    expect(tensors.size).toBe(store.names().length);
    expect(tensors.get("tokens.weight")!.values).toEqual(
      Array.from(store.read("embedding.tokens"), Math.fround),
    );
    // Kept as [inputs, outputs] here, as [outputs, inputs] there.
    const up = store.read("block.0.gelu.up.weight");
    const { shape, values } = tensors.get("blocks.0.gelu.up.weight")!;
    expect(shape).toEqual([8, 8]);
    expect(values[1]).toBe(Math.fround(up[8]!));
    expect(values[8]).toBe(Math.fround(up[1]!));
  });

  test("writes an architecture without weights", () => {
    const file = join(base, "made/here/model.py");
    const architecture = defineArchitecture({ vocabulary: 5, length: 4, width: 8, tie: true, repeat: 2 });
    const result = exportPyTorch({ architecture, file });
    const { bytes, parameters } = result;
    expect(result).toEqual({ file, weights: null, format: "pytorch", bytes, step: null, parameters });
    expect(readdirSync(join(base, "made/here"))).toEqual(["model.py"]);
    expect(parameters).toBe(5 * 8 + 4 * 8 + 2 * (12 * 64 + 4 * 8) + 2 * 8);
  });

  test.each(["kept.py", "kept.pytorch.safetensors"])(
    "leaves %s that is there unless told otherwise",
    (name) => {
      const path = join(base, name);
      writeFileSync(path, "mine");
      const file = join(base, "kept.py");
      expect(() => exportPyTorch({ folder: run, file })).toThrow(RequestError);
      expect(() => exportPyTorch({ folder: run, file })).toThrow(`${path}: the file exists`);
      expect(readFileSync(path, "utf8")).toBe("mine");
      exportPyTorch({ folder: run, file, force: true });
      expect(readFileSync(path, "utf8")).not.toBe("mine");
      for (const made of ["kept.py", "kept.pytorch.safetensors"]) rmSync(join(base, made));
    },
  );

  test("leaves nothing behind where the architecture has no PyTorch form", () => {
    const file = join(base, "never/model.py");
    const same = (_: unknown, __: unknown, ___: unknown, x: never) => x;
    registerPrimitives([
      definePrimitive({
        name: "formless",
        settings: {},
        resolve: () => ({}),
        causal: () => true,
        apply: same,
      }),
    ]);
    const architecture = defineArchitecture({ vocabulary: 5, length: 4, width: 8, stripe: "[formless]" });
    expect(() => exportPyTorch({ architecture, file })).toThrow(
      new RequestError(
        "export: primitive formless has no PyTorch form; give definePrimitive one as its member pytorch, or export --to onnx",
      ),
    );
    expect(existsSync(join(base, "never"))).toBe(false);
  });

  test("a path does not get out of the text it stands in", () => {
    const file = join(base, '""";import os;x="""".py');
    exportPyTorch({ folder: run, file });
    expect(readFileSync(file, "utf8")).not.toContain("import os");
  });
});
