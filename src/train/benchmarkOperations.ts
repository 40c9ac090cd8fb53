// Single operations of a training step as programs to be timed. Knows shapes and graphs; times nothing.
// B batch, T length, D width, H heads, S head width, N state. Names are those of bench/peer/micro.py.

import {
  add,
  attention,
  exp,
  fill,
  input,
  layerNorm,
  linearRecurrence,
  matmul,
  multiply,
  type Program,
  program,
  reshape,
  rmsNorm,
  type Shape,
  scan,
  softmax,
  sum,
  swapLast,
  type Tensor,
  transpose,
  vectorJacobian,
} from "../tensor/index.ts";
import { createOptimizer } from "./optimizers.ts";

/** One operation to be timed. */
export interface OperationCase {
  readonly name: string;
  /** Builds the program anew. */
  readonly program: () => Program;
  /**
   * Floating-point operations of the mathematics, a multiply and an add counted as two; absent where memory is the
   * limit, and the speed is read from the bytes that every input and output has.
   */
  readonly flops?: number;
  /** Between what the values of an input are drawn, where 0 and 1 will not do. */
  readonly ranges?: Readonly<Record<string, readonly [number, number]>>;
}

/** Groups of operations that can be timed. */
export const operationNames = [
  "products",
  "attention",
  "norms",
  "softmax",
  "adamw",
  "recurrence",
  "scan",
] as const;
/** One of `operationNames`. */
export type OperationName = (typeof operationNames)[number];

/** Everything that is timed under one name. */
export function operationCases(name: OperationName): OperationCase[] {
  switch (name) {
    case "products":
      return [...products.map(productCase), ...batchedProducts.map(batchedProductCase)];
    case "attention":
      return attentionShapes.flatMap(attentionCases);
    case "norms":
      return rowShapes.flatMap(normCases);
    case "softmax":
      return rowShapes.flatMap(softmaxCases);
    case "adamw":
      return [adamwCase(10_000_000)];
    case "recurrence":
      return recurrenceShapes.flatMap(recurrenceCases);
    case "scan":
      return scanShapes.flatMap(scanCases);
  }
}

// M, N, K, a stored transposed, b stored transposed: the products of W1 and W2, forward and backward, and a cube.
const products = [
  [16384, 512, 128, false, true],
  [16384, 128, 128, false, true],
  [16384, 128, 256, false, false],
  [128, 128, 16384, true, false],
  [2048, 1536, 384, false, true],
  [2048, 384, 1536, false, false],
  [384, 1536, 2048, true, false],
  [1024, 1024, 1024, false, false],
] as const;
const batchedProducts = [
  [1024, 128, 128, 16],
  [1024, 128, 16, 128],
] as const; // batch, M, N, K
const attentionShapes = [
  [128, 8, 128, 16],
  [8, 6, 256, 64],
  [2, 8, 1024, 64],
] as const; // B, H, T, S
const rowShapes = [
  [16384, 128],
  [131072, 128],
  [2048, 384],
] as const;
const recurrenceShapes = [
  [16, 128, 512],
  [4, 2048, 512],
] as const; // B, T, D
const scanShapes = [[4, 512, 256, 16]] as const; // B, T, D, N

function productCase([m, n, k, aTransposed, bTransposed]: (typeof products)[number]): OperationCase {
  const stored = (name: string, rows: number, columns: number, transposed: boolean) =>
    transposed ? swapLast(input(name, [columns, rows])) : input(name, [rows, columns]);
  return {
    name: `product ${m}x${n}x${k}${aTransposed ? " A^T" : ""}${bTransposed ? " B^T" : ""}`,
    program: () => program({ c: matmul(stored("a", m, k, aTransposed), stored("b", k, n, bTransposed)) }),
    flops: 2 * m * n * k,
  };
}

function batchedProductCase([batch, m, n, k]: (typeof batchedProducts)[number]): OperationCase {
  return {
    name: `product ${batch}x${m}x${n}x${k}`,
    program: () => program({ c: matmul(input("a", [batch, m, k]), input("b", [batch, k, n])) }),
    flops: 2 * batch * m * n * k,
  };
}

function attentionCases([b, h, t, s]: (typeof attentionShapes)[number]): OperationCase[] {
  const shape = [b, t, h, s];
  // The causal half alone; backward is four products and the scores once more.
  const flops = 2 * 2 * b * h * s * ((t * (t + 1)) / 2);
  const [forward, both] = forwardAndBackward(
    `attention ${b}x${h}x${t}x${s}`,
    [shape, shape, shape],
    ([q, k, v]) => attention(q!, k!, v!, { causal: true }).out,
  );
  return [
    { ...forward, flops },
    { ...both, flops: 3.5 * flops },
  ];
}

function normCases([rows, width]: (typeof rowShapes)[number]): OperationCase[] {
  const size = `${rows}x${width}`;
  return [
    ...forwardAndBackward(`layer norm ${size}`, [[rows, width], [width], [width]], ([x, scale, bias]) =>
      layerNorm(x!, scale, bias),
    ),
    ...forwardAndBackward(`rms norm ${size}`, [[rows, width], [width]], ([x, scale]) => rmsNorm(x!, scale)),
  ];
}

function softmaxCases([rows, width]: (typeof rowShapes)[number]): OperationCase[] {
  return forwardAndBackward(`softmax ${rows}x${width}`, [[rows, width]], ([x]) => softmax(x!));
}

function recurrenceCases([b, t, d]: (typeof recurrenceShapes)[number]): OperationCase[] {
  const shape = [b, t, d];
  return forwardAndBackward(`linear recurrence ${b}x${t}x${d}`, [shape, shape], ([decay, x]) =>
    linearRecurrence(decay!, x!, fill(0, [b, d])),
  );
}

function scanCases([b, t, d, n]: (typeof scanShapes)[number]): OperationCase[] {
  const shapes = [
    [b, t, d],
    [d, n],
    [b, t, n],
    [b, t, n],
    [b, t, d],
  ];
  // Small steps and negative decays keep the state bounded, as they do in a model.
  const ranges = { "input 0": [0, 0.1], "input 1": [-1, 0] } as const;
  const [forward, both] = forwardAndBackward(`selective scan ${b}x${t}x${d}x${n}`, shapes, selectiveScan);
  // For each element of the state: two products and the exponential for its decay, two for what enters, two for what
  // is read. Backward does about twice as much again.
  const flops = 7 * b * t * d * n;
  return [
    { ...forward, ranges, flops },
    { ...both, ranges, flops: 3 * flops },
  ];
}

function adamwCase(elements: number): OperationCase {
  return {
    name: `adamw ${elements}`,
    program: () => {
      const optimizer = createOptimizer("adamw");
      const shape = [elements];
      const parameter = {
        name: "value",
        shape,
        initializer: { kind: "constant", value: 0 },
        role: "hidden",
        decays: true,
      } as const;
      const inputs = (names: readonly string[], of: Shape) =>
        Object.fromEntries(names.map((name) => [name, input(name, of)]));
      const updated = optimizer.update(
        parameter,
        input("value", shape),
        input("gradient", shape),
        inputs(optimizer.states(parameter), shape),
        inputs(Object.keys(optimizer.scalars(1, 1e-3)), []),
      );
      return program({}, { value: updated.value, ...updated.states });
    },
  };
}

/** h_t = exp(δ_t·a)·h_{t-1} + δ_t·b_t·x_t, y_t = c_t·h_t: δ, x [B, T, D], a [D, N], b, c [B, T, N] → [B, T, D]. */
function selectiveScan(inputs: readonly Tensor[]): Tensor {
  const [delta, a, b, c, x] = inputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
  const [batch, length, width] = delta.shape as [number, number, number];
  const state = a.shape[1]!;
  const result = scan(
    {
      length,
      carries: [fill(0, [batch, width, state])],
      sequences: [delta, b, c, x].map((tensor) => transpose(tensor, [1, 0, 2])),
      constants: [a],
    },
    ([h], [stepDelta, stepB, stepC, stepX], [decay]) => {
      const atWidth = (tensor: Tensor) => reshape(tensor, [batch, width, 1]);
      const atState = (tensor: Tensor) => reshape(tensor, [batch, 1, state]);
      const kept = multiply(exp(multiply(atWidth(stepDelta!), decay!)), h!);
      const next = add(kept, multiply(atWidth(multiply(stepDelta!, stepX!)), atState(stepB!)));
      return { carries: [next], outputs: [sum(multiply(next, atState(stepC!)), [2])] };
    },
  );
  return transpose(result.outputs[0]!, [1, 0, 2]);
}

/** The function of its inputs, and the function with the gradients of all of them from a given one of its result. */
function forwardAndBackward(
  name: string,
  shapes: readonly Shape[],
  apply: (inputs: readonly Tensor[]) => Tensor,
): [OperationCase, OperationCase] {
  const inputs = () => shapes.map((shape, i) => input(`input ${i}`, shape));
  return [
    { name: `${name} forward`, program: () => program({ result: apply(inputs()) }) },
    {
      name: `${name} forward+backward`,
      program: () => {
        const leaves = inputs();
        const result = apply(leaves);
        const found = vectorJacobian([result], [input("seed", result.shape)], leaves);
        return program({
          result,
          ...Object.fromEntries(found.map((tensor, i) => [`gradient ${i}`, tensor])),
        });
      },
    },
  ];
}
