// The recurrence of a matrix state in chunks built from products: what a matrix recurrence is defined by.
// Inside a chunk the weight of token j for token i is Σ_c q_ic·k_jc·(product of a_c between them). It is made by halving:
// whatever lies between two halves of a block passes through their border, so that q times the decays since the border
// and k times those up to it make a product of matrices, and what is left are the same halves. Decays are only ever
// multiplied, never divided: none is too strong.
// B batch, T length, H heads, K width of keys, V width of values, C tokens of a chunk, M chunks.
import { einsum, matmul, swapLast } from "../ops/contract.ts";
import { multiply } from "../ops/elementwise.ts";
import { fill } from "../ops/leaf.ts";
import { concatenate, reshape, slice } from "../ops/movement.ts";
import { sum } from "../ops/reduce.ts";
import type { Tensor } from "../tensor.ts";
import { fromChunks, intoChunks, passState } from "./chunks.ts";

/**
 * q, k, a [B, T, H, K], v [B, T, H, V] → what every token reads [B, T, H, V], the state before each chunk of at most
 * `longest` (a power of two) tokens [B, M, H, K, V], and the state after the last token [B, H, K, V].
 */
export function recurInChunks(
  [q, k, v, a]: readonly [Tensor, Tensor, Tensor, Tensor],
  readsBefore: boolean,
  longest: number,
): readonly [Tensor, Tensor, Tensor] {
  const length = q.shape[1]!;
  const chunk = Math.min(longest, 2 ** Math.ceil(Math.log2(length)));
  const [queries, keys, values, decays] = [q, k, v, a].map((x) => intoChunks(x, chunk)) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  const { weights, sinceStart, untilEnd, whole } = halve(queries, keys, decays, readsBefore);
  const [fading, asked] = [multiply(keys, untilEnd), multiply(queries, sinceStart)];
  const { out, starts, state } = passState(
    matmul(weights, values),
    swapLast(whole),
    (range) => einsum("bmhck,bmhcv->bmhkv", slice(fading, range), slice(values, range)),
    (before, range) => einsum("bmhck,bmhkv->bmhcv", slice(asked, range), before),
  );
  return [fromChunks(out, length), starts, state];
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

/** q, k, a [B, M, H, C, K]: pairs of blocks become one until one is left. */
function halve(q: Tensor, k: Tensor, a: Tensor, readsBefore: boolean): Chunk {
  const length = q.shape[3]!;
  const own = readsBefore ? fill(0, [...q.shape.slice(0, 4), 1]) : sum(multiply(q, k), [-1], true);
  let weights = reshape(own, [...own.shape, 1]);
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
