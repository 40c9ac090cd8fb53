// What a gradient computes again instead of keeping: the inside of the segments between boundaries. Griewank 1992; Chen
// et al. 2016, "Training deep nets with sublinear memory cost". Knows nodes, no op but the one that holds values back.
import { hold } from "./ops/hold.ts";
import { makeNode, type Node, type Tensor } from "./tensor.ts";

/** The node whose inputs and outputs a gradient reads in place of `node`'s, once `arrived` is known. */
export type StandIn = (node: Node, arrived: Tensor) => Node;

/**
 * Cuts a graph, given as nodes in topological order, at `boundaries`: a node belongs to the last boundary it depends on.
 * Its stand-in is the same computation on the held boundary. Nodes before the first boundary and after the last one, and
 * those that depend on none, stand for themselves. What a segment reads of earlier ones beside its boundary is kept.
 */
export function standIns(order: readonly Node[], boundaries: readonly Tensor[]): StandIn {
  const starts = [...boundaries].sort((a, b) => a.node.id - b.node.id);
  const indexOf = new Map(starts.map((tensor, i) => [tensor, i]));
  const segmentOf = new Map<Node, number>();
  const segments = starts.map((): Node[] => []);
  for (const node of order) {
    const reached = node.inputs.map((input) => indexOf.get(input) ?? segmentOf.get(input.node) ?? -1);
    const segment = Math.max(-1, ...reached);
    segmentOf.set(node, segment);
    if (segment >= 0 && segment < starts.length - 1) segments[segment]!.push(node);
  }
  const again = new Map<Node, Node>();
  return (node, arrived) => {
    const segment = segmentOf.get(node) ?? -1;
    if (segment < 0 || segment >= starts.length - 1) return node;
    if (!again.has(node))
      repeat(segments[segment]!, starts[segment]!, hold(starts[segment]!, arrived), again);
    return again.get(node)!;
  };
}

function repeat(segment: readonly Node[], start: Tensor, held: Tensor, again: Map<Node, Node>): void {
  const own = new Set(segment);
  const current = (tensor: Tensor): Tensor => {
    if (tensor === start) return held;
    return own.has(tensor.node) ? again.get(tensor.node)!.outputs[tensor.output]! : tensor;
  };
  for (const node of segment) again.set(node, makeNode(node.op, node.inputs.map(current), node.attributes));
}
