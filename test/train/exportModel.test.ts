// Exported models in another runtime: the logits of generated architectures in onnxruntime-web, and what is in the files.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ArchitectureInput, defineArchitecture } from "../../src/architecture/architecture.ts";
import { forward } from "../../src/architecture/forward.ts";
import { characterTokenizer } from "../../src/data/characterTokenizer.ts";
import { RequestError } from "../../src/errors.ts";
import { initialValues } from "../../src/nn/initialize.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { evaluate, input, type NdArray, sizeOf } from "../../src/tensor/index.ts";
import { type ExportedModel, onnxFile, safetensorsFile } from "../../src/train/exportModel.ts";
import { decodeSafetensors } from "../../src/train/safetensors.ts";
import { runModel } from "../backend/onnx/runtime.ts";
import { generator, wholeValue } from "../tensor/harness.ts";

const vocabulary = 11;

/** A model with random weights. */
function modelOf(settings: Omit<ArchitectureInput, "vocabulary">, seed = 1): ExportedModel {
  const architecture = defineArchitecture({ vocabulary, standardDeviation: 0.3, ...settings });
  const source = inputSource();
  forward(architecture, source, input("tokens", [1, architecture.length], "i32"));
  const weights = [...source.declared].map(([name, declaration]) => {
    const values = Float32Array.from(initialValues(name, declaration, seed));
    // Constants at the start, such as scales and biases, would hide where they are applied.
    const random = generator(seed);
    if (declaration.initializer.kind === "constant") {
      values.forEach((value, i) => {
        values[i] = value + random() - 0.5;
      });
    }
    return [name, { shape: declaration.shape, values }] as const;
  });
  const tokenizer = characterTokenizer("abcdefghij").describe();
  return { architecture, tokenizer, step: 7, weights: new Map(weights) };
}

/** Logits in float64 and in the other runtime, and the largest difference. */
async function compare(model: ExportedModel, batch: number, length: number): Promise<number> {
  const tokens = wholeValue(generator(5), [batch, length], 0, vocabulary);
  const source = inputSource();
  const { positions } = model.architecture;
  const architecture = positions === "learned" ? model.architecture : { ...model.architecture, length };
  const logits = forward(architecture, source, input("tokens", [batch, length], "i32"));
  const bound: Record<string, NdArray> = { tokens };
  for (const [name, { shape, values }] of model.weights)
    bound[name] = { shape, data: Float64Array.from(values) };
  const [wanted] = evaluate([logits], bound);
  const file = Buffer.concat(onnxFile(model, { batch, length }));
  const found = await runModel(file, { tokens }, new Map([["logits", "f32"]]), new Set(["tokens"]));
  const actual = found.get("logits")!;
  expect(actual.length).toBe(wanted!.data.length);
  const scale = wanted!.data.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
  expect(scale).toBeGreaterThan(0.1);
  return wanted!.data.reduce((worst, x, i) => Math.max(worst, Math.abs(x - actual[i]!)), 0) / scale;
}

const settings = fc.record({
  width: fc.constantFrom(12, 24),
  repeat: fc.constantFrom(1, 2),
  heads: fc.constantFrom([1, 1], [2, 1], [2, 2], [6, 2], [6, 3]),
  activation: fc.constantFrom("swiglu", "geglu", "gelu", "relu", "squaredRelu"),
  norm: fc.constantFrom("layer" as const, "rms" as const),
  positions: fc.constantFrom("learned" as const, "rope" as const, "none" as const),
  tie: fc.boolean(),
  bias: fc.boolean(),
  causal: fc.boolean(),
  window: fc.constantFrom(null, 1, 3),
  batch: fc.constantFrom(1, 3),
  shorter: fc.constantFrom(0, 4),
});

test("logits of generated architectures are the same in another runtime", async () => {
  await fc.assert(
    fc.asyncProperty(settings, async ({ heads, batch, shorter, ...rest }) => {
      const model = modelOf({ ...rest, length: 9, heads: heads[0]!, kvHeads: heads[1]! });
      expect(await compare(model, batch, 9 - shorter)).toBeLessThan(1e-5);
    }),
    { seed: 4, numRuns: 12, endOnFailure: true },
  );
});

test("positions that are computed go on beyond the trained length", async () => {
  const model = modelOf({ length: 6, width: 16, heads: 2, positions: "rope" });
  expect(await compare(model, 1, 40)).toBeLessThan(1e-5);
});

test("learned positions end where they end", () => {
  const model = modelOf({ length: 6, width: 16, heads: 2, positions: "learned" });
  expect(() => onnxFile(model, { length: 7 })).toThrow(RequestError);
  expect(() => onnxFile(model, { length: 7 })).toThrow("length 7 is beyond the 6 positions");
});

test("weights of another model are refused by name", () => {
  const model = modelOf({ length: 6, width: 16, heads: 2 });
  const weights = new Map(model.weights);
  const [name] = [...weights.keys()];
  weights.delete(name!);
  expect(() => onnxFile({ ...model, weights })).toThrow(`the weight "${name}" is missing; expected [11,16]`);
  weights.set(name!, { shape: [2], values: new Float32Array(2) });
  expect(() => onnxFile({ ...model, weights })).toThrow(`the weight "${name}" is [2]`);
});

test("another runtime notices another weight", async () => {
  const model = modelOf({ length: 6, width: 16, heads: 2 });
  const one = model.weights.get("head.weight") ?? [...model.weights.values()].at(-1)!;
  const tokens = wholeValue(generator(5), [1, 6], 0, vocabulary);
  const logits = async () => {
    const file = Buffer.concat(onnxFile(model));
    return (await runModel(file, { tokens }, new Map([["logits", "f32"]]), new Set(["tokens"]))).get(
      "logits",
    )!;
  };
  const before = await logits();
  one.values[0]! += 0.01;
  const after = await logits();
  expect(after.some((x, i) => Math.abs(x - before[i]!) > 1e-4)).toBe(true);
});

describe("an ONNX file", () => {
  test("holds every weight once, and little else", () => {
    for (const tie of [false, true]) {
      const model = modelOf({ length: 256, width: 64, heads: 2, positions: "rope", repeat: 4, tie });
      const parameters = [...model.weights.values()].reduce((total, { shape }) => total + sizeOf(shape), 0);
      const bytes = onnxFile(model).reduce((total, part) => total + part.length, 0);
      expect(bytes).toBeGreaterThan(4 * parameters);
      // Tables of rotary positions, the mask, names.
      expect(bytes - 4 * parameters).toBeLessThan(256 * 1024);
    }
  });

  test("is the same every time", () => {
    const file = () => Buffer.concat(onnxFile(modelOf({ length: 8, width: 8, heads: 1 })));
    expect(file().equals(file())).toBe(true);
  });
});

test("a safetensors file has the weights bit for bit, and what a reader must know", () => {
  const model = modelOf({ length: 8, width: 12, heads: 2 });
  const file = Buffer.concat(safetensorsFile(model));
  const tensors = decodeSafetensors(file);
  expect(new Set(tensors.keys())).toEqual(new Set(model.weights.keys()));
  for (const [name, { shape, values }] of model.weights) {
    const stored = tensors.get(name)!;
    expect(stored.shape).toEqual(shape);
    expect(stored.dtype).toBe("F32");
    expect(Buffer.from(stored.bytes)).toEqual(Buffer.from(Float32Array.from(values).buffer));
  }
  const header = JSON.parse(file.subarray(8, 8 + Number(file.readBigUInt64LE(0))).toString());
  const { format, step, architecture, tokenizer } = header.__metadata__;
  expect(format).toBe("scantling model 1");
  expect(step).toBe("7");
  expect(defineArchitecture(JSON.parse(architecture))).toEqual(model.architecture);
  expect(JSON.parse(tokenizer)).toEqual(model.tokenizer);
});
