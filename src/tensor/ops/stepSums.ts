// Sums over the steps of a loop that one product can make: Σ A_t·B_t is [A_1 … A_T] · [B_1; …; B_T]. The loop then only
// stacks what the products read. Knows graphs of single steps, not loops.
import { makeNode, type Node, type Tensor } from "../tensor.ts";
import { matmul } from "./contract.ts";
import { add } from "./elementwise.ts";
import { reshape, type TransposeAttributes, transpose } from "./movement.ts";

/** What each step adds to a sum, in two parts. */
export interface StepSum {
  /** What the loop must stack, [T, …] each, for `make`. */
  readonly stacked: readonly Tensor[];
  /** From a stack of each: the sum of all steps' products. */
  make(stackOf: (tensor: Tensor) => Tensor): Tensor;
  /** What a step must add itself, if anything. */
  readonly rest: Tensor | undefined;
}

/**
 * Takes products out of what a step adds to a sum.
 * @param term what each step adds
 * @param given tensors that have a stack already; what they are made of is not looked at
 * @param changing nodes that are not the same in every step
 */
export function productsOf(term: Tensor, given: ReadonlySet<Tensor>, changing: ReadonlySet<Node>): StepSum {
  const node = term.node;
  const [a, b] = node.inputs as [Tensor, Tensor];
  if (given.has(term)) return alone(term);
  if (node.op.name === "add") return joined(productsOf(a, given, changing), productsOf(b, given, changing));
  if (isRearranged(node)) {
    const inner = productsOf(a, given, changing);
    const rearrange = (x: Tensor): Tensor => makeNode(node.op, [x], node.attributes).outputs[0]!;
    return inner.stacked.length === 0
      ? alone(term)
      : { ...inner, make: (of) => rearrange(inner.make(of)), rest: inner.rest && rearrange(inner.rest) };
  }
  if (node.op.lowering !== "contract" || !changing.has(a.node) || !changing.has(b.node)) return alone(term);
  const [left, right] = [sourceOf(a, given), sourceOf(b, given)];
  return {
    stacked: [left.source, right.source],
    make: (of) => longProduct(left.arrange(of(left.source)), right.arrange(of(right.source))),
    rest: undefined,
  };
}

function alone(term: Tensor): StepSum {
  return { stacked: [], make: () => term, rest: term };
}

function joined(p: StepSum, q: StepSum): StepSum {
  const rest = p.rest === undefined ? q.rest : q.rest === undefined ? p.rest : add(p.rest, q.rest);
  if (q.stacked.length === 0) return { ...p, rest };
  if (p.stacked.length === 0) return { ...q, rest };
  return { stacked: [...p.stacked, ...q.stacked], make: (of) => add(p.make(of), q.make(of)), rest };
}

function isRearranged({ op }: Node): boolean {
  return op.name === "reshape" || op.name === "transpose";
}

/** What a factor is a rearrangement of, and the same rearrangement of a stack of that. */
function sourceOf(
  factor: Tensor,
  given: ReadonlySet<Tensor>,
): { source: Tensor; arrange: (stack: Tensor) => Tensor } {
  const { node } = factor;
  if (given.has(factor) || !isRearranged(node)) return { source: factor, arrange: (stack) => stack };
  const { source, arrange } = sourceOf(node.inputs[0]!, given);
  return {
    source,
    arrange: (stack) => {
      const x = arrange(stack);
      if (node.op.name === "reshape") return reshape(x, [x.shape[0]!, ...factor.shape]);
      const { order } = node.attributes as TransposeAttributes;
      return transpose(x, [0, ...order.map((axis) => axis + 1)]);
    },
  };
}

/** a [T, N…, M, K], b [T, N…, K, P] → Σ a_t·b_t [N…, M, P]. */
function longProduct(a: Tensor, b: Tensor): Tensor {
  const rank = a.shape.length - 1;
  const batch = Array.from({ length: rank - 2 }, (_, axis) => axis + 1);
  const sizes = a.shape.slice(1, -2);
  const [steps, rows, depth] = [a.shape[0]!, a.shape.at(-2)!, a.shape.at(-1)!];
  const left = reshape(transpose(a, [...batch, rank - 1, 0, rank]), [...sizes, rows, steps * depth]);
  const right = reshape(transpose(b, [...batch, 0, rank - 1, rank]), [
    ...sizes,
    steps * depth,
    b.shape.at(-1)!,
  ]);
  return matmul(left, right);
}
