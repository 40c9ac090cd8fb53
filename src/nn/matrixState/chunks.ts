// What all mixers with a matrix as state share: their tokens, and one token's writing and reading. Knows no mixer.
// B batch, T length, H heads, K width of keys, V width of values, C tokens of a chunk, M chunks.
import { matmul, swapLast } from "../../tensor/ops/contract.ts";
import { multiply } from "../../tensor/ops/elementwise.ts";
import { reshape } from "../../tensor/ops/movement.ts";
import { sum } from "../../tensor/ops/reduce.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** What each token asks for, is found by, and says. */
export interface Tokens {
  /** [B, T, H, K], or [B, T, 1, K] where all heads ask alike; keys then, too. */
  readonly queries: Tensor;
  readonly keys: Tensor;
  /** [B, T, H, V]. */
  readonly values: Tensor;
}

/** What was read of the state at every token [B, T, H, V], and the state [B, H, K, V] after the last. */
export interface Mixed {
  readonly out: Tensor;
  readonly state: Tensor;
}

/** What one token writes into a state: keys [B, H, K], values [B, H, V] → [B, H, K, V]. */
export function outer(keys: Tensor, values: Tensor): Tensor {
  return multiply(reshape(keys, [...keys.shape, 1]), reshape(values, [...values.shape.slice(0, -1), 1, -1]));
}

/** What a query [B, H, K] reads of a state [B, H, K, V] → [B, H, V]. */
export function readState(query: Tensor, state: Tensor): Tensor {
  return sum(multiply(reshape(query, [...query.shape, 1]), state), [2]);
}

/** The products of all queries with all keys of their chunk: [B, M, H, C, K] twice → [B, M, H, C, C]. */
export function scoresOf(queries: Tensor, keys: Tensor): Tensor {
  return matmul(queries, swapLast(keys));
}
