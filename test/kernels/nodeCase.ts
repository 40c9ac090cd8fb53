// A check of the instruction that a node of the graph becomes, on operands without gaps. Knows no kernel.

import { kernelEncoder } from "../../src/backend/tape/kernels.ts";
import type { Buffer, View } from "../../src/compiler/plan.ts";
import {
  type Node,
  rowMajorStrides,
  sizeOf,
  type Tensor,
  type TensorType,
  topologicalOrder,
} from "../../src/tensor/tensor.ts";
import type { Check } from "./cases.ts";
import type { Driver, Values } from "./isolated.ts";

/** Inputs, then outputs, are the bindings; `expected` has a result for each output, `epsilons` the error each may have. */
export function nodeCheck(
  name: string,
  opcode: Check["opcode"],
  node: Node,
  inputs: readonly Values[],
  expected: readonly Float64Array[],
  { real, epsilons, rowsPerGroup }: { real: Driver["real"]; epsilons: number; rowsPerGroup: number },
): Check {
  const binding = new Map<Buffer, number>();
  const viewOf = ({ shape, dtype }: TensorType): View => {
    const id = binding.size;
    const buffer: Buffer = { id, elements: sizeOf(shape), dtype, home: "external", offset: 0 };
    binding.set(buffer, id);
    return { buffer, steps: [], shape, offset: 0, strides: rowMajorStrides(shape) };
  };
  const step = {
    kind: "kernel",
    node,
    inputs: node.inputs.map(viewOf),
    outputs: node.outputs.map(viewOf),
  } as const;
  const realBytes = real([0]).BYTES_PER_ELEMENT as 4 | 8;
  const { rows, scratchBytes, words } = kernelEncoder(node)!.encode(
    step,
    { realBytes, threads: 1, binding },
    false,
  );
  return {
    ...{ name, opcode, rows, rowsPerGroup, scratchBytes, write: words },
    bindings: [...inputs, ...expected.map((values) => real(values).fill(7))],
    expected: expected.map((values, i) => ({ binding: inputs.length + i, values, epsilons })),
  };
}

/** The node that makes the gradients of a node's inputs from that of its first output, named as it is with "Gradient". */
export function gradientNode(node: Node, outputGradient: Tensor): Node {
  const found = node.op.gradient!(
    node,
    [outputGradient],
    node.inputs.map(() => true),
  );
  const tensors = found.filter((tensor) => tensor !== undefined);
  return topologicalOrder(tensors).find(({ op }) => op.name === `${node.op.name}Gradient`)!;
}
