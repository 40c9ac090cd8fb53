// Rewrites a graph before planning: composites without a kernel become their definitions, equal nodes become one, and
// arithmetic that changes nothing disappears. Every rewrite is exact in floating point.
import { cast, castValue, multiply } from "../tensor/ops/elementwise.ts";
import {
  fill,
  fillValue,
  type IotaAttributes,
  iota,
  type LiteralAttributes,
  literal,
} from "../tensor/ops/leaf.ts";
import { reshape } from "../tensor/ops/movement.ts";
import { makeNode, type Node, sameShape, type Tensor, topologicalOrder } from "../tensor/tensor.ts";
import type { Kernels } from "./plan.ts";

interface Rewriter {
  readonly kernels: Pick<Kernels, "supports">;
  readonly replaced: Map<Tensor, Tensor>;
  readonly known: Map<string, Node>;
}

/** The same results from a simpler graph. */
export function lower(results: readonly Tensor[], kernels: Pick<Kernels, "supports">): Tensor[] {
  const rewriter: Rewriter = { kernels, replaced: new Map(), known: new Map() };
  rewrite(rewriter, results, new Set());
  return results.map((tensor) => rewriter.replaced.get(tensor)!);
}

function rewrite(rewriter: Rewriter, results: readonly Tensor[], cut: ReadonlySet<Node>): void {
  const { replaced } = rewriter;
  for (const node of topologicalOrder(results, cut)) {
    if (cut.has(node) || node.outputs.every((output) => replaced.has(output))) continue;
    const inputs = node.inputs.map((tensor) => replaced.get(tensor)!);
    if (
      node.op.lowering === "kernel" &&
      node.op.decompose !== undefined &&
      !rewriter.kernels.supports(node)
    ) {
      // Tensors made by earlier rewriting stand for themselves inside the definition.
      for (const tensor of inputs) replaced.set(tensor, tensor);
      const parts = node.op.decompose(inputs, node.attributes);
      rewrite(rewriter, parts, new Set(inputs.map((tensor) => tensor.node)));
      node.outputs.forEach((output, i) => {
        replaced.set(output, replaced.get(parts[i]!)!);
      });
      continue;
    }
    const simple = node.outputs.length === 1 ? simplify(node, inputs) : undefined;
    if (simple !== undefined) {
      replaced.set(node.outputs[0]!, simple);
      continue;
    }
    const next = unique(rewriter, node, inputs);
    node.outputs.forEach((output, i) => {
      replaced.set(output, next.outputs[i]!);
    });
  }
}

/** The node itself, an earlier equal one, or a new one on the rewritten inputs. */
function unique(rewriter: Rewriter, node: Node, inputs: readonly Tensor[]): Node {
  const key = nodeKey(node, inputs);
  const before = key === undefined ? undefined : rewriter.known.get(key);
  if (before !== undefined) return before;
  const next = inputs.every((tensor, i) => tensor === node.inputs[i])
    ? node
    : makeNode(node.op, inputs, node.attributes);
  if (key !== undefined) rewriter.known.set(key, next);
  return next;
}

/** Text equal for nodes that compute the same, or undefined where attributes hold more than plain data. */
function nodeKey(node: Node, inputs: readonly Tensor[]): string | undefined {
  let plain = true;
  const attributes = JSON.stringify(node.attributes, (_, value: unknown) => {
    if (typeof value === "number" && !Number.isFinite(value)) return String(value);
    if (
      typeof value === "function" ||
      ArrayBuffer.isView(value) ||
      (value !== null && typeof value === "object" && "node" in value)
    ) {
      plain = false;
      return null;
    }
    return value;
  });
  return plain
    ? `${node.op.name}(${inputs.map((t) => `${t.node.id}.${t.output}`).join()})${attributes}`
    : undefined;
}

/** An equal tensor that is simpler than the node applied to `inputs`, if a rule finds one. */
function simplify(node: Node, inputs: readonly Tensor[]): Tensor | undefined {
  const output = node.outputs[0]!;
  const fills = inputs.map(fillValue);
  const [x, y] = inputs;
  switch (node.op.name) {
    case "stopGradient":
      return x;
    case "literal":
      return sixteenBits(node);
    case "add":
      return fills[1] === 0 ? x : fills[0] === 0 ? y : foldConstant(node, fills);
    case "subtract":
      return fills[1] === 0 ? x : foldConstant(node, fills);
    case "multiply":
      return fills[1] === 1 ? x : fills[0] === 1 ? y : foldConstant(node, fills);
    case "divide":
      return fills[1] === 1 ? x : foldConstant(node, fills);
    case "power":
      return fills[1] === 2 ? multiply(x!, x!) : fills[1] === 1 ? x : foldConstant(node, fills);
    case "cast":
      if (fills[0] !== undefined) return fill(castValue(fills[0], output.dtype), output.shape, output.dtype);
      return x!.dtype === output.dtype ? x : undefined;
    case "contract":
      return x!.shape.at(-1) === 0 ? fill(0, output.shape) : undefined;
    case "reduceSum":
      if (x!.shape.at(-1) === 0) return fill(0, output.shape, output.dtype);
      if (x!.shape.at(-1) === 1) return x;
      return fills[0] === undefined
        ? undefined
        : fill(fills[0] * x!.shape.at(-1)!, output.shape, output.dtype);
    case "reduceMaximum":
      if (x!.shape.at(-1) === 0) return fill(Number.NEGATIVE_INFINITY, output.shape, output.dtype);
      return x!.shape.at(-1) === 1 ? x : undefined;
    default:
      break;
  }
  if (node.op.lowering === "view") {
    if (fills[0] !== undefined) return fill(fills[0], output.shape, output.dtype);
    if (node.op.name === "broadcast" && x!.node.op.name === "iota") return broadcastIota(x!, output);
    if (node.op.name === "reshape" && x!.node.op.name === "reshape")
      return reshape(x!.node.inputs[0]!, output.shape);
    if (sameShape(x!.shape, output.shape) && node.op.name === "reshape") return x;
  }
  return node.op.lowering === "elementwise" ? foldConstant(node, fills) : undefined;
}

/** An elementwise function of constants is a constant. */
function foldConstant(node: Node, fills: readonly (number | undefined)[]): Tensor | undefined {
  if (node.op.evaluate === undefined || fills.some((value) => value === undefined)) return undefined;
  const scalars = fills.map((value) => ({ shape: [], data: Float64Array.of(value!) }));
  const { shape, dtype } = node.outputs[0]!;
  const [result] = node.op.evaluate(scalars, node.attributes, [{ shape: [], dtype }]);
  return fill(result!.data[0]!, shape, dtype);
}

/** A literal of sixteen bits is one of f32, cast: numbers are written to memory as they are. */
function sixteenBits(node: Node): Tensor | undefined {
  const { values, shape, dtype } = node.attributes as LiteralAttributes;
  return dtype === "f16" || dtype === "bf16" ? cast(literal(values, shape), dtype) : undefined;
}

/** A counter repeated along other axes is a counter of the larger shape, unless its own axis was repeated. */
function broadcastIota(counter: Tensor, output: Tensor): Tensor | undefined {
  const { axis, shape } = counter.node.attributes as IotaAttributes;
  const added = output.shape.length - shape.length;
  if (shape[axis] !== output.shape[axis + added]) return undefined;
  return cast(iota(output.shape, axis + added, counter.dtype), output.dtype);
}
