// Runs ONNX models in onnxruntime-web, an implementation that shares nothing with this one. Values are numbers, as the
// reference has them.
import { env, InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-web";
import { encodeOnnx, type OnnxModel } from "../../../src/backend/onnx/format.ts";
import { printOnnx } from "../../../src/backend/onnx/print.ts";
import {
  cast,
  type DType,
  input,
  inputName,
  type Program,
  program,
  programResults,
  substitute,
  type Tensor,
  topologicalOrder,
} from "../../../src/tensor/index.ts";
import type { Values } from "../../engine/harness.ts";
import { decode, encode } from "../../engine/storage.ts";

env.wasm.numThreads = 1;
env.logLevel = "error";

export function bytesOf(model: OnnxModel): Uint8Array {
  return Buffer.concat(encodeOnnx(model));
}

/** The runtime's name of an element type, and numbers in the form it takes. */
function runtimeTensor({ dtype, shape, data }: Values[string], wide: boolean): RuntimeTensor {
  const make = (type: string, values: ArrayBufferView) => {
    return new RuntimeTensor(type as "float32", values as Float32Array, [...shape]);
  };
  if (wide) return make("int64", BigInt64Array.from(data, BigInt));
  switch (dtype) {
    case "f32":
      return make("float32", Float32Array.from(data));
    case "i32":
      return make("int32", Int32Array.from(data));
    case "u32":
      return make("uint32", Uint32Array.from(data));
    case "bool":
      return make("bool", Uint8Array.from(data));
    case "f16":
    case "bf16":
      return make("float16", Uint16Array.from(encode(data, dtype)));
  }
}

function numbersOf(tensor: RuntimeTensor, dtype: DType): Float64Array {
  const data = tensor.data as Uint16Array;
  return dtype === "f16" || dtype === "bf16" ? decode(data, dtype) : Float64Array.from(data, Number);
}

/** Results of a file by name. @param wide inputs that the file takes as i64 */
export async function runModel(
  file: Uint8Array,
  values: Values,
  outputs: ReadonlyMap<string, DType>,
  wide: ReadonlySet<string> = new Set(),
): Promise<Map<string, Float64Array>> {
  const session = await InferenceSession.create(file, { logSeverityLevel: 3 });
  try {
    const feeds = Object.fromEntries(
      session.inputNames.map((name) => [name, runtimeTensor(values[name]!, wide.has(name))]),
    );
    const found = await session.run(feeds);
    return new Map([...outputs].map(([name, dtype]) => [name, numbersOf(found[name]!, dtype)]));
  } finally {
    await session.release();
  }
}

/** Results of a program by name. */
export async function runProgram(of: Program, values: Values): Promise<Map<string, Float64Array>> {
  const portable = withoutBfloat(of);
  const outputs = new Map(
    Object.entries(portable.updates).map(([name, { dtype }]) => [`${name}.next`, dtype]),
  );
  const known = Object.entries(values).map(([name, value]) => [
    name,
    { ...value, dtype: carried(value.dtype) },
  ]);
  const file = bytesOf(printOnnx(portable, { name: "case" }));
  const found = await runModel(file, Object.fromEntries(known) as Values, outputs);
  return new Map([...found].map(([name, data]) => [name.slice(0, -".next".length), data]));
}

const carried = (dtype: DType): DType => (dtype === "bf16" ? "f32" : dtype);

/** The program with f32 where it takes or gives bf16: the runtime computes with them, but its interface has none. */
function withoutBfloat({ outputs, updates }: Program): Program {
  const names = [...Object.keys(outputs), ...Object.keys(updates)];
  const results = programResults({ outputs, updates });
  const replaced = new Map<Tensor, Tensor>();
  for (const node of topologicalOrder(results)) {
    const tensor = node.outputs[0]!;
    const name = inputName(tensor);
    if (name !== undefined && tensor.dtype === "bf16") {
      replaced.set(tensor, cast(input(name, tensor.shape), "bf16"));
    }
  }
  const wide = substitute(results, replaced).map((tensor) => cast(tensor, carried(tensor.dtype)));
  // As updates, whatever they were: those may be called like inputs.
  return program({}, Object.fromEntries(names.map((name, i) => [name, wide[i]!])));
}
