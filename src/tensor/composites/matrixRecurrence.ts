// The recurrence of a matrix state each of whose rows fades at its own rate, and its gradient as an op of its own. Gated
// linear attention: Yang et al. 2023, section 4; RWKV-6: Peng et al. 2024, section 4.2. The gradient goes from block to
// block of tokens, the last first, and computes the states inside a block again.
// B batch, T length, H heads, K width of keys, V width of values, M blocks.
import { decompositionGradients, vectorJacobian } from "../gradient.ts";
import { input } from "../ops/leaf.ts";
import { substitute } from "../substitute.ts";
import { makeNode, type Op, sameShape, type Tensor, type TensorType } from "../tensor.ts";
import { recurInChunks } from "./recurrenceChunks.ts";

/** Which state is read. */
export interface MatrixRecurrenceAttributes {
  /** A token reads the state from before it writes into it. */
  readonly readsBefore: boolean;
}

/** Tokens of a block (RECURRENCE_BLOCK in src/kernels/matrix_recurrence.h). A power of two. */
const BLOCK = 32;

type Four = readonly [Tensor, Tensor, Tensor, Tensor];

/** q, k, a [B, T, H, K], v [B, T, H, V] → out [B, T, H, V], starts [B, M, H, K, V], last [B, H, K, V]. */
const matrixRecurrenceOp: Op<MatrixRecurrenceAttributes> = {
  name: "matrixRecurrence",
  lowering: "kernel",
  infer: (inputs) => {
    const { v, batch, starts, matrix } = checkOperands("matrixRecurrence", inputs);
    return [v, { shape: starts, dtype: "f32" }, { shape: [batch, ...matrix], dtype: "f32" }];
  },
  decompose: (inputs, { readsBefore }) => recurInChunks(inputs as unknown as Four, readsBefore, BLOCK),
  gradient: (node, [dOut, dStarts, dLast]) => {
    if (dStarts !== undefined || dLast !== undefined || dOut === undefined)
      return decompositionGradients(node, [dOut, dStarts, dLast]);
    const inputs = [...node.inputs, node.outputs[1]!, dOut];
    return makeNode(matrixRecurrenceGradientOp, inputs, node.attributes).outputs;
  },
  // A state fades, is written and is read.
  flops: (node) => 5 * stateElements(node.inputs),
  independent: () => ({ axes: 1, shared: [] }),
};

/** q, k, v, a, starts, dOut [B, T, H, V] → dq, dk, dv, da. */
const matrixRecurrenceGradientOp: Op<MatrixRecurrenceAttributes> = {
  name: "matrixRecurrenceGradient",
  lowering: "kernel",
  infer: ([q, k, v, a, starts, dOut]) => {
    const expected = checkOperands("matrixRecurrenceGradient", [q!, k!, v!, a!]);
    if (!sameShape(starts!.shape, expected.starts) || !sameShape(dOut!.shape, v!.shape)) {
      throw new RangeError(
        `matrixRecurrenceGradient: starts [${starts!.shape}], gradient [${dOut!.shape}]; expected ` +
          `[${expected.starts}], [${v!.shape}]`,
      );
    }
    return [q!, k!, v!, a!];
  },
  // The derivative of what the recurrence is defined by, as a function of four tensors that may be one.
  decompose: ([q, k, v, a, , dOut], { readsBefore }) => {
    const given = [q!, k!, v!, a!];
    const apart = given.map((tensor, i) => input(`${i}`, tensor.shape)) as unknown as Four;
    const [out] = recurInChunks(apart, readsBefore, BLOCK);
    const found = vectorJacobian([out], [dOut!], apart);
    return substitute(found, new Map(apart.map((tensor, i) => [tensor, given[i]!])));
  },
  // The states again, three operations; what fades and reaches them, three; and a sum for each of four gradients.
  flops: (node) => 14 * stateElements(node.inputs),
  independent: () => ({ axes: 1, shared: [] }),
};

function checkOperands(what: string, [q, k, v, a]: readonly TensorType[]) {
  const [batch, length, heads, width] = q!.shape as [number, number, number, number];
  const fits =
    q!.shape.length === 4 &&
    length > 0 &&
    sameShape(k!.shape, q!.shape) &&
    sameShape(a!.shape, q!.shape) &&
    v!.shape.length === 4 &&
    sameShape(v!.shape.slice(0, 3), [batch, length, heads]);
  if (!fits || [q, k, v, a].some((type) => type!.dtype !== "f32")) {
    throw new RangeError(
      `${what}: q [${q!.shape}], k [${k!.shape}], v [${v!.shape}], a [${a!.shape}]; expected f32 [B, T, H, K] twice, ` +
        "[B, T, H, V], [B, T, H, K]",
    );
  }
  const matrix = [heads, width, v!.shape[3]!];
  return { v: v!, batch, matrix, starts: [batch, Math.ceil(length / BLOCK), ...matrix] };
}

/** Elements of the states of all tokens. */
function stateElements([q, , v]: readonly Tensor[]): number {
  const [batch, length, heads, width] = q!.shape as [number, number, number, number];
  return batch * length * heads * width * v!.shape[3]!;
}

/**
 * S_t = diag(a_t)·S_{t-1} + k_t·v_tᵀ from S_0 = 0, out_t = S_tᵀ·q_t (`readsBefore`: S_{t-1}ᵀ·q_t): queries q, keys k and
 * decays a [B, T, H, K], values v [B, T, H, V] → out [B, T, H, V] and the state after the last token, [B, H, K, V].
 */
export function matrixRecurrence(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  a: Tensor,
  { readsBefore = false }: Partial<MatrixRecurrenceAttributes> = {},
): { readonly out: Tensor; readonly last: Tensor } {
  const [out, , last] = makeNode(matrixRecurrenceOp, [q, k, v, a], { readsBefore }).outputs as [
    Tensor,
    Tensor,
    Tensor,
  ];
  return { out, last };
}
