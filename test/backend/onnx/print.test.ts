// What stands in an ONNX file, and what is refused.
import { describe, expect, test } from "vitest";
import { encodeOnnx, type OnnxModel } from "../../../src/backend/onnx/format.ts";
import { printOnnx } from "../../../src/backend/onnx/print.ts";
import { RequestError } from "../../../src/errors.ts";
import {
  add,
  apply,
  broadcastTo,
  cosine,
  input,
  iota,
  matmul,
  multiply,
  type Op,
  program,
  sizeOf,
} from "../../../src/tensor/index.ts";
import { child, fields, string, whole } from "../../protobuf.ts";
import { value } from "../../tensor/harness.ts";
import { bytesOf, runModel } from "./runtime.ts";

const operators = (model: OnnxModel) => model.graph.nodes.map(({ operator }) => operator);
const stored = (model: OnnxModel) =>
  model.graph.initializers.reduce((total, { shape }) => total + sizeOf(shape), 0);

describe("printOnnx", () => {
  test("names what has no operator", () => {
    const mystery: Op<undefined> = {
      name: "mystery",
      lowering: "kernel",
      infer: ([x]) => [x!],
      flops: () => 0,
    };
    const print = () =>
      printOnnx(program({ y: apply(mystery, [input("x", [3])], undefined) }), { name: "m" });
    expect(print).toThrow(RequestError);
    expect(print).toThrow("ONNX has no operator for mystery");
  });

  test("stores no repetitions", () => {
    const counter = iota([1000, 1000], 1, "f32");
    const y = multiply(add(input("x", [1000, 1000]), counter), 0.5);
    const model = printOnnx(program({ y }), { name: "m" });
    expect(operators(model)).toEqual(["Add", "Mul", "Identity"]);
    expect(stored(model)).toBe(1001);
  });

  test("computes small constants when the file is made, and leaves large ones to the reader", async () => {
    const waves = (size: number) => add(input("x", [size]), cosine(multiply(iota([size], 0, "f32"), 0.1)));
    const small = printOnnx(program({ y: waves(100) }), { name: "m" });
    expect(operators(small)).toEqual(["Add", "Identity"]);
    const large = printOnnx(program({ y: waves(100_000) }), { name: "m" });
    expect(operators(large)).toEqual(["Range", "Cast", "Mul", "Cos", "Add", "Identity"]);
    expect(stored(large)).toBe(4);
    const values = { x: value(new Float64Array(100_000)) };
    const found = await runModel(bytesOf(large), values, new Map([["y", "f32"]]));
    expect(found.get("y")![31]).toBeCloseTo(Math.cos(3.1), 5);
  });

  test("keeps inputs apart from operators of their name", async () => {
    const [x, y] = [input("Add", [2]), input("constant", [2])];
    const model = printOnnx(program({ Mul: multiply(add(x, y), add(x, 3)) }), { name: "m" });
    const values = { Add: value([1, 2]), constant: value([10, 20]) };
    const found = await runModel(bytesOf(model), values, new Map([["Mul", "f32"]]));
    expect([...found.get("Mul")!]).toEqual([44, 110]);
  });

  test("takes weights into the file, once, and gives new values of states names of their own", async () => {
    const w = input("w", [2, 2]);
    const product = matmul(input("x", [2, 2]), w);
    const of = program({ y: matmul(product, w) }, { x: broadcastTo(product, [2, 2]) });
    const weights = new Map([["w", Float32Array.of(0, 1, 1, 0)]]);
    const model = printOnnx(of, { name: "m", weights });
    expect(model.graph.inputs.map(({ name }) => name)).toEqual(["x"]);
    expect(model.graph.outputs.map(({ name }) => name)).toEqual(["y", "x.next"]);
    expect(model.graph.initializers.map(({ name }) => name)).toEqual(["w"]);
    const types = new Map([
      ["y", "f32"],
      ["x.next", "f32"],
    ] as const);
    const found = await runModel(bytesOf(model), { x: value([1, 2, 3, 4], [2, 2]) }, types);
    expect([[...found.get("y")!], [...found.get("x.next")!]]).toEqual([
      [1, 2, 3, 4],
      [2, 1, 4, 3],
    ]);
  });
});

describe("encodeOnnx", () => {
  test("writes version, operator set and metadata", () => {
    const metadata = { architecture: '{"width":3}', "naïve key": "\u{1f600}" };
    const options = { name: "m", metadata, producerVersion: "1.2.3" };
    const model = fields(bytesOf(printOnnx(program({ y: input("x", [1]) }), options)));
    expect(whole(model, 1)).toBe(8);
    expect(string(child(model, 2))).toBe("scantling");
    expect(string(child(model, 3))).toBe("1.2.3");
    expect(whole(fields(child(model, 8)), 2)).toBe(18);
    const entries = model
      .filter(({ number }) => number === 14)
      .map((entry) => fields(entry.value as Uint8Array))
      .map((entry) => [string(child(entry, 1)), string(child(entry, 2))]);
    expect(Object.fromEntries(entries)).toEqual(metadata);
  });

  test("refuses what no file can hold", () => {
    const bytes = new Uint8Array(2 ** 26);
    const graph = printOnnx(program({ y: input("x", [1]) }), { name: "m" }).graph;
    const initializers = Array.from({ length: 32 }, (_, i) => {
      return { name: `w${i}`, type: "f32" as const, shape: [2 ** 24], bytes };
    });
    const model = { graph: { ...graph, initializers }, operatorSet: 18, producerVersion: "", metadata: {} };
    expect(() => encodeOnnx(model)).toThrow(RequestError);
    expect(() => encodeOnnx(model)).toThrow(
      "an ONNX file holds at most 2147483647; export it as safetensors",
    );
    expect(encodeOnnx({ ...model, graph: { ...graph, initializers: initializers.slice(1) } }).length).toBe(
      95,
    );
  });
});
