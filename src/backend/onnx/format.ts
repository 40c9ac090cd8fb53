// The ONNX file format: a model as plain data, and its bytes. Knows no tensor graph and no operator.
// Field numbers: github.com/onnx/onnx, onnx/onnx.proto.
import { PbfWriter } from "pbf";
import { RequestError } from "../../errors.ts";

/** Element types with their numbers in the format (TensorProto.DataType). */
export const elementTypes = {
  f32: 1,
  i32: 6,
  i64: 7,
  bool: 9,
  f16: 10,
  u32: 12,
  u64: 13,
  bf16: 16,
} as const;
export type OnnxType = keyof typeof elementTypes;

/** In a shape: a size that is known at run time only. */
export const UNKNOWN = -1;

export interface OnnxValue {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly number[];
}

export interface OnnxTensor extends OnnxValue {
  /** Row-major little-endian elements. */
  readonly bytes: Uint8Array;
}

/** A whole number, several, a word, or the body of a loop. */
export type OnnxAttribute = number | readonly number[] | string | OnnxGraph;

export interface OnnxNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

export interface OnnxGraph {
  readonly name: string;
  /** Each after those whose outputs it reads. */
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** Types and shapes of what lies between. */
  readonly values: readonly OnnxValue[];
}

export interface OnnxModel {
  readonly graph: OnnxGraph;
  /** Of the standard operators. */
  readonly operatorSet: number;
  readonly producerVersion: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The version of the format that came with operator set 18. */
const IR_VERSION = 8;

/** No protobuf message may be longer. */
const MOST_BYTES = 2 ** 31 - 1;

const attributeTypes = { int: 2, string: 3, graph: 5, ints: 7 } as const;

/**
 * The parts of a file, to be written one after the other; large tensors are the caller's own memory.
 * Errors: RequestError for a model of more bytes than the format can hold.
 */
export function encodeOnnx(model: OnnxModel): Uint8Array[] {
  const graph = encodeGraph(model.graph);
  const out = new PbfWriter();
  out.writeVarintField(1, IR_VERSION);
  out.writeStringField(2, "scantling");
  out.writeStringField(3, model.producerVersion);
  out.writeMessage(8, writeOperatorSet, model.operatorSet);
  for (const entry of Object.entries(model.metadata)) out.writeMessage(14, writeEntry, entry);
  writeHead(out, 7, totalBytes(graph));
  const parts = [out.finish(), ...graph];
  const bytes = totalBytes(parts);
  if (bytes > MOST_BYTES) {
    throw new RequestError(
      `the model takes ${bytes} bytes, and an ONNX file holds at most ${MOST_BYTES}; export it as safetensors`,
    );
  }
  return parts;
}

function totalBytes(parts: readonly Uint8Array[]): number {
  return parts.reduce((total, part) => total + part.length, 0);
}

/** The tag and length of a message whose bytes follow. */
function writeHead(out: PbfWriter, field: number, bytes: number): void {
  out.writeTag(field, 2);
  out.writeVarint(bytes);
}

function writeOperatorSet(version: number, out: PbfWriter): void {
  out.writeStringField(1, "");
  out.writeVarintField(2, version);
}

function writeEntry([key, value]: [string, string], out: PbfWriter): void {
  out.writeStringField(1, key);
  out.writeStringField(2, value);
}

function encodeGraph(graph: OnnxGraph): Uint8Array[] {
  const out = new PbfWriter();
  writeGraph(graph, out);
  const parts = [out.finish()];
  for (const tensor of graph.initializers) {
    const described = new PbfWriter();
    writeTensorHead(tensor, described);
    const head = described.finish();
    const before = new PbfWriter();
    writeHead(before, 5, head.length + tensor.bytes.length);
    parts.push(before.finish(), head, tensor.bytes);
  }
  return parts;
}

/** Everything of a graph but its initializers. */
function writeGraph(graph: OnnxGraph, out: PbfWriter): void {
  for (const node of graph.nodes) out.writeMessage(1, writeNode, node);
  out.writeStringField(2, graph.name);
  for (const value of graph.inputs) out.writeMessage(11, writeValue, value);
  for (const value of graph.outputs) out.writeMessage(12, writeValue, value);
  for (const value of graph.values) out.writeMessage(13, writeValue, value);
}

function writeNode({ operator, inputs, outputs, attributes }: OnnxNode, out: PbfWriter): void {
  for (const name of inputs) out.writeStringField(1, name);
  for (const name of outputs) out.writeStringField(2, name);
  out.writeStringField(4, operator);
  for (const attribute of Object.entries(attributes)) out.writeMessage(5, writeAttribute, attribute);
}

function writeAttribute([name, value]: [string, OnnxAttribute], out: PbfWriter): void {
  out.writeStringField(1, name);
  if (typeof value === "number") {
    out.writeVarintField(3, value);
    out.writeVarintField(20, attributeTypes.int);
  } else if (typeof value === "string") {
    out.writeStringField(4, value);
    out.writeVarintField(20, attributeTypes.string);
  } else if ("nodes" in value) {
    out.writeMessage(6, writeGraph, value);
    out.writeVarintField(20, attributeTypes.graph);
  } else {
    for (const item of value) out.writeVarintField(8, item);
    out.writeVarintField(20, attributeTypes.ints);
  }
}

function writeValue({ name, type, shape }: OnnxValue, out: PbfWriter): void {
  out.writeStringField(1, name);
  out.writeMessage(2, writeType, { type, shape });
}

function writeType(of: Pick<OnnxValue, "type" | "shape">, out: PbfWriter): void {
  out.writeMessage(1, writeTensorType, of);
}

function writeTensorType({ type, shape }: Pick<OnnxValue, "type" | "shape">, out: PbfWriter): void {
  out.writeVarintField(1, elementTypes[type]);
  out.writeMessage(2, writeShape, shape);
}

function writeShape(shape: readonly number[], out: PbfWriter): void {
  for (const size of shape) out.writeMessage(1, writeDimension, size);
}

function writeDimension(size: number, out: PbfWriter): void {
  if (size !== UNKNOWN) out.writeVarintField(1, size);
}

function writeTensorHead({ name, type, shape, bytes }: OnnxTensor, out: PbfWriter): void {
  for (const size of shape) out.writeVarintField(1, size);
  out.writeVarintField(2, elementTypes[type]);
  out.writeStringField(8, name);
  writeHead(out, 9, bytes.length);
}
