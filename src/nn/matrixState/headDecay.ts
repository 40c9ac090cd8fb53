// A matrix state that fades by one number for each head and token, in chunks: S_t = a_t·S_{t-1} + k_t·v_tᵀ,
// o_t = S_tᵀ·q_t. Linear attention (a = 1), retention (a of the head alone) and Mamba-2's state space duality are this;
// Dao and Gu 2024, section 6. Inside a chunk it is attention with decay instead of softmax.
// B batch, T length, H heads, K width of keys, V width of values, C tokens of a chunk, M chunks.

import { chunksOf, fromChunks, intoChunks, passState } from "../../tensor/composites/chunks.ts";
import { einsum, matmul } from "../../tensor/ops/contract.ts";
import { cumulativeSum } from "../../tensor/ops/cumulative.ts";
import { add, exp, maximum, multiply, round, stopGradient, subtract } from "../../tensor/ops/elementwise.ts";
import { fill } from "../../tensor/ops/leaf.ts";
import { broadcastTo, reshape, slice, transpose } from "../../tensor/ops/movement.ts";
import { lowerTriangle } from "../../tensor/ops/triangular.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type Mixed, outer, readState, scoresOf, type Tokens } from "./chunks.ts";

const LONGEST_CHUNK = 64;

/** Below this, e^x is zero in f32. */
const LOWEST = -100;

/** Sums of 64 multiples of this down to `LOWEST` are exact in f32. */
const GRAIN = 2 ** -10;

/**
 * All tokens at once. `logDecay`: log a [B, T, H], or [1, 1, H] where it is the same at every token; undefined: a = 1.
 */
export function headDecay({ queries, keys, values }: Tokens, logDecay: Tensor | undefined): Mixed {
  const length = values.shape[1]!;
  const chunk = Math.min(LONGEST_CHUNK, length);
  const [q, k, v] = [queries, keys, values].map((x) => intoChunks(x, chunk)) as [Tensor, Tensor, Tensor];
  const decays = logDecay && chunkDecays(logDecay, chunk);
  const scores = scoresOf(q, k);
  const weights = lowerTriangle(decays === undefined ? scores : multiply(scores, decays.between));
  const within = matmul(weights, v);

  const passed = q.shape[2] === v.shape[2] ? passApart : passTogether;
  const { out, state } = passed({ queries: q, keys: k, values: v }, decays, within);
  return { out: fromChunks(out, length), state };
}

const WHOLE = [1, 1, 1, 1, 1];

/** From chunk to chunk, tokens [B, M, H, C, W]: every head a product of its own. Adds to `within` what is read. */
function passApart(
  { queries, keys, values }: Tokens,
  decays: ChunkDecays | undefined,
  within: Tensor,
): Mixed {
  const later = decays === undefined ? values : multiply(values, decays.untilEnd);
  return passState(
    within,
    decays?.whole ?? fill(1, WHOLE),
    (range) => einsum("bmhck,bmhcv->bmhkv", slice(keys, range), slice(later, range)),
    (before, range) => {
      const found = einsum("bmhck,bmhkv->bmhcv", slice(queries, range), before);
      return decays === undefined ? found : multiply(found, chunksOf(decays.sinceStart, range));
    },
  );
}

/**
 * The same where all heads share queries and keys: one product for all of them. Heads then stand next to the values, for
 * tokens and states alike, as they do in memory.
 */
function passTogether(
  { queries, keys, values }: Tokens,
  decays: ChunkDecays | undefined,
  within: Tensor,
): Mixed {
  const headsLast = (x: Tensor) => transpose(x, [0, 1, 3, 2, 4]);
  const said = headsLast(values);
  const later = decays === undefined ? said : multiply(said, headsLast(decays.untilEnd));
  const { out, state } = passState(
    headsLast(within),
    decays === undefined ? fill(1, WHOLE) : headsLast(decays.whole),
    (range) => einsum("bmck,bmchv->bmkhv", withoutHead(slice(keys, range)), slice(later, range)),
    (before, range) => {
      const found = einsum("bmck,bmkhv->bmchv", withoutHead(slice(queries, range)), before);
      return decays === undefined ? found : multiply(found, chunksOf(headsLast(decays.sinceStart), range));
    },
  );
  return { out: headsLast(out), state: transpose(state, [0, 2, 1, 3]) };
}

/** The next token: queries, keys [B, H or 1, K], values [B, H, V], decay [B, H] or [1, H] (undefined: 1). */
export function headDecayStep(
  { queries, keys, values }: Tokens,
  decay: Tensor | undefined,
  state: Tensor,
): { readonly y: Tensor; readonly state: Tensor } {
  const kept = decay === undefined ? state : multiply(state, reshape(decay, [...decay.shape, 1, 1]));
  const next = add(kept, outer(keys, values));
  return { y: readState(queries, next), state: next };
}

export interface ChunkDecays {
  /** From each token (column) to each later one (row), [B, M, H, C, C]; 1 where the row is not later. */
  readonly between: Tensor;
  /** From the state before the chunk to each token, with its own, [B, M, H, C, 1]. */
  readonly sinceStart: Tensor;
  /** From each token to the last of the chunk, [B, M, H, C, 1]. */
  readonly untilEnd: Tensor;
  /** Of the whole chunk, [B, M, H, 1, 1]. */
  readonly whole: Tensor;
}

/** Products of decays inside chunks, from their logarithms [B, T, H] or [1, 1, H] (then B = M = 1 in the results). */
export function chunkDecays(logDecay: Tensor, chunk: number): ChunkDecays {
  const [batch, length, heads] = logDecay.shape as [number, number, number];
  const isConstant = batch === 1 && length === 1;
  const perToken = isConstant ? broadcastTo(logDecay, [1, chunk, heads]) : logDecay;
  const chunked = intoChunks(reshape(perToken, [...perToken.shape, 1]), chunk);
  const [b, m] = chunked.shape as [number, number];
  const logs = maximum(reshape(chunked, [b, m, heads, chunk]), LOWEST);
  // A difference of two sums is as wrong as the sums are rounded. Those of the coarse part are exact, those of the rest
  // are small.
  const coarse = stopGradient(multiply(round(multiply(logs, 1 / GRAIN)), GRAIN));
  const differences = [coarse, subtract(logs, coarse)].map((part) => {
    const sums = cumulativeSum(part);
    return subtract(reshape(sums, [b, m, heads, chunk, 1]), reshape(sums, [b, m, heads, 1, chunk]));
  });
  const column = (x: Tensor) => reshape(x, [b, m, heads, chunk, 1]);
  const total = column(cumulativeSum(logs));
  return {
    between: exp(lowerTriangle(add(differences[0]!, differences[1]!), { strict: true })),
    sinceStart: exp(total),
    untilEnd: exp(column(cumulativeSum(logs, { exclusive: true, reverse: true }))),
    whole: exp(slice(total, { 3: [chunk - 1, chunk] })),
  };
}

/** [B, M, 1, C, K] → [B, M, C, K]. */
function withoutHead(x: Tensor): Tensor {
  const [batch, chunks, , chunk, width] = x.shape as [number, number, number, number, number];
  return reshape(x, [batch, chunks, chunk, width]);
}
