// Gated delta rule (Yang, Kautz and Hatamizadeh 2024, "Gated Delta Networks", equation 10) in chunks: inside a chunk the
// rank-one updates are one triangular system (Bischof and Van Loan's WY form), between chunks a state is carried.
// B batch, T length, H heads, K width of keys, V width of values, C steps of a chunk, M chunks.
import {
  add,
  cumulativeSum,
  exp,
  fill,
  greaterEqual,
  iota,
  lowerTriangle,
  matmul,
  multiply,
  pad,
  reshape,
  scan,
  select,
  slice,
  subtract,
  swapLast,
  type Tensor,
  transpose,
  triangularSolve,
} from "../../src/tensor/index.ts";
import type { Grids, Model } from "./harness.ts";
import { at, expOf, grid, minus, plus, put, type Scalar, times, total, zero } from "./scalar.ts";
import { type Tensors, uniform } from "./values.ts";

export interface DeltaRuleShape {
  readonly batch: number;
  readonly length: number;
  readonly heads: number;
  readonly keyWidth: number;
  readonly valueWidth: number;
  readonly chunk: number;
}

/**
 * S_t = α_t·(I - β_t·k_t·k_tᵀ)·S_{t-1} + β_t·k_t·v_tᵀ and o_t = S_tᵀ·q_t from S_0 = 0: q, k [B, T, H, K], v [B, T, H, V],
 * log α and β [B, T, H] → o [B, T, H, V].
 */
export function gatedDeltaRule({ q, k, v, logDecay, beta }: Tensors, chunk: number): Tensor {
  const [batch, length, heads, keyWidth] = q!.shape as [number, number, number, number];
  const valueWidth = v!.shape[3]!;
  const chunks = Math.ceil(length / chunk);
  // Steps of zeros at the end change no output before them.
  const inChunks = (x: Tensor) => {
    const width = x.shape[3] ?? 1;
    const rows = reshape(x, [batch, length, heads, width]);
    const whole = pad(rows, [0, 0, 0, 0], [0, chunks * chunk - length, 0, 0]);
    return transpose(reshape(whole, [batch, chunks, chunk, heads, width]), [1, 0, 3, 2, 4]); // [M, B, H, C, width]
  };
  const [qs, ks, vs, bs] = [q!, k!, v!, beta!].map(inChunks) as [Tensor, Tensor, Tensor, Tensor];
  const sums = cumulativeSum(reshape(inChunks(logDecay!), [chunks, batch, heads, chunk]));
  const columns = reshape(sums, [chunks, batch, heads, chunk, 1]);
  const decays = exp(columns); // since the chunk's start
  const between = decayBetween(columns, chunk); // from step j to step i

  // u_t = β_t·(v_t - α_t·S_{t-1}ᵀ·k_t) solves (I + L)·U = β·(V - decay·K·S_0).
  const weightedKeys = multiply(ks, bs);
  const system = lowerTriangle(multiply(matmul(weightedKeys, swapLast(ks)), between), { strict: true });
  const fromValues = triangularSolve(system, multiply(vs, bs), { unit: true });
  const fromState = triangularSolve(system, multiply(weightedKeys, decays), { unit: true });
  const scores = lowerTriangle(multiply(matmul(qs, swapLast(ks)), between));
  const last = slice(columns, { 3: [chunk - 1, chunk] });
  const laterKeys = multiply(ks, exp(subtract(last, columns)));

  const result = scan(
    {
      length: chunks,
      carries: [fill(0, [batch, heads, keyWidth, valueWidth])],
      sequences: [multiply(qs, decays), scores, fromValues, fromState, laterKeys, exp(last)],
    },
    ([s], [queries, within, values, keys, later, decay]) => {
      const updates = subtract(values!, matmul(keys!, s!));
      const out = add(matmul(queries!, s!), matmul(within!, updates));
      return { carries: [add(multiply(s!, decay!), matmul(swapLast(later!), updates))], outputs: [out] };
    },
  );
  const rows = reshape(transpose(result.outputs[0]!, [1, 0, 3, 2, 4]), [
    batch,
    chunks * chunk,
    heads,
    valueWidth,
  ]);
  return slice(rows, { 1: [0, length] });
}

/** exp(sum_i - sum_j) at i ≥ j and, so that nothing overflows, 1 above. */
function decayBetween(columns: Tensor, chunk: number): Tensor {
  const differences = subtract(columns, swapLast(columns));
  const isLater = greaterEqual(iota([chunk, chunk], 0), iota([chunk, chunk], 1));
  return exp(select(isLater, differences, 0));
}

/** The recurrence step by step. */
function plainDeltaRule(
  { batch, length, heads, keyWidth, valueWidth }: DeltaRuleShape,
  { q, k, v, logDecay, beta }: Grids,
): Grids {
  const o = grid([batch, length, heads, valueWidth]);
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      let state: Scalar[][] = Array.from({ length: keyWidth }, () => Array(valueWidth).fill(zero));
      for (let t = 0; t < length; t++) {
        const key = (i: number) => at(k!, b, t, h, i);
        const decay = expOf(at(logDecay!, b, t, h));
        const before = state;
        const value = (j: number) => {
          const recalled = total(keyWidth, (i) => times(before[i]![j]!, key(i)));
          return minus(at(v!, b, t, h, j), times(decay, recalled));
        };
        const written = Array.from({ length: valueWidth }, (_, j) => times(at(beta!, b, t, h), value(j)));
        const now = Array.from({ length: keyWidth }, (_, i) =>
          written.map((u, j) => plus(times(decay, before[i]![j]!), times(key(i), u))),
        );
        for (let j = 0; j < valueWidth; j++) {
          put(
            o,
            total(keyWidth, (i) => times(now[i]![j]!, at(q!, b, t, h, i))),
            b,
            t,
            h,
            j,
          );
        }
        state = now;
      }
    }
  }
  return { o };
}

export function deltaRuleModel(random: () => number, shape: DeltaRuleShape): Model {
  const { batch, length, heads, keyWidth, valueWidth, chunk } = shape;
  const reach = 1 / Math.sqrt(keyWidth); // keys no longer than 1 keep the recurrence stable
  return {
    values: {
      q: uniform(random, [batch, length, heads, keyWidth]),
      k: uniform(random, [batch, length, heads, keyWidth], -reach, reach),
      v: uniform(random, [batch, length, heads, valueWidth]),
      logDecay: uniform(random, [batch, length, heads], -1, 0),
      beta: uniform(random, [batch, length, heads], 0.1, 1),
    },
    graph: (inputs) => ({ o: gatedDeltaRule(inputs, chunk) }),
    plain: (inputs) => plainDeltaRule(shape, inputs),
  };
}
