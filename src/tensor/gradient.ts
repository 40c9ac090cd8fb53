// Reverse-mode differentiation as a graph-to-graph transform. Knows each op only through its declared gradient.
import { add } from "./ops/elementwise.ts";
import { fill } from "./ops/leaf.ts";
import { joinPadded } from "./ops/movement.ts";
import { type StandIn, standIns } from "./recompute.ts";
import { isFloat, type Node, sizeOf, type Tensor, topologicalOrder } from "./tensor.ts";

/**
 * Gradients of a scalar with respect to tensors it depends on; zeros where it does not.
 * The result is an ordinary graph and can be differentiated again.
 *
 * `boundaries`: tensors between which values are computed again when their gradient is due, so that of all values up to
 * the last boundary only the boundaries themselves need be kept. Default: none, every value is computed once.
 */
export function gradients(
  of: Tensor,
  withRespectTo: readonly Tensor[],
  boundaries: readonly Tensor[] = [],
): Tensor[] {
  if (sizeOf(of.shape) !== 1)
    throw new RangeError(`gradients of a tensor of shape [${of.shape}]; expected one number`);
  return vectorJacobian([of], [fill(1, of.shape)], withRespectTo, { boundaries });
}

/** Where differentiation stops, and what is computed again instead of kept. */
export interface JacobianOptions {
  /** Differentiation stops at these nodes, which are taken as independent of each other. */
  readonly cut?: ReadonlySet<Node>;
  /** As for `gradients`. */
  readonly boundaries?: readonly Tensor[];
}

/**
 * Σ seed·∂output/∂x for each x: the vector-Jacobian product. A missing seed counts as zero.
 */
export function vectorJacobian(
  outputs: readonly Tensor[],
  seeds: readonly (Tensor | undefined)[],
  withRespectTo: readonly Tensor[],
  { cut = new Set(), boundaries = [] }: JacobianOptions = {},
): Tensor[] {
  const order = topologicalOrder(outputs, cut);
  const standIn: StandIn = boundaries.length === 0 ? (node) => node : standIns(order, boundaries);
  const useful = dependents(order, withRespectTo);
  const collected = new Map<Tensor, Tensor>();
  const accumulate = (tensor: Tensor, gradient: Tensor | undefined) => {
    if (gradient === undefined) return;
    const before = collected.get(tensor);
    collected.set(tensor, before === undefined ? gradient : plus(before, gradient));
  };
  outputs.forEach((output, i) => {
    accumulate(output, seeds[i]);
  });
  for (const node of order.reverse()) {
    if (!useful.has(node) || cut.has(node)) continue;
    const outputGradients = node.outputs.map((output) => collected.get(output));
    const arrived = outputGradients.find((gradient) => gradient !== undefined);
    if (arrived === undefined) continue;
    const wanted = node.inputs.map((input) => useful.has(input.node) && isFloat(input.dtype));
    inputGradients(standIn(node, arrived), outputGradients, wanted).forEach((gradient, i) => {
      if (wanted[i]) accumulate(node.inputs[i]!, gradient);
    });
  }
  return withRespectTo.map((tensor) => collected.get(tensor) ?? fill(0, tensor.shape, tensor.dtype));
}

/** p + q; gradients of the parts of one tensor are joined rather than padded and added. */
function plus(p: Tensor, q: Tensor): Tensor {
  return joinPadded(p, q) ?? add(p, q);
}

/** An op's own rule, or the derivative of the graph it stands for. */
function inputGradients(
  node: Node,
  outputGradients: readonly (Tensor | undefined)[],
  wanted: readonly boolean[],
): readonly (Tensor | undefined)[] {
  const own = node.op.gradient?.(node, outputGradients, wanted);
  if (own !== undefined) return own;
  if (node.op.decompose === undefined) {
    throw new RangeError(`${node.op.name} has no gradient; use stopGradient on its result`);
  }
  return decompositionGradients(node, outputGradients);
}

/** Input gradients of a composite from the graph it stands for; a tensor that is several inputs has all at the first. */
export function decompositionGradients<A>(
  node: Node<A>,
  outputGradients: readonly (Tensor | undefined)[],
): readonly (Tensor | undefined)[] {
  const outputs = node.op.decompose!(node.inputs, node.attributes);
  const cut = new Set(node.inputs.map((input) => input.node));
  const total = vectorJacobian(outputs, outputGradients, node.inputs, { cut });
  return total.map((gradient, i) => (node.inputs.indexOf(node.inputs[i]!) === i ? gradient : undefined));
}

/** The nodes of `order` through which some tensor of `roots` is reached. */
function dependents(order: readonly Node[], roots: readonly Tensor[]): Set<Node> {
  const result = new Set<Node>(roots.map((tensor) => tensor.node));
  for (const node of order) {
    if (node.inputs.some((input) => result.has(input.node))) result.add(node);
  }
  return result;
}
