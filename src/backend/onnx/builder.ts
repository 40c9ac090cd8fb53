// An ONNX graph under construction: values, constants, operators. Knows operators by name only, and no tensor graph.
import { type DType, type Shape, sameShape, sizeOf } from "../../tensor/tensor.ts";
import {
  elementTypes,
  type OnnxAttribute,
  type OnnxNode,
  type OnnxTensor,
  type OnnxType,
  type OnnxValue,
} from "./format.ts";

/**
 * A value of the graph. It may be smaller than the tensor it stands for, as long as it broadcasts to that tensor's
 * shape: what is repeated is not stored.
 */
export interface Value {
  readonly type: OnnxType;
  readonly shape: Shape;
  /** Known when the graph is built; it enters the file once an operator reads it. */
  readonly data?: Float64Array;
  /** In the graph; constants get one when they are read. */
  name?: string;
}

/** One graph, or the body of a loop; `shared` is the same for a graph and all bodies in it. */
export interface Builder {
  readonly nodes: OnnxNode[];
  readonly values: OnnxValue[];
  readonly shared: Shared;
}

interface Shared {
  readonly initializers: OnnxTensor[];
  /** Every name in use, and the number after the last one that was given to its likes. */
  readonly names: Map<string, number>;
  /** Small constants by their content. */
  readonly constants: Map<string, string>;
}

export function createBuilder(): Builder {
  return {
    nodes: [],
    values: [],
    shared: { initializers: [], names: new Map(), constants: new Map() },
  };
}

/** A builder of a loop's body; what it reads from outside it reads by name. */
export function createBody({ shared }: Builder): Builder {
  return { nodes: [], values: [], shared };
}

/** A name that nothing in the graph has: the wanted one, with a number where that is taken. */
export function freeName({ shared: { names } }: Builder, wanted: string): string {
  let number = names.get(wanted) ?? 1;
  let name = wanted;
  for (; names.has(name); number++) name = `${wanted}_${number}`;
  names.set(name, names.get(name) ?? 1);
  names.set(wanted, number);
  return name;
}

/**
 * The type in which the graph computes with elements of a dtype: 16-bit floats are rounded f32, and u32 are i64, since
 * runtimes lack arithmetic on both.
 */
export function carrier(dtype: DType): OnnxType {
  switch (dtype) {
    case "f32":
    case "f16":
    case "bf16":
      return "f32";
    case "i32":
      return "i32";
    case "u32":
      return "i64";
    case "bool":
      return "bool";
  }
}

export function constant(type: OnnxType, shape: Shape, data: ArrayLike<number>): Value {
  return { type, shape, data: Float64Array.from(data) };
}

/** i64 [n]: shapes, axes and starts as operators take them. */
export function list(...items: number[]): Value {
  return constant("i64", [items.length], items);
}

export function scalar(type: OnnxType, value: number): Value {
  return constant(type, [], [value]);
}

/** The name under which operators read a value. */
export function nameOf(builder: Builder, value: Value): string {
  if (value.name !== undefined) return value.name;
  const { type, shape, data } = value;
  const { constants, initializers } = builder.shared;
  // As text, -0 would be 0.
  const key =
    data!.length <= 16
      ? `${type} [${shape}] ${Array.from(data!, (x) => (Object.is(x, -0) ? "-0" : x))}`
      : undefined;
  const known = key === undefined ? undefined : constants.get(key);
  const name = known ?? freeName(builder, "constant");
  value.name = name;
  if (known === undefined) {
    initializers.push({ name, type, shape, bytes: bytesOf(type, data!) });
    if (key !== undefined) constants.set(key, name);
  }
  return name;
}

/** Applies an operator with one output. */
export function operator(
  builder: Builder,
  name: string,
  inputs: readonly Value[],
  output: Pick<Value, "type" | "shape">,
  attributes: Readonly<Record<string, OnnxAttribute>> = {},
): Value {
  return operators(builder, name, inputs, [output], attributes)[0]!;
}

/** Applies an operator. */
export function operators(
  builder: Builder,
  name: string,
  inputs: readonly Value[],
  outputs: readonly Pick<Value, "type" | "shape">[],
  attributes: Readonly<Record<string, OnnxAttribute>> = {},
): Value[] {
  const read = inputs.map((value) => nameOf(builder, value));
  const written = outputs.map(({ type, shape }) => ({ name: freeName(builder, name), type, shape }));
  builder.nodes.push({
    operator: name,
    inputs: read,
    outputs: written.map((value) => value.name),
    attributes,
  });
  builder.values.push(...written);
  return written;
}

/** Another element type. */
export function convert(builder: Builder, value: Value, type: OnnxType): Value {
  if (value.type === type) return value;
  return operator(builder, "Cast", [value], { type, shape: value.shape }, { to: elementTypes[type] });
}

export function reshaped(builder: Builder, value: Value, shape: Shape): Value {
  if (sameShape(value.shape, shape)) return value;
  if (value.data !== undefined) return constant(value.type, shape, value.data);
  // Without it a size of 0 means "as before".
  const attributes = shape.includes(0) ? { allowzero: 1 } : {};
  return operator(builder, "Reshape", [value, list(...shape)], { type: value.type, shape }, attributes);
}

/** The value with every element of `shape`, to which it broadcasts. */
export function whole(builder: Builder, value: Value, shape: Shape): Value {
  if (sizeOf(value.shape) === sizeOf(shape)) return reshaped(builder, value, shape);
  return operator(builder, "Expand", [value, list(...shape)], { type: value.type, shape });
}

/** The value with axes of length 1 in front, as many as make `rank` in all. */
export function withRank(builder: Builder, value: Value, rank: number): Value {
  const missing = rank - value.shape.length;
  return reshaped(builder, value, [...new Array<number>(missing).fill(1), ...value.shape]);
}

function bytesOf(type: OnnxType, data: Float64Array): Uint8Array {
  const view = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  switch (type) {
    case "f32":
      return view(Float32Array.from(data));
    case "i32":
      return view(Int32Array.from(data));
    case "u32":
      return view(Uint32Array.from(data));
    case "i64":
    case "u64":
      return view(BigInt64Array.from(data, BigInt));
    case "bool":
      return view(Uint8Array.from(data));
    case "f16":
    case "bf16":
      throw new RangeError(`a constant of ${type}; expected the type it is computed in`);
  }
}
