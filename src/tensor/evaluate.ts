// Values of a graph in float64, every node by the definition its op gives, one after the other. Short and slow; knows no
// store and no machine.
import { inputName } from "./ops/leaf.ts";
import { type NdArray, type Node, type Tensor, topologicalOrder } from "./tensor.ts";

/** Values of `results` given the inputs' values by name. */
export function evaluate(results: readonly Tensor[], inputs: Readonly<Record<string, NdArray>>): NdArray[] {
  const values = new Map<Tensor, NdArray>();
  evaluateInto(values, results, inputs, new Set());
  return results.map((tensor) => values.get(tensor)!);
}

function evaluateInto(
  values: Map<Tensor, NdArray>,
  results: readonly Tensor[],
  inputs: Readonly<Record<string, NdArray>>,
  cut: ReadonlySet<Node>,
): void {
  for (const node of topologicalOrder(results, cut)) {
    if (cut.has(node) || node.outputs.every((output) => values.has(output))) continue;
    const name = inputName(node.outputs[0]!);
    if (name !== undefined) {
      const value = inputs[name];
      if (value === undefined) throw new RangeError(`no value for input "${name}"`);
      values.set(node.outputs[0]!, value);
    } else if (node.op.evaluate !== undefined) {
      const operands = node.inputs.map((tensor) => values.get(tensor)!);
      const outputs = node.op.evaluate(operands, node.attributes, node.outputs);
      outputs.forEach((value, i) => {
        values.set(node.outputs[i]!, value);
      });
    } else if (node.op.decompose !== undefined) {
      const parts = node.op.decompose(node.inputs, node.attributes);
      evaluateInto(values, parts, inputs, new Set(node.inputs.map((tensor) => tensor.node)));
      node.outputs.forEach((output, i) => {
        values.set(output, values.get(parts[i]!)!);
      });
    } else throw new RangeError(`${node.op.name} has neither a reference nor a decomposition`);
  }
}
