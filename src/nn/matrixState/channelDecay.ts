// A matrix state each of whose rows (one for each feature of the keys) fades at its own rate:
// S_t = diag(a_t)·S_{t-1} + k_t·v_tᵀ, read after it is written (gated linear attention, Yang et al. 2023) or before, with
// a bonus for a token's own value (RWKV-5 and 6, Peng et al. 2024).
// B batch, T length, H heads, K width of keys, V width of values.
import { matrixRecurrence } from "../../tensor/composites/matrixRecurrence.ts";
import { add, multiply } from "../../tensor/ops/elementwise.ts";
import { broadcastTo, reshape } from "../../tensor/ops/movement.ts";
import { sum } from "../../tensor/ops/reduce.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type Mixed, outer, readState, type Tokens } from "./chunks.ts";

/**
 * All tokens at once. `decay` a, from 0 to 1: [B, T, H, K], or [1, 1, H, K] where it is the same at every token. `bonus`
 * [H, K]: token t reads S_{t-1} + diag(bonus)·k_t·v_tᵀ; undefined: it reads S_t.
 */
export function channelDecay(
  { queries, keys, values }: Tokens,
  decay: Tensor,
  bonus: Tensor | undefined,
): Mixed {
  const decays = broadcastTo(decay, keys.shape);
  const readsBefore = bonus !== undefined;
  const { out, last } = matrixRecurrence(queries, keys, values, decays, { readsBefore });
  if (bonus === undefined) return { out, state: last };
  const own = sum(multiply(multiply(queries, bonus), keys), [-1], true);
  return { out: add(out, multiply(own, values)), state: last };
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
