// A matrix state each of whose rows (one for each feature of the keys) fades at its own rate, in chunks:
// S_t = diag(a_t)·S_{t-1} + k_t·v_tᵀ, read after it is written (gated linear attention, Yang et al. 2023) or before, with
// a bonus for a token's own value (RWKV-5 and 6, Peng et al. 2024).
// Inside a chunk the weight of token j for token i is Σ_c q_ic·k_jc·(product of a_c between them). It is made by halving:
// whatever lies between two halves of a block passes through their border, so that q times the decays since the border
// and k times those up to it make a product of matrices, and what is left are the same halves. Decays are only ever
// multiplied, never divided: none is too strong.
// B batch, T length, H heads, K width of keys, V width of values, C tokens of a chunk, M chunks.
import { einsum, matmul, swapLast } from "../../tensor/ops/contract.ts";
import { add, multiply } from "../../tensor/ops/elementwise.ts";
import { fill } from "../../tensor/ops/leaf.ts";
import { broadcastTo, concatenate, reshape, slice } from "../../tensor/ops/movement.ts";
import { sum } from "../../tensor/ops/reduce.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { fromChunks, intoChunks, type Mixed, outer, passState, readState, type Tokens } from "./chunks.ts";

/** A power of two. */
const LONGEST_CHUNK = 32;

/**
 * All tokens at once. `decay` a, from 0 to 1: [B, T, H, K], or [1, 1, H, K] where it is the same at every token. `bonus`
 * [H, K]: token t reads S_{t-1} + diag(bonus)·k_t·v_tᵀ; undefined: it reads S_t.
 */
export function channelDecay(
  { queries, keys, values }: Tokens,
  decay: Tensor,
  bonus: Tensor | undefined,
): Mixed {
  const [, length, heads, keyWidth] = keys.shape as [number, number, number, number];
  const chunk = Math.min(LONGEST_CHUNK, 2 ** Math.ceil(Math.log2(length)));
  const isConstant = decay.shape[1] === 1 && length > 1;
  const perToken = isConstant ? broadcastTo(decay, [1, chunk, heads, keyWidth]) : decay;
  const [q, k, v, a] = [queries, keys, values, perToken].map((x) => intoChunks(x, chunk)) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  const own = bonus === undefined ? q : multiply(q, reshape(bonus, [heads, 1, keyWidth]));
  const diagonal = sum(multiply(own, k), [-1]);
  const { weights, sinceStart, untilEnd, whole } = halve(q, k, a, diagonal, bonus !== undefined);

  const found = multiply(k, untilEnd);
  const asked = multiply(q, sinceStart);
  const { out, state } = passState(
    matmul(weights, v),
    swapLast(whole),
    (range) => einsum("bmhck,bmhcv->bmhkv", slice(found, range), slice(v, range)),
    (before, range) => einsum("bmhck,bmhkv->bmhcv", slice(asked, range), before),
  );
  return { out: fromChunks(out, length), state };
}

/** The next token: queries, keys, decay [B, H, K] (decay also [1, H, K]), values [B, H, V], bonus as above. */
export function channelDecayStep(
  { queries, keys, values }: Tokens,
  decay: Tensor,
  bonus: Tensor | undefined,
  state: Tensor,
): { readonly y: Tensor; readonly state: Tensor } {
  const written = outer(keys, values);
  const next = add(multiply(state, reshape(decay, [...decay.shape, 1])), written);
  if (bonus === undefined) return { y: readState(queries, next), state: next };
  const seen = add(state, multiply(reshape(bonus, [...bonus.shape, 1]), written));
  return { y: readState(queries, seen), state: next };
}

interface Chunk {
  /** What token i (row) reads of token j (column): [B, M, H, C, C], zeros above the diagonal. */
  readonly weights: Tensor;
  /** Decays from the state before the chunk to what each token reads, of the shape of a. */
  readonly sinceStart: Tensor;
  /** From each token to the end of the chunk, of the shape of a. */
  readonly untilEnd: Tensor;
  /** Of the whole chunk, one row of a. */
  readonly whole: Tensor;
}

/** q, k [B, M, H, C, K], a the same or with B = M = 1, diagonal [B, M, H, C]: pairs of blocks become one until one is left. */
function halve(q: Tensor, k: Tensor, a: Tensor, diagonal: Tensor, readsBefore: boolean): Chunk {
  const length = q.shape[3]!;
  let weights = reshape(diagonal, [...diagonal.shape, 1]);
  let whole = a; // a row for each block
  let sinceStart = readsBefore ? fill(1, a.shape) : a;
  let untilEnd: Tensor = fill(1, a.shape);
  for (let rows = 1; rows < length; rows *= 2) {
    const [wholeFirst, wholeSecond] = halves(whole, 1);
    const ones = fill(1, wholeFirst.shape);
    const asked = multiply(halves(q, rows)[1], halves(sinceStart, rows)[1]);
    const found = multiply(halves(k, rows)[0], halves(untilEnd, rows)[0]);
    const [weightsFirst, weightsSecond] = halves(weights, rows);
    const across = rows === 1 ? sum(multiply(asked, found), [-1], true) : matmul(asked, swapLast(found));
    weights = joined(
      concatenate([weightsFirst, fill(0, across.shape)], -1),
      concatenate([across, weightsSecond], -1),
    );
    sinceStart = multiply(blocks(sinceStart, rows), blocks(joined(ones, wholeFirst), 1));
    untilEnd = multiply(blocks(untilEnd, rows), blocks(joined(wholeSecond, ones), 1));
    whole = multiply(wholeFirst, wholeSecond);
  }
  const flat = (x: Tensor) => reshape(x, [...x.shape.slice(0, 3), -1, x.shape.at(-1)!]);
  return {
    weights: flat(weights),
    sinceStart: flat(sinceStart),
    untilEnd: flat(untilEnd),
    whole: flat(whole),
  };
}

/** x [B, M, H, …, W] → [B, M, H, blocks, rows, W]. */
function blocks(x: Tensor, rows: number): Tensor {
  return reshape(x, [...x.shape.slice(0, 3), -1, rows, x.shape.at(-1)!]);
}

/** The first and the second of each pair of blocks: x [B, M, H, …, W] → [B, M, H, pairs, rows, W] twice. */
function halves(x: Tensor, rows: number): [Tensor, Tensor] {
  const pairs = blocks(x, 2 * rows);
  return [slice(pairs, { 4: [0, rows] }), slice(pairs, { 4: [rows, 2 * rows] })];
}

/** The opposite: [B, M, H, pairs, rows, W] twice → [B, M, H, pairs, 2·rows, W]. */
function joined(first: Tensor, second: Tensor): Tensor {
  return concatenate([first, second], 4);
}
