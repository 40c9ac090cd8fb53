// Scaled dot-product attention with grouped key/value heads, causal or windowed, and its gradient as an op of its own.
// Vaswani et al. 2017, equation 1; grouped heads: Ainslie et al. 2023; the gradient from the saved log-sum-exp: Dao et
// al. 2022, appendix B. B batch, Tq queries, Tk keys, Hq query heads, Hk key/value heads, d and e head widths.
import { decompositionGradients } from "../gradient.ts";
import { einsum } from "../ops/contract.ts";
import {
  abs,
  add,
  and,
  divide,
  exp,
  less,
  lessEqual,
  log,
  multiply,
  select,
  stopGradient,
  subtract,
} from "../ops/elementwise.ts";
import { iota } from "../ops/leaf.ts";
import { broadcastTo, reshape, transpose } from "../ops/movement.ts";
import { max, sum } from "../ops/reduce.ts";
import { makeNode, type Op, type Shape, sameShape, type Tensor, type TensorType } from "../tensor.ts";

export interface AttentionAttributes {
  /** Query at position p sees keys at positions ≤ p only. */
  readonly causal: boolean;
  /** Keys nearer than this many positions are seen: p - window < j, and j < p + window where not causal. */
  readonly window: number | undefined;
  /** Factor on the scores. */
  readonly scale: number;
}

/** Stands for minus infinity where it may be subtracted from itself. */
const LOW = -1e30;

/** q [B, Tq, Hq, d], k [B, Tk, Hk, d], v [B, Tk, Hk, e], offset i32 [] (optional) → out [B, Tq, Hq, e], logSumExp [B, Hq, Tq]. */
const attentionOp: Op<AttentionAttributes> = {
  name: "attention",
  lowering: "kernel",
  infer: ([q, k, v, offset], attributes) => {
    const [batch, queries, queryHeads] = checkOperands(q!, k!, v!, offset, attributes);
    return [
      { shape: [batch, queries, queryHeads, v!.shape[3]!], dtype: "f32" },
      { shape: [batch, queryHeads, queries], dtype: "f32" },
    ];
  },
  decompose: ([q, k, v, offset], attributes) => {
    const { scores, mask } = maskedScores(q!, k!, offset, attributes);
    const top = stopGradient(max(select(mask, scores, LOW), [-1], true));
    const weights = select(mask, exp(select(mask, subtract(scores, top), LOW)), 0);
    const total = sum(weights, [-1], true);
    const seen = less(0, total);
    const divisor = select(seen, total, 1);
    const out = einsum("bhgts,bshe->bthge", divide(weights, divisor), v!);
    const logSumExp = select(seen, add(top, log(divisor)), Number.NEGATIVE_INFINITY);
    const [batch, queries, queryHeads] = q!.shape as [number, number, number];
    return [
      reshape(out, [batch, queries, queryHeads, v!.shape[3]!]),
      reshape(logSumExp, [batch, queryHeads, queries]),
    ];
  },
  gradient: (node, [dOut, dLogSumExp]) => {
    if (dLogSumExp !== undefined || dOut === undefined)
      return decompositionGradients(node, [dOut, dLogSumExp]);
    const [q, k, v, offset] = node.inputs as [Tensor, Tensor, Tensor, Tensor | undefined];
    const [out, logSumExp] = node.outputs as [Tensor, Tensor];
    return [...attentionGradient(q, k, v, out, logSumExp, dOut, node.attributes, offset), undefined];
  },
  flops: (node) => visiblePairs(node.inputs, node.attributes) * 2 * headWidths(node.inputs),
  independent: (node) => ({ axes: 1, shared: node.inputs.length > 3 ? [3] : [] }),
};

/** q, k, v, out, logSumExp, dOut [B, Tq, Hq, e], offset (optional) → dq, dk, dv. */
const attentionGradientOp: Op<AttentionAttributes> = {
  name: "attentionGradient",
  lowering: "kernel",
  infer: ([q, k, v, out, logSumExp, dOut, offset], attributes) => {
    const [batch, queries, queryHeads] = checkOperands(q!, k!, v!, offset, attributes);
    const outShape = [batch, queries, queryHeads, v!.shape[3]!];
    if (
      !sameShape(out!.shape, outShape) ||
      !sameShape(dOut!.shape, outShape) ||
      !sameShape(logSumExp!.shape, [batch, queryHeads, queries])
    ) {
      throw new RangeError(
        `attentionGradient: out [${out!.shape}], gradient [${dOut!.shape}]; expected [${outShape}]`,
      );
    }
    return [q!, k!, v!];
  },
  decompose: ([q, k, v, out, logSumExp, dOut, offset], attributes) => {
    const { scores, mask } = maskedScores(q!, k!, offset, attributes);
    const [batch, keyHeads, group, queries] = scores.shape as [number, number, number, number, number];
    const perRow = [batch, keyHeads, group, queries, 1];
    const weights = select(mask, exp(select(mask, subtract(scores, reshape(logSumExp!, perRow)), LOW)), 0);
    const dGrouped = groupHeads(dOut!, keyHeads);
    const dWeights = einsum("bthge,bshe->bhgts", dGrouped, v!);
    const mean = transpose(sum(multiply(dOut!, out!), [-1]), [0, 2, 1]);
    const dScores = multiply(multiply(weights, subtract(dWeights, reshape(mean, perRow))), attributes.scale);
    // The sum over queries and heads of a group is one contraction over both.
    return [
      reshape(einsum("bhgts,bshd->bthgd", dScores, k!), q!.shape),
      einsum("bhgts,bthgd->bshd", dScores, groupHeads(q!, keyHeads)),
      einsum("bhgts,bthge->bshe", weights, dGrouped),
    ];
  },
  // Scores again, their gradient, and three products.
  flops: (node) => {
    const [d, e] = [node.inputs[0]!.shape[3]!, node.inputs[2]!.shape[3]!];
    return visiblePairs(node.inputs, node.attributes) * 2 * (3 * d + 2 * e);
  },
  independent: (node) => ({ axes: 1, shared: node.inputs.length > 6 ? [6] : [] }),
};

function checkOperands(
  q: TensorType,
  k: TensorType,
  v: TensorType,
  offset: TensorType | undefined,
  { window }: AttentionAttributes,
): [number, number, number] {
  const [batch, queries, queryHeads, width] = q.shape as [number, number, number, number];
  const [, keys, keyHeads] = k.shape as [number, number, number];
  const fits =
    q.shape.length === 4 &&
    v.shape.length === 4 &&
    sameShape(k.shape, [batch, keys, keyHeads, width]) &&
    sameShape(v.shape.slice(0, 3), [batch, keys, keyHeads]) &&
    queryHeads % keyHeads === 0;
  if (!fits || [q, k, v].some(({ dtype }) => dtype !== "f32")) {
    throw new RangeError(
      `attention: q [${q.shape}], k [${k.shape}], v [${v.shape}]; expected f32 [B, Tq, Hq, d], [B, Tk, Hk, d], ` +
        "[B, Tk, Hk, e] with Hq a multiple of Hk",
    );
  }
  if (offset !== undefined && (offset.dtype !== "i32" || offset.shape.length !== 0)) {
    throw new RangeError(`attention: offset ${offset.dtype} [${offset.shape}]; expected i32 []`);
  }
  if (window !== undefined && !(Number.isInteger(window) && window >= 1)) {
    throw new RangeError(`attention: window ${window}; expected a whole number of at least 1`);
  }
  return [batch, queries, queryHeads];
}

/** x [B, T, Hq, w] → [B, T, Hk, Hq/Hk, w]: query head h uses key/value head ⌊h / (Hq/Hk)⌋. */
function groupHeads(x: Tensor, keyHeads: number): Tensor {
  const [batch, length, heads, width] = x.shape as [number, number, number, number];
  return reshape(x, [batch, length, keyHeads, heads / keyHeads, width]);
}

/** Scores [B, Hk, Hq/Hk, Tq, Tk] and where they count. */
function maskedScores(q: Tensor, k: Tensor, offset: Tensor | undefined, attributes: AttentionAttributes) {
  const grouped = groupHeads(q, k.shape[2]!);
  const scores = multiply(einsum("bthgd,bshd->bhgts", grouped, k), attributes.scale);
  const mask = visible([q.shape[1]!, k.shape[1]!], offset, attributes);
  return { scores, mask: broadcastTo(mask, scores.shape) };
}

/** Which key (column) a query (row) sees. */
function visible(shape: Shape, offset: Tensor | undefined, { causal, window }: AttentionAttributes): Tensor {
  const key = iota(shape, 1);
  const position = offset === undefined ? iota(shape, 0) : add(iota(shape, 0), offset);
  const conditions = causal ? [lessEqual(key, position)] : [];
  if (window !== undefined) conditions.push(less(abs(subtract(position, key)), window));
  return conditions.reduce(and, lessEqual(0, key));
}

function headWidths(inputs: readonly Tensor[]): number {
  return inputs[0]!.shape[3]! + inputs[2]!.shape[3]!;
}

/** Pairs of query and key that are computed, over batch and heads; with a run-time offset, all within the window. */
function visiblePairs([q, k, , ...rest]: readonly Tensor[], { causal, window }: AttentionAttributes): number {
  const [batch, queries, heads] = q!.shape as [number, number, number];
  const keys = k!.shape[1]!;
  const reach = window ?? queries + keys;
  const shifted = rest.at(-1)?.dtype === "i32";
  const pairs = shifted
    ? queries * Math.min(keys, causal ? reach : 2 * reach - 1)
    : climb(queries, causal ? 1 : reach, keys) - climb(queries, 1 - reach, keys);
  return batch * heads * pairs;
}

/** The sum over `count` numbers that begin with `first`, each one more than the one before, all held to 0 … `most`. */
function climb(count: number, first: number, most: number): number {
  const below = Math.min(count, Math.max(0, -first));
  const from = Math.max(0, first);
  const rising = Math.min(count - below, Math.max(0, most - from));
  return rising * from + (rising * (rising - 1)) / 2 + (count - below - rising) * most;
}

/** Which keys a query sees, and how scores are scaled. */
export interface AttentionOptions {
  readonly causal?: boolean;
  readonly window?: number;
  /** Default: 1/√d. */
  readonly scale?: number;
  /** Position of the first query, i32 []; keys count from position 0. Default: 0. */
  readonly offset?: Tensor;
}

/**
 * softmax(scale·q·kᵀ)·v over the keys each query sees: q [B, Tq, Hq, d], k [B, Tk, Hk, d], v [B, Tk, Hk, e], Hq a
 * multiple of Hk → out [B, Tq, Hq, e] and the logarithm of each softmax's divisor, [B, Hq, Tq]. Query i stands at
 * position offset + i. A query that sees no key gives zeros and a logSumExp of minus infinity.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}) {
  const { causal = false, window, scale = 1 / Math.sqrt(q.shape.at(-1) ?? 1), offset } = options;
  const inputs = offset === undefined ? [q, k, v] : [q, k, v, offset];
  const [out, logSumExp] = makeNode(attentionOp, inputs, { causal, window, scale }).outputs as [
    Tensor,
    Tensor,
  ];
  return { out, logSumExp };
}

/** Gradients of `attention` for q, k and v, from its results and the gradient of `out`. */
export function attentionGradient(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  out: Tensor,
  logSumExp: Tensor,
  dOut: Tensor,
  attributes: AttentionAttributes,
  offset?: Tensor,
): readonly [Tensor, Tensor, Tensor] {
  const inputs = [q, k, v, out, logSumExp, dOut];
  const node = makeNode(attentionGradientOp, offset === undefined ? inputs : [...inputs, offset], attributes);
  return node.outputs as unknown as readonly [Tensor, Tensor, Tensor];
}
