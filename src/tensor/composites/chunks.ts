// Sequences in chunks of tokens, and a matrix state that passes from chunk to chunk.
// B batch, T length, H heads, K width of keys, V width of values, W any width, C tokens of a chunk, M chunks.
import { add, multiply } from "../ops/elementwise.ts";
import { fill } from "../ops/leaf.ts";
import { broadcastTo, pad, reshape, slice, transpose } from "../ops/movement.ts";
import { linearRecurrence } from "../ops/recurrence.ts";
import type { Tensor } from "../tensor.ts";

/** x [B, T, H, W] → [B, M, H, C, W]. Zeros come in front: no token has written into the state there. */
export function intoChunks(x: Tensor, chunk: number): Tensor {
  const [batch, length, heads, width] = x.shape as [number, number, number, number];
  const chunks = Math.ceil(length / chunk);
  const whole = pad(x, [0, chunks * chunk - length, 0, 0], [0, 0, 0, 0]);
  return transpose(reshape(whole, [batch, chunks, chunk, heads, width]), [0, 1, 3, 2, 4]);
}

/** [B, M, H, C, W] → the last `length` tokens [B, T, H, W]. */
export function fromChunks(x: Tensor, length: number): Tensor {
  const [batch, chunks, heads, chunk, width] = x.shape as [number, number, number, number, number];
  const whole = reshape(transpose(x, [0, 1, 3, 2, 4]), [batch, chunks * chunk, heads, width]);
  return slice(whole, { 1: [chunks * chunk - length, chunks * chunk] });
}

/** Some chunks of all: [from, to) along axis 1. */
type Chunks = Readonly<Record<1, readonly [number, number]>>;

/** Chunks of x [B, M, …], or of one x that serves all. */
export function chunksOf(x: Tensor, range: Chunks): Tensor {
  return x.shape[1] === 1 ? x : slice(x, range);
}

/**
 * From chunk to chunk S_m = decay_m·S_{m-1} + written_m, S_0 = 0. Gives `within` [B, M, H, C, V] plus what `read` finds of
 * the state before each chunk, those states [B, M, H, K, V], and the one [B, H, K, V] after the last; or all of them with H
 * after C and K. `write` gives what chunks add to the state; that of the last chunk is asked for apart, since only the
 * state after it has to do with it. `decay` [B, M, …] broadcasts to what is written.
 */
export function passState(
  within: Tensor,
  decay: Tensor,
  write: (range: Chunks) => Tensor,
  read: (before: Tensor, range: Chunks) => Tensor,
): { readonly out: Tensor; readonly starts: Tensor; readonly state: Tensor } {
  const chunks = within.shape[1]!;
  const last: Chunks = { 1: [chunks - 1, chunks] };
  const withoutChunk = (x: Tensor) => reshape(x, [x.shape[0]!, ...x.shape.slice(2)]);
  const afterFirst = (x: Tensor) => pad(x, [0, 1, 0, 0, 0], [0, 0, 0, 0, 0]);
  const written = write(last);
  if (chunks === 1) return { out: within, starts: fill(0, written.shape), state: withoutChunk(written) };
  const earlier: Chunks = { 1: [0, chunks - 1] };
  const states = statesAfterChunks(chunksOf(decay, earlier), write(earlier));
  const readings = read(states, { 1: [1, chunks] });
  const kept = multiply(slice(states, { 1: [chunks - 2, chunks - 1] }), chunksOf(decay, last));
  return {
    out: add(within, afterFirst(readings)),
    starts: afterFirst(states),
    state: withoutChunk(add(kept, written)),
  };
}

/** S_m = decay_m·S_{m-1} + written_m from S_0 = 0: written [B, M, H, K, V], decay of a shape that broadcasts to it. */
function statesAfterChunks(decay: Tensor, written: Tensor): Tensor {
  const { shape } = written;
  if (shape[1] === 1) return written;
  const [batch, chunks] = shape as [number, number];
  const flat = [batch, chunks, -1];
  const states = linearRecurrence(
    reshape(broadcastTo(decay, shape), flat),
    reshape(written, flat),
    fill(0, [batch, shape[2]! * shape[3]! * shape[4]!]),
  );
  return reshape(states, shape);
}
