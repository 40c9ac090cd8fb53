// Prints a program as an ONNX model, op by op, before any fusion. Knows no model and no machine.
import type { NumericArray } from "../../backend/machine.ts";
import { lower } from "../../compiler/lower.ts";
import { RequestError } from "../../errors.ts";
import { input, inputName } from "../../tensor/ops/leaf.ts";
import { type Program, programInputs } from "../../tensor/program.ts";
import { type Node, sizeOf, type Tensor, topologicalOrder } from "../../tensor/tensor.ts";
import {
  type Builder,
  carrier,
  constant,
  convert,
  createBuilder,
  freeName,
  nameOf,
  type Value,
  whole,
} from "./builder.ts";
import { defineNode } from "./definitions.ts";
import { printElementwise } from "./elementwise.ts";
import { fold } from "./fold.ts";
import type { OnnxModel, OnnxTensor, OnnxType, OnnxValue } from "./format.ts";
import { printGroupedProduct } from "./grouped.ts";
import {
  printCumulativeSum,
  printDynamicSlice,
  printGather,
  printScatterAdd,
  printSort,
} from "./indexing.ts";
import { printScan } from "./scan.ts";
import {
  printConcatenate,
  printContract,
  printCounter,
  printPad,
  printReduction,
  printReshape,
  printSlice,
  printTranspose,
} from "./structure.ts";

export interface OnnxOptions {
  /** What the graph is called. */
  readonly name: string;
  /** Values of inputs that become part of the file, by their names; the others are inputs of the model. */
  readonly weights?: ReadonlyMap<string, NumericArray>;
  /** Inputs of type i32 that are i64 in the file, as programs that feed token ids have them. */
  readonly wide?: ReadonlySet<string>;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly producerVersion?: string;
}

/** BitwiseAnd and reductions by an axes input came with it; every runtime since 2023 reads it. */
const OPERATOR_SET = 18;

/**
 * The program as one graph: outputs under their names, updates under theirs with `.next`, inputs that have no weights as
 * inputs. Shapes are those of the program. Errors: RequestError that names an op for which there is no operator.
 */
export function printOnnx(program: Program, options: OnnxOptions): OnnxModel {
  const { weights = new Map(), wide = new Set() } = options;
  const builder = createBuilder();
  const named = [
    ...Object.entries(program.outputs),
    ...Object.entries(program.updates).map(([name, next]) => [`${name}.next`, next] as const),
  ];
  for (const name of [...programInputs(program).keys(), ...named.map(([name]) => name)])
    freeName(builder, name);
  const lowered = lower(
    named.map(([, tensor]) => tensor),
    { supports: () => false },
  );
  const inputs: OnnxValue[] = [];
  const initializers: OnnxTensor[] = [];
  const values = print(builder, lowered, (name, { dtype, shape }) => {
    const isWide = wide.has(name) && dtype === "i32";
    const value = { name, type: isWide ? ("i64" as const) : dtype, shape };
    const weight = weights.get(name);
    if (weight === undefined) inputs.push(value);
    else initializers.push({ ...value, bytes: bytesOf(weight, value.type) });
    return convert(builder, value, carrier(dtype));
  });
  const outputs = named.map(([name], i): OnnxValue => {
    const { dtype, shape } = lowered[i]!;
    const value = convert(builder, whole(builder, values[i]!, shape), dtype);
    builder.nodes.push({
      operator: "Identity",
      inputs: [nameOf(builder, value)],
      outputs: [name],
      attributes: {},
    });
    return { name, type: dtype, shape };
  });
  const { nodes, values: between, shared } = builder;
  return {
    graph: {
      name: options.name,
      nodes,
      inputs,
      outputs,
      initializers: [...initializers, ...shared.initializers],
      values: between,
    },
    operatorSet: OPERATOR_SET,
    producerVersion: options.producerVersion ?? "",
    metadata: options.metadata ?? {},
  };
}

function bytesOf(weight: NumericArray, type: OnnxType): Uint8Array {
  const array = type === "f32" && weight instanceof Float64Array ? Float32Array.from(weight) : weight;
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Values of `results`, whose inputs `bind` gives. */
function print(
  builder: Builder,
  results: readonly Tensor[],
  bind: (name: string, tensor: Tensor) => Value,
): Value[] {
  const values = new Map<Tensor, Value>();
  const nodes = topologicalOrder(results);
  const read = new Set([...results, ...nodes.flatMap((node) => node.inputs)]);
  for (const node of nodes) {
    const name = inputName(node.outputs[0]!);
    const outputs =
      name === undefined
        ? printNode(
            builder,
            node,
            node.inputs.map((tensor) => values.get(tensor)!),
            read,
          )
        : [bind(name, node.outputs[0]!)];
    outputs.forEach((value, i) => {
      values.set(node.outputs[i]!, value);
    });
  }
  return results.map((tensor) => values.get(tensor)!);
}

function printNode(
  builder: Builder,
  node: Node,
  inputs: readonly Value[],
  read: ReadonlySet<Tensor>,
): readonly Value[] {
  if (node.op.name === "broadcast") return inputs;
  // Runtimes differ in what they make of nothing.
  if (node.outputs.every(({ shape }) => sizeOf(shape) === 0))
    return node.outputs.map(({ dtype, shape }) => constant(carrier(dtype), shape, []));
  const known = fold(node, inputs);
  if (known !== undefined) return known;
  if (node.op.lowering === "elementwise") {
    const value = printElementwise(builder, node, inputs);
    if (value !== undefined) return [value];
  }
  switch (node.op.name) {
    case "reduceSum":
      return [printReduction(builder, "ReduceSum", node, inputs)];
    case "reduceMaximum":
      return [printReduction(builder, "ReduceMax", node, inputs)];
    case "contract":
      return [printContract(builder, node, inputs)];
    case "reshape":
      return [printReshape(builder, node, inputs)];
    case "transpose":
      return [printTranspose(builder, node, inputs)];
    case "slice":
      return [printSlice(builder, node, inputs)];
    case "iota":
      return [printCounter(builder, node)];
    case "concatenate":
      return [printConcatenate(builder, node, inputs)];
    case "pad":
      return [printPad(builder, node, inputs)];
    case "gather":
      return [printGather(builder, node, inputs)];
    case "scatterAdd":
      return [printScatterAdd(builder, node, inputs)];
    case "cumulativeSum":
      return [printCumulativeSum(builder, node, inputs)];
    case "sort":
      return printSort(builder, node, inputs);
    case "dynamicSlice":
      return [printDynamicSlice(builder, node, inputs)];
    case "groupedProduct":
      return [printGroupedProduct(builder, node, inputs)];
    case "scan":
      return printScan(builder, node, inputs, read, print);
    default:
      return printDefinition(builder, node, inputs);
  }
}

/** A node by ops that ONNX has. */
function printDefinition(builder: Builder, node: Node, inputs: readonly Value[]): readonly Value[] {
  const leaves = node.inputs.map(({ shape, dtype }, i) => input(`operand ${i}`, shape, dtype));
  const definition = defineNode(node, leaves);
  if (definition === undefined) {
    throw new RequestError(`ONNX has no operator for ${node.op.name}; export the weights as safetensors`);
  }
  const bound = new Map(leaves.map((leaf, i) => [inputName(leaf)!, inputs[i]!]));
  return print(builder, lower(definition, { supports: () => false }), (name) => bound.get(name)!);
}
