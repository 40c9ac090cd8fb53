// Tensors and nodes: the immutable graph every computation is written in. Knows shapes and dtypes; knows no op, no
// memory and no machine.

/** Element types. Arithmetic is in f32 (`native --double` and `reference` carry it in float64); f16 and bf16 are storage. */
export type DType = "f32" | "i32" | "u32" | "bool" | "f16" | "bf16";

/** Static dimensions, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

/** Shape and element type. */
export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** One output of one node. */
export interface Tensor extends TensorType {
  readonly node: Node;
  readonly output: number;
}

/** One application of an op. `id` grows with creation, so inputs always have smaller ids than their consumers. */
export interface Node<A = unknown> {
  readonly id: number;
  readonly op: Op<A>;
  readonly inputs: readonly Tensor[];
  readonly attributes: A;
  readonly outputs: readonly Tensor[];
}

/** Values for the float64 reference: row-major, every dtype carried as numbers (bool as 0 or 1). */
export interface NdArray {
  readonly shape: Shape;
  readonly data: Float64Array;
}

/** A strided window on a row-major parent of `parentSize` elements: offset and strides in elements, strides may be 0 or negative. */
export interface Strided {
  readonly shape: Shape;
  readonly offset: number;
  readonly strides: readonly number[];
}

/**
 * What a compiler may do with an op, declared by the op itself:
 * - `leaf`: a value from outside or a literal; nothing to run.
 * - `elementwise`: all inputs and the output have one shape; `code` names the scalar function.
 * - `iota`, `fill`: elementwise with no input.
 * - `reduce`: reduces the last axis to length 1.
 * - `view`: a rearrangement that strides can express.
 * - `contract`: a batched product.
 * - `kernel`: opaque; a backend has a kernel under the op's name, or `decompose` says what it stands for.
 */
export type Lowering =
  | "leaf"
  | "elementwise"
  | "iota"
  | "fill"
  | "random"
  | "reduce"
  | "view"
  | "contract"
  | "kernel";

/** Everything the system knows of one op, complete in one place. `A` is the type of its attributes. */
export interface Op<A = unknown> {
  readonly name: string;
  readonly lowering: Lowering;
  /** Output types; throws a RangeError on impossible inputs. */
  infer(inputs: readonly TensorType[], attributes: A): readonly TensorType[];
  /** The float64 reference. Absent where `decompose` defines the op. */
  evaluate?(inputs: readonly NdArray[], attributes: A, outputs: readonly TensorType[]): NdArray[];
  /** For composites: the same outputs, built from simpler ops. The definition of the op. */
  decompose?(inputs: readonly Tensor[], attributes: A): readonly Tensor[];
  /**
   * Input gradients from output gradients (undefined: no gradient flows); only those of `wanted` inputs are used.
   * Absent: `decompose` is differentiated, or not differentiable.
   */
  gradient?(
    node: Node<A>,
    outputGradients: readonly (Tensor | undefined)[],
    wanted: readonly boolean[],
  ): readonly (Tensor | undefined)[];
  /** Floating-point operations of the algorithm that runs. */
  flops(node: Node<A>): number;
  /** For `view`: the output as strides over the input, or undefined where strides cannot say it (then it is a copy). */
  view?(input: Strided, attributes: A): Strided | undefined;
  /**
   * For `kernel`: how many leading axes of every output (and of every input not listed in `shared`) are independent of
   * each other, so that work can be cut along them. Default: 0 axes.
   */
  independent?(node: Node<A>): { readonly axes: number; readonly shared: readonly number[] };
}

let nextId = 1;

/** Applies an op. Shapes are checked here, once. */
export function makeNode<A>(op: Op<A>, inputs: readonly Tensor[], attributes: A): Node<A> {
  const types = op.infer(inputs, attributes);
  const outputs: Tensor[] = [];
  const node: Node<A> = { id: nextId++, op, inputs, attributes, outputs };
  types.forEach((type, output) => {
    for (const size of type.shape) {
      if (!Number.isInteger(size) || size < 0)
        throw new RangeError(`${op.name}: impossible shape [${type.shape}]`);
    }
    // Variance of `A` stops here: only the op itself ever reads its attributes.
    outputs.push({ node: node as Node, output, shape: type.shape, dtype: type.dtype });
  });
  return node;
}

/** Applies an op with one output and returns that output. */
export function apply<A>(op: Op<A>, inputs: readonly Tensor[], attributes: A): Tensor {
  return makeNode(op, inputs, attributes).outputs[0]!;
}

/** Number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const dimension of shape) size *= dimension;
  return size;
}

/** Whether two shapes have the same dimensions. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** Row-major strides of a shape, in elements. */
export function rowMajorStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** An axis counted from the front, from one that may be negative. */
export function normalizeAxis(axis: number, rank: number, what: string): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(normal) || normal < 0 || normal >= rank) {
    throw new RangeError(`${what}: axis ${axis} of a tensor with ${rank} axes`);
  }
  return normal;
}

/** Whether a dtype is a floating-point one. */
export function isFloat(dtype: DType): boolean {
  return dtype === "f32" || dtype === "f16" || dtype === "bf16";
}

/** Nodes that `outputs` need, inputs before consumers; nodes of `cut` are in the order, what they need is not. */
export function topologicalOrder(outputs: readonly Tensor[], cut: ReadonlySet<Node> = new Set()): Node[] {
  const seen = new Set<Node>();
  const stack = outputs.map((tensor) => tensor.node);
  while (stack.length > 0) {
    const node = stack.pop()!;
    if (seen.has(node)) continue;
    seen.add(node);
    if (cut.has(node)) continue;
    for (const input of node.inputs) stack.push(input.node);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}
