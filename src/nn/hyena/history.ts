// Long convolutions token by token: a decoder keeps every input of the past and the filter as far as it has been needed.
// B batch, S slots (the longest sequence), C features.
import { dynamicUpdate } from "../../tensor/ops/dynamic.ts";
import { multiply, subtract } from "../../tensor/ops/elementwise.ts";
import { gather } from "../../tensor/ops/gather.ts";
import { iota } from "../../tensor/ops/leaf.ts";
import { pad, reshape } from "../../tensor/ops/movement.ts";
import { sum } from "../../tensor/ops/reduce.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { StateType } from "../primitive.ts";

/** Token t stands in slot t; slots not yet filled are zeros. */
export function historyType(batch: number, capacity: number, width: number): StateType {
  return { shape: [batch, capacity, width], dtype: "f32", initial: 0 };
}

/** The filter's rows so far; one more is computed with every token. */
export function filterType(capacity: number, filters: number): StateType {
  return { shape: [capacity, filters], dtype: "f32", initial: 0 };
}

/** x [B, T, C] in its slots, [B, S, C]. */
export function intoHistory(x: Tensor, capacity: number): Tensor {
  return pad(x, [0, 0, 0], [0, capacity - x.shape[1]!, 0]);
}

/** rows [T, C] as the beginning of a filter [S, C]. */
export function intoFilter(rows: Tensor, capacity: number): Tensor {
  return pad(rows, [0, 0], [capacity - rows.shape[0]!, 0]);
}

/** The history [B, S, C] with token x [B, C] at `position`. */
export function remember(history: Tensor, x: Tensor, position: Tensor): Tensor {
  const [batch, width] = x.shape as [number, number];
  return dynamicUpdate(history, reshape(x, [batch, 1, width]), { 1: position });
}

/** The filter [S, C] with one more row [1, C], that of `position`. */
export function extend(filter: Tensor, row: Tensor, position: Tensor): Tensor {
  return dynamicUpdate(filter, row, { 0: position });
}

/** For each slot the filter's row (of [S, C]) by its distance from `position`; zeros for slots after it: [S, C]. */
export function lagged(filter: Tensor, position: Tensor): Tensor {
  return gather(filter, subtract(position, iota([filter.shape[0]!], 0)));
}

/** Σ_slots history · rows: [B, S, C] and [S, C] → [B, C]. */
export function recall(history: Tensor, rows: Tensor): Tensor {
  return sum(multiply(history, rows), [1]);
}
