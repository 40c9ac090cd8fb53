// Windows over a text that score every token once, each with as much before it as the stride leaves. Knows no models.
// Legend: B batch, T length.

import { RequestError } from "../errors.ts";
import { type Batch, createBatch, ignored, type Tokens } from "./batches.ts";

export interface WindowOptions {
  /** T: inputs of a window. */
  readonly length: number;
  /**
   * Tokens between the starts of two windows, 1 … T. Each window but the first scores its last `stride` positions, so
   * that each of these sees at least T - stride tokens before it. T: windows side by side, as training evaluates.
   */
  readonly stride: number;
}

/** One window: inputs from `start` on; its positions `from` … `to` - 1 are scored. */
export interface Window {
  readonly start: number;
  readonly from: number;
  readonly to: number;
}

/** How many windows score the `tokens` - 1 targets of a text. */
export function windowCount(tokens: number, { length, stride }: WindowOptions): number {
  const beyond = tokens - 1 - length;
  return 1 + Math.max(0, Math.ceil(beyond / stride));
}

/** The window of one index, counted from 0. The last may score fewer positions than the others. */
export function windowAt(index: number, tokens: number, { length, stride }: WindowOptions): Window {
  const start = index * stride;
  const from = index === 0 ? 0 : length - stride;
  return { start, from, to: Math.min(length, tokens - 1 - start) };
}

/**
 * The windows of a text as batches [B, T], in order; the targets of positions that are not scored are `ignored`. Each
 * batch is overwritten by the next. Errors: RequestError for fewer than two tokens and sizes out of range.
 */
export function* windowBatches(
  tokens: Tokens,
  options: WindowOptions & { readonly batch: number },
): Generator<Batch & { readonly windows: readonly Window[] }, void, undefined> {
  const { length, stride, batch } = options;
  if (!(Number.isSafeInteger(stride) && stride >= 1 && stride <= length)) {
    throw new RequestError(
      `evaluate: stride is ${stride}; expected a whole number from 1 to the model's length ${length}`,
    );
  }
  if (!(Number.isSafeInteger(batch) && batch >= 1)) {
    throw new RequestError(`evaluate: batch is ${batch}; expected a whole number of at least 1`);
  }
  if (tokens.length < 2) {
    throw new RequestError(
      `evaluate: the text has ${tokens.length === 1 ? "1 token" : "no tokens"}, at least 2 are needed to score one; ` +
        "give more text",
    );
  }
  const buffers = createBatch(batch, length);
  const count = windowCount(tokens.length, options);
  for (let first = 0; first < count; first += batch) {
    buffers.inputs.fill(0);
    buffers.targets.fill(ignored);
    const windows: Window[] = [];
    for (let row = 0; row < batch && first + row < count; row++) {
      const window = windowAt(first + row, tokens.length, options);
      const { start, from, to } = window;
      buffers.inputs.set(tokens.subarray(start, start + to), row * length);
      buffers.targets.set(tokens.subarray(start + from + 1, start + to + 1), row * length + from);
      windows.push(window);
    }
    yield { ...buffers, windows };
  }
}
