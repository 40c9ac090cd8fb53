// The same computation on other inputs: rebuilds a graph with some tensors replaced. Knows no op.
import { makeNode, type Tensor, topologicalOrder } from "./tensor.ts";

/** `outputs` computed as before, with every key of `replacements` replaced by its value; untouched nodes are shared. */
export function substitute(outputs: readonly Tensor[], replacements: ReadonlyMap<Tensor, Tensor>): Tensor[] {
  const mapped = new Map(replacements);
  const current = (tensor: Tensor): Tensor => mapped.get(tensor) ?? tensor;
  for (const node of topologicalOrder(outputs)) {
    if (node.outputs.every((output) => mapped.has(output))) continue;
    const inputs = node.inputs.map(current);
    if (inputs.every((input, i) => input === node.inputs[i])) continue;
    makeNode(node.op, inputs, node.attributes).outputs.forEach((output, i) => {
      if (!mapped.has(node.outputs[i]!)) mapped.set(node.outputs[i]!, output);
    });
  }
  return outputs.map(current);
}
