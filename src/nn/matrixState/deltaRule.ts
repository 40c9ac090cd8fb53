// A matrix state that corrects what it says of a key, S_t = a_t·(I - β_t·k_t·k_tᵀ)·S_{t-1} + β_t·k_t·v_tᵀ, o_t = S_tᵀ·q_t,
// in chunks: inside a chunk the corrections are one triangular system, between chunks a loop carries the state.
// Yang et al. 2024, "Parallelizing Linear Transformers with the Delta Rule over Sequence Length", section 3; with decay:
// Yang, Kautz and Hatamizadeh 2024, "Gated Delta Networks", section 3.3.
// B batch, T length, H heads, K width of keys, V width of values, C tokens of a chunk, M chunks.
import { fromChunks, intoChunks } from "../../tensor/composites/chunks.ts";
import { matmul, swapLast } from "../../tensor/ops/contract.ts";
import { add, multiply, subtract } from "../../tensor/ops/elementwise.ts";
import { fill } from "../../tensor/ops/leaf.ts";
import { reshape, transpose } from "../../tensor/ops/movement.ts";
import { scan } from "../../tensor/ops/scan.ts";
import { lowerTriangle, triangularSolve } from "../../tensor/ops/triangular.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type Mixed, outer, readState, scoresOf, type Tokens } from "./chunks.ts";
import { chunkDecays } from "./headDecay.ts";

const LONGEST_CHUNK = 64;

/** All tokens at once. `beta` and `logDecay` (log a; undefined: a = 1) [B, T, H]. */
export function deltaRule(tokens: Tokens, beta: Tensor, logDecay: Tensor | undefined): Mixed {
  const { queries, keys, values } = tokens;
  const [batch, length, heads, valueWidth] = values.shape as [number, number, number, number];
  const chunk = Math.min(LONGEST_CHUNK, length);
  const decays = logDecay && chunkDecays(logDecay, chunk);
  const [q, k, v, b] = [queries, keys, values, reshape(beta, [...beta.shape, 1])].map((x) =>
    intoChunks(x, chunk),
  ) as [Tensor, Tensor, Tensor, Tensor];
  const faded = (x: Tensor, by: keyof NonNullable<typeof decays>) =>
    decays === undefined ? x : multiply(x, decays[by]);

  // With U the rows u_t = β_t·(v_t - a_t·S_{t-1}ᵀ·k_t) and S the state before the chunk:
  // (I + tril(β·K·Kᵀ·decay, -1))·U = β·V - (β·decay·K)·S.
  const weighted = multiply(k, b);
  const system = lowerTriangle(faded(scoresOf(weighted, k), "between"), { strict: true });
  const ofValues = triangularSolve(system, multiply(v, b), { unit: true });
  const ofState = triangularSolve(system, faded(weighted, "sinceStart"), { unit: true });
  const scores = lowerTriangle(faded(scoresOf(q, k), "between"));
  const asked = faded(q, "sinceStart");
  const later = faded(k, "untilEnd");

  const chunksFirst = (x: Tensor) => transpose(x, [1, 0, 2, 3, 4]);
  const sequences = [
    asked,
    scores,
    ofValues,
    ofState,
    later,
    ...(decays === undefined ? [] : [decays.whole]),
  ];
  const { carries, outputs } = scan(
    {
      length: q.shape[1]!,
      carries: [fill(0, [batch, heads, keys.shape[3]!, valueWidth])],
      sequences: sequences.map(chunksFirst),
    },
    ([s], [query, within, value, key, late, decay]) => {
      const corrections = subtract(value!, matmul(key!, s!));
      const out = add(matmul(query!, s!), matmul(within!, corrections));
      const kept = decay === undefined ? s! : multiply(s!, decay);
      return { carries: [add(kept, matmul(swapLast(late!), corrections))], outputs: [out] };
    },
  );
  return { out: fromChunks(chunksFirst(outputs[0]!), length), state: carries[0]! };
}

/** The next token: queries, keys [B, H, K], values [B, H, V], beta and decay (undefined: 1) [B, H]. */
export function deltaRuleStep(
  { queries, keys, values }: Tokens,
  beta: Tensor,
  decay: Tensor | undefined,
  state: Tensor,
): { readonly y: Tensor; readonly state: Tensor } {
  const kept = decay === undefined ? state : multiply(state, reshape(decay, [...decay.shape, 1, 1]));
  const correction = multiply(subtract(values, readState(keys, kept)), reshape(beta, [...beta.shape, 1]));
  const next = add(kept, outer(keys, correction));
  return { y: readState(queries, next), state: next };
}
