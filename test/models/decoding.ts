// One layer of grouped-head attention (Ainslie et al. 2023) with rotary positions, on a whole sequence, and on the next
// few tokens with a cache of keys and values. B batch, T length, L places of the cache, D width, H query heads, G key heads, W head width.
import {
  add,
  attention,
  dynamicUpdate,
  input,
  iota,
  linear,
  type Program,
  program,
  reshape,
  rotary,
  rotaryTables,
  type Tensor,
} from "../../src/tensor/index.ts";
import type { Grids, Model } from "./harness.ts";
import {
  at,
  type Grid,
  grid,
  minus,
  plus,
  put,
  type Scalar,
  scaled,
  softmaxOf,
  times,
  total,
} from "./scalar.ts";
import { type Tensors, uniform } from "./values.ts";

export interface DecoderShape {
  readonly batch: number;
  readonly length: number;
  readonly width: number;
  readonly keyHeads: number;
  /** Query heads of a key head. */
  readonly group: number;
  /** An even number. */
  readonly headWidth: number;
}

type Heads = Pick<DecoderShape, "keyHeads" | "group" | "headWidth">;

/** Queries, keys and values of x [B, T, D] at positions i32 [T], queries and keys turned. */
function projections({ x, q, k, v }: Tensors, positions: Tensor, { keyHeads, group, headWidth }: Heads) {
  const [batch, length] = x!.shape as [number, number];
  const heads = (weights: Tensor, count: number) =>
    reshape(linear(x!, weights), [batch, length, count, headWidth]);
  const { cosines, sines } = rotaryTables(positions, headWidth);
  return {
    queries: rotary(heads(q!, keyHeads * group), cosines, sines),
    keys: rotary(heads(k!, keyHeads), cosines, sines),
    values: heads(v!, keyHeads),
  };
}

function output(attended: Tensor, out: Tensor): Tensor {
  const [batch, length, heads, width] = attended.shape as [number, number, number, number];
  return linear(reshape(attended, [batch, length, heads * width]), out);
}

/** x [B, T, D] → y [B, T, D]. */
export function wholeSequence(inputs: Tensors, heads: Heads): Tensors {
  const { queries, keys, values } = projections(inputs, iota([inputs.x!.shape[1]!], 0), heads);
  const { out } = attention(queries, keys, values, { causal: true });
  return { y: output(out, inputs.out!) };
}

/** The next tokens x [B, T, D] after `position` i32 []; keys and values [B, L, G, W] and the position are state. */
export function nextTokens(inputs: Tensors, heads: Heads, places: number): Program {
  const [batch, length] = inputs.x!.shape as [number, number];
  const cacheShape = [batch, places, heads.keyHeads, heads.headWidth];
  const [keyCache, valueCache] = [input("keyCache", cacheShape), input("valueCache", cacheShape)];
  const position = input("position", [], "i32");
  const { queries, keys, values } = projections(inputs, add(iota([length], 0), position), heads);
  const allKeys = dynamicUpdate(keyCache, keys, { 1: position });
  const allValues = dynamicUpdate(valueCache, values, { 1: position });
  const { out } = attention(queries, allKeys, allValues, { causal: true, offset: position });
  return program(
    { y: output(out, inputs.out!) },
    { keyCache: allKeys, valueCache: allValues, position: add(position, length) },
  );
}

function plainWholeSequence(shape: DecoderShape, inputs: Grids): Grids {
  const { batch, length, width, keyHeads, group, headWidth } = shape;
  const { x, q, k, v, out } = inputs as Record<"x" | "q" | "k" | "v" | "out", Grid>;
  const half = headWidth / 2;
  const head = (b: number, t: number, weights: Grid, h: number): Scalar[] =>
    Array.from({ length: headWidth }, (_, i) =>
      total(width, (d) => times(at(x, b, t, d), at(weights, d, h * headWidth + i))),
    );
  const turn = (row: Scalar[], t: number): Scalar[] =>
    row.map((value, i) => {
      const angle = t * 10_000 ** ((-2 * (i % half)) / headWidth);
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      return i < half
        ? minus(scaled(value, cos), scaled(row[i + half]!, sin))
        : plus(scaled(value, cos), scaled(row[i - half]!, sin));
    });
  const y = grid([batch, length, width]);
  for (let b = 0; b < batch; b++) {
    const places = [...Array(length).keys()];
    const keys = places.map((t) => [...Array(keyHeads).keys()].map((h) => turn(head(b, t, k, h), t)));
    const values = places.map((t) => [...Array(keyHeads).keys()].map((h) => head(b, t, v, h)));
    for (let t = 0; t < length; t++) {
      const attended: Scalar[] = [];
      for (let h = 0; h < keyHeads * group; h++) {
        const query = turn(head(b, t, q, h), t);
        const keyHead = Math.floor(h / group);
        const scores = Array.from({ length: t + 1 }, (_, s) =>
          scaled(
            total(headWidth, (i) => times(query[i]!, keys[s]![keyHead]![i]!)),
            1 / Math.sqrt(headWidth),
          ),
        );
        const weights = softmaxOf(scores);
        for (let i = 0; i < headWidth; i++) {
          attended.push(total(t + 1, (s) => times(weights[s]!, values[s]![keyHead]![i]!)));
        }
      }
      for (let d = 0; d < width; d++) {
        put(
          y,
          total(attended.length, (i) => times(attended[i]!, at(out, i, d))),
          b,
          t,
          d,
        );
      }
    }
  }
  return { y };
}

export function decoderModel(random: () => number, shape: DecoderShape): Model {
  const { batch, length, width, keyHeads, group, headWidth } = shape;
  return {
    values: {
      x: uniform(random, [batch, length, width]),
      q: uniform(random, [width, keyHeads * group * headWidth]),
      k: uniform(random, [width, keyHeads * headWidth]),
      v: uniform(random, [width, keyHeads * headWidth]),
      out: uniform(random, [keyHeads * group * headWidth, width]),
    },
    graph: (inputs) => wholeSequence(inputs, shape),
    plain: (inputs) => plainWholeSequence(shape, inputs),
  };
}
