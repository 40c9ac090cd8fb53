// A loop along one axis: a body graph applied step after step with carried state. Holds the body as a graph of its own;
// what the body takes from outside becomes a constant of the loop.
import { evaluate } from "../evaluate.ts";
import { dependents } from "../gradient.ts";
import { substitute } from "../substitute.ts";
import {
  makeNode,
  type NdArray,
  type Node,
  type Op,
  type Shape,
  sameShape,
  sizeOf,
  type Tensor,
  type TensorType,
  topologicalOrder,
} from "../tensor.ts";
import { input, inputName } from "./leaf.ts";
import { concatenate, reshape, slice } from "./movement.ts";
import { scanGradient } from "./scanGradient.ts";

/** One step as a graph: leaves for carries, sequence elements and constants in; new carries, then the step's outputs. */
export interface ScanBody {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

/** Node inputs: carries, sequences [T, …], constants. Node outputs: final carries, then stacked outputs [T, …]. */
export interface ScanAttributes {
  readonly body: ScanBody;
  readonly carries: number;
  readonly sequences: number;
  readonly constants: number;
  readonly length: number;
  /** Runs from the last element to the first; outputs stand at the place of their element. */
  readonly reverse: boolean;
  /** How many of the last stacked outputs are kept for the gradient: all carries before each step first; or none. */
  readonly kept: number;
}

/** A product's sum over fewer entries than this is computed again rather than kept for the gradient. */
const DEAR_DEPTH = 32;

const scanOp: Op<ScanAttributes> = {
  name: "scan",
  lowering: "kernel",
  infer: (inputs, { body, carries, sequences, length }) => {
    if (!Number.isInteger(length) || length < 1)
      throw new RangeError(`scan: length ${length}; expected at least 1`);
    inputs.forEach((type, i) => {
      const leaf = body.inputs[i]!;
      const isSequence = i >= carries && i < carries + sequences;
      const expected = isSequence ? [length, ...leaf.shape] : leaf.shape;
      if (!sameShape(type.shape, expected) || type.dtype !== leaf.dtype) {
        throw new RangeError(
          `scan: input ${i} is ${type.dtype} [${type.shape}], its body takes ${leaf.dtype} [${expected}]`,
        );
      }
    });
    for (let i = 0; i < carries; i++) {
      const [before, after] = [body.inputs[i]!, body.outputs[i]!];
      if (!sameShape(before.shape, after.shape) || before.dtype !== after.dtype) {
        throw new RangeError(
          `scan: carry ${i} enters a step as ${before.dtype} [${before.shape}], leaves as ${after.dtype} [${after.shape}]`,
        );
      }
    }
    return body.outputs.map(({ shape, dtype }, i) => ({
      shape: i < carries ? shape : [length, ...shape],
      dtype,
    }));
  },
  evaluate: evaluateScan,
  gradient: scanGradient,
  flops: (node) => {
    const { body, length } = node.attributes;
    return length * topologicalOrder(body.outputs).reduce((total, step) => total + step.op.flops(step), 0);
  },
};

function evaluateScan(
  inputs: readonly NdArray[],
  attributes: ScanAttributes,
  outputs: readonly TensorType[],
): NdArray[] {
  const { body, carries, sequences, length, reverse } = attributes;
  const names = body.inputs.map((leaf) => inputName(leaf)!);
  const bound: Record<string, NdArray> = {};
  inputs.forEach((value, i) => {
    bound[names[i]!] = value;
  });
  const stacked = outputs.slice(carries).map((type) => new Float64Array(sizeOf(type.shape)));
  for (let step = 0; step < length; step++) {
    const t = reverse ? length - 1 - step : step;
    for (let i = carries; i < carries + sequences; i++) {
      const { shape } = body.inputs[i]!;
      const size = sizeOf(shape);
      bound[names[i]!] = { shape, data: inputs[i]!.data.subarray(t * size, (t + 1) * size) };
    }
    evaluate(body.outputs, bound).forEach((value, i) => {
      if (i < carries) bound[names[i]!] = value;
      else stacked[i - carries]!.set(value.data, t * value.data.length);
    });
  }
  return outputs.map(({ shape }, i) =>
    i < carries ? bound[names[i]!]! : { shape, data: stacked[i - carries]! },
  );
}

/** What a loop runs over. */
export interface ScanInputs {
  readonly length: number;
  /** State before the first step. */
  readonly carries?: readonly Tensor[];
  /** Tensors [length, …]; each step sees one element along the leading axis. */
  readonly sequences?: readonly Tensor[];
  /** Tensors every step sees whole. */
  readonly constants?: readonly Tensor[];
  readonly reverse?: boolean;
}

/** Carries and outputs: of one step, or of the whole loop. */
export interface ScanResult {
  readonly carries: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

/** One step: from carries, sequence elements and constants to the next carries (same types) and the step's outputs. */
export type ScanStep = (
  carries: readonly Tensor[],
  elements: readonly Tensor[],
  constants: readonly Tensor[],
) => ScanResult;

/** A body and what it is applied to: everything but whether its carries are kept. */
export interface Loop {
  readonly length: number;
  readonly carries: readonly Tensor[];
  readonly sequences: readonly Tensor[];
  readonly constants: readonly Tensor[];
  readonly reverse: boolean;
  readonly body: ScanBody;
}

/**
 * Applies `step` along the leading axis of the sequences: first to last, or last to first with `reverse`. Gives the
 * carries after the last step and every output stacked to [length, …]. What `step` takes from outside is computed once
 * and becomes a constant.
 *
 * For its gradient, carries no larger than what a step reads and writes are all kept. Larger ones are kept at the starts
 * of chunks of about √length steps (the loop is then a loop over loops) and computed again inside: Griewank 1992,
 * "Achieving logarithmic growth of temporal and spatial complexity", with one level.
 */
export function scan(of: ScanInputs, step: ScanStep): ScanResult {
  const loop = closeLoop(of, step);
  const keep = sizeOfAll(loop.carries) <= traffic(loop);
  return keep || loop.length <= 3 ? runLoop(loop, keep) : runChunks(loop);
}

function sizeOfAll(tensors: readonly Tensor[]): number {
  return tensors.reduce((total, { shape }) => total + sizeOf(shape), 0);
}

/** Elements of sequences and outputs that one step reads and writes. */
function traffic({ body, carries, sequences }: Loop): number {
  const read = body.inputs.slice(carries.length, carries.length + sequences.length);
  return sizeOfAll(read) + sizeOfAll(body.outputs.slice(carries.length));
}

/**
 * The loop as one node. `keep`: what the gradient reads of each step is output as well, the carries before it and its
 * products. Backends leave out what nobody reads.
 */
export function runLoop(loop: Loop, keep: boolean): ScanResult {
  const { body, carries, sequences, constants, length, reverse } = loop;
  const count = carries.length;
  const kept = keep ? [...body.inputs.slice(0, count), ...dearProducts(loop)] : [];
  const { outputs } = makeNode(scanOp, [...carries, ...sequences, ...constants], {
    body: { inputs: body.inputs, outputs: [...body.outputs, ...kept] },
    carries: count,
    sequences: sequences.length,
    constants: constants.length,
    length,
    reverse,
    kept: kept.length,
  });
  return { carries: outputs.slice(0, count), outputs: outputs.slice(count, body.outputs.length) };
}

/** A step's products that are worth keeping, each as the sum it is a part of; none if they are more than it reads and writes. */
function dearProducts(loop: Loop): Tensor[] {
  const { body, carries, sequences } = loop;
  const order = topologicalOrder(body.outputs);
  const changing = dependents(order, body.inputs.slice(0, carries.length + sequences.length));
  const readers = new Map<Tensor, Node[]>();
  for (const node of order)
    for (const tensor of node.inputs) readers.set(tensor, [...(readers.get(tensor) ?? []), node]);
  const found = new Set<Tensor>();
  for (const node of order) {
    const isDear = node.op.lowering === "contract" && node.inputs[0]!.shape.at(-1)! >= DEAR_DEPTH;
    if (isDear && changing.has(node)) found.add(sumOf(node.outputs[0]!, readers));
  }
  const all = [...found].filter((tensor) => !body.outputs.includes(tensor));
  return sizeOfAll(all) <= traffic(loop) ? all : [];
}

/** The sum that a product's only reader makes of it, or the product itself. */
function sumOf(product: Tensor, readers: ReadonlyMap<Tensor, readonly Node[]>): Tensor {
  for (let current = product; ; ) {
    const [reader, ...others] = readers.get(current) ?? [];
    if (reader === undefined || others.length > 0) return product;
    if (reader.op.name === "add") return reader.outputs[0]!;
    if (reader.op.name !== "reshape") return product;
    current = reader.outputs[0]!;
  }
}

/** The loop as a loop over chunks, and the steps that are left over as the last chunk. */
function runChunks(loop: Loop): ScanResult {
  const { sequences, constants, length, reverse } = loop;
  const chunk = chunkLength(length);
  const chunks = Math.floor(length / chunk);
  const steps = chunks * chunk;
  const head = (x: Tensor) => slice(x, { 0: reverse ? [length - steps, length] : [0, steps] });
  const tail = (x: Tensor) => slice(x, { 0: reverse ? [0, length - steps] : [steps, length] });
  const outer = closeLoop(
    {
      ...loop,
      length: chunks,
      sequences: sequences.map((x) => reshape(head(x), [chunks, chunk, ...x.shape.slice(1)])),
    },
    (carries, elements, fixed) =>
      runLoop({ ...loop, length: chunk, carries, sequences: elements, constants: fixed }, true),
  );
  const first = runLoop(outer, true);
  const joined = first.outputs.map((x) => reshape(x, [steps, ...x.shape.slice(2)]));
  if (steps === length) return { carries: first.carries, outputs: joined };
  const last = runLoop(
    { ...loop, length: length - steps, carries: first.carries, sequences: sequences.map(tail), constants },
    true,
  );
  const outputs = joined.map((x, i) =>
    concatenate(reverse ? [last.outputs[i]!, x] : [x, last.outputs[i]!], 0),
  );
  return { carries: last.carries, outputs };
}

/** About √length: the nearest divisor within a factor of two, so that no steps are left over, or else the root. */
function chunkLength(length: number): number {
  const root = Math.ceil(Math.sqrt(length));
  for (let away = 0; away <= root / 2; away++) {
    for (const chunk of [root - away, root + away]) if (length % chunk === 0) return chunk;
  }
  return root;
}

// Leaves of different bodies never share a name, so that a body can stand inside another.
let nextBody = 1;

/** The body that `step` builds, closed: what it takes from outside is a constant, what it does not read is left out. */
export function closeLoop(of: ScanInputs, step: ScanStep): Loop {
  const { length, carries = [], sequences = [], constants = [], reverse = false } = of;
  for (const { shape } of sequences) {
    if (shape[0] !== length)
      throw new RangeError(`scan: a sequence [${shape}] of a scan of length ${length}`);
  }
  const id = nextBody++;
  const leaf = (shape: Shape, { dtype }: Tensor, kind: string, i: number) =>
    input(`scan ${id} ${kind} ${i}`, shape, dtype);
  const leaves = {
    carries: carries.map((tensor, i) => leaf(tensor.shape, tensor, "carry", i)),
    sequences: sequences.map((tensor, i) => leaf(tensor.shape.slice(1), tensor, "element", i)),
    constants: constants.map((tensor, i) => leaf(tensor.shape, tensor, "constant", i)),
  };
  const result = step(leaves.carries, leaves.sequences, leaves.constants);
  if (result.carries.length !== carries.length) {
    throw new RangeError(`scan: ${carries.length} carries enter a step, ${result.carries.length} leave it`);
  }
  const open = [...result.carries, ...result.outputs];
  const captured = captures(open, Object.values(leaves).flat());
  const captureLeaves = captured.map((tensor, i) =>
    leaf(tensor.shape, tensor, "constant", constants.length + i),
  );
  const outputs = substitute(open, new Map(captured.map((tensor, i) => [tensor, captureLeaves[i]!])));

  const used = new Set(topologicalOrder(outputs));
  const fixed = [...leaves.constants, ...captureLeaves];
  const isRead = (ofLeaves: readonly Tensor[]) => (_: Tensor, i: number) => used.has(ofLeaves[i]!.node);
  return {
    length,
    carries,
    sequences: sequences.filter(isRead(leaves.sequences)),
    constants: [...constants, ...captured].filter(isRead(fixed)),
    reverse,
    body: {
      inputs: [
        ...leaves.carries,
        ...leaves.sequences.filter(isRead(leaves.sequences)),
        ...fixed.filter(isRead(fixed)),
      ],
      outputs,
    },
  };
}

/**
 * What a body takes from outside: the tensors that do not depend on its leaves. Fills and counters stay inside, and so
 * do rearrangements, so that a constant is what was broadcast rather than its copies.
 */
function captures(outputs: readonly Tensor[], leaves: readonly Tensor[]): Tensor[] {
  const own = new Set<Node>(leaves.map((tensor) => tensor.node));
  const inside = new Set<Node>(own);
  for (const node of topologicalOrder(outputs)) {
    if (node.inputs.some((tensor) => inside.has(tensor.node))) inside.add(node);
  }
  const captured = new Set<Tensor>();
  const seen = new Set<Tensor>();
  const stack = [...outputs];
  while (stack.length > 0) {
    const tensor = stack.pop()!;
    if (seen.has(tensor)) continue;
    seen.add(tensor);
    const { node } = tensor;
    if (own.has(node)) continue;
    const stays =
      inside.has(node) ||
      node.op.lowering === "view" ||
      (node.inputs.length === 0 && node.op.name !== "input");
    if (stays) stack.push(...node.inputs);
    else captured.add(tensor);
  }
  return [...captured].sort((a, b) => a.node.id - b.node.id || a.output - b.output);
}
