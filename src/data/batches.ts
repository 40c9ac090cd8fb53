// Windows of tokens as batches: shuffled for training, in order for evaluation. Knows nothing of text or models.
// Legend: B batch, T length.

import { RequestError } from "../errors.ts";
import { createRandom } from "./random.ts";

/** Token ids; the narrower type wherever the vocabulary fits. */
export type Tokens = Uint16Array | Uint32Array;

/** `targets[b, t]` is the token after `inputs[b, t]`, or `ignored` where nothing is to be scored. */
export type Batch = {
  /** [B, T] */
  inputs: Int32Array;
  /** [B, T] */
  targets: Int32Array;
};

/** The target of a position that does not count. */
export const ignored = -1;

export interface SamplerOptions {
  tokens: Tokens;
  /** T, at least 1 and less than the number of tokens. */
  length: number;
  /** B, at least 1. */
  batch: number;
  seed: number;
  /**
   * "random" (default): every window starts at an independent uniform position. "epochs": each epoch cuts the tokens
   * into windows that do not overlap, begun at a new random offset, and visits each once in a new random order.
   */
  order?: "random" | "epochs";
}

export interface Sampler {
  /** Batches in one epoch of "epochs"; in either order, how many batches hold as many targets as there are tokens. */
  batchesPerEpoch: number;
  /** The batch of one step (from 0): a pure function of options and step. Fills and returns `reuse` where given. */
  next(step: number, reuse?: Batch): Batch;
}

/** Errors: RequestError for sizes that are no positive integers or tokens too few for one window. */
export function createSampler(options: SamplerOptions): Sampler {
  const { tokens, length, batch, seed, order = "random" } = options;
  requireSizes(length, batch);
  if (tokens.length < length + 1) {
    throw new RequestError(
      `data: the training text has ${tokens.length} tokens, a window of length ${length} needs at least ` +
        `${length + 1}; give more text or a smaller length`,
    );
  }
  const windows = Math.floor((tokens.length - 1) / length);
  const starts =
    order === "random"
      ? randomStarts(tokens.length - length, seed)
      : epochStarts(tokens.length, length, seed);
  return {
    batchesPerEpoch: windows / batch,
    next(step, reuse = createBatch(batch, length)) {
      if (!Number.isSafeInteger(step) || step < 0) {
        throw new RequestError(`data: step must be an integer of at least 0, got ${step}`);
      }
      for (let row = 0; row < batch; row++) {
        fillRow(reuse, row * length, length, tokens, starts(step * batch + row));
      }
      return reuse;
    },
  };
}

/** Zeroed arrays for one batch. */
export function createBatch(batch: number, length: number): Batch {
  return { inputs: new Int32Array(batch * length), targets: new Int32Array(batch * length) };
}

/**
 * Covers every token but the first as a target exactly once: windows of T inputs that begin at 0, T, 2T … What the
 * last window and the last batch leave over has input 0 and target `ignored`. Each batch is overwritten by the next.
 * Errors: RequestError for sizes that are no positive integers or fewer than two tokens.
 */
export function* evaluationBatches(
  tokens: Tokens,
  length: number,
  batch: number,
): Generator<Batch & { scored: number }, void, undefined> {
  requireSizes(length, batch);
  if (tokens.length < 2) {
    throw new RequestError(
      `data: the validation text has ${tokens.length} tokens, at least 2 are needed; give more text or a larger ` +
        "validation fraction",
    );
  }
  const buffers = createBatch(batch, length);
  const last = tokens.length - 1;
  for (let from = 0; from < last; from += batch * length) {
    const scored = Math.min(batch * length, last - from);
    if (scored < batch * length) {
      buffers.inputs.fill(0);
      buffers.targets.fill(ignored);
    }
    for (let row = 0; row * length < scored; row++) {
      const start = from + row * length;
      fillRow(buffers, row * length, Math.min(length, last - start), tokens, start);
    }
    yield { ...buffers, scored };
  }
}

function fillRow(batch: Batch, at: number, length: number, tokens: Tokens, start: number): void {
  batch.inputs.set(tokens.subarray(start, start + length), at);
  batch.targets.set(tokens.subarray(start + 1, start + length + 1), at);
}

/** Where the n-th window starts. */
type Starts = (index: number) => number;

function randomStarts(positions: number, seed: number): Starts {
  const random = createRandom(seed, 1);
  return (index) => random.integer(index, positions);
}

function epochStarts(tokens: number, length: number, seed: number): Starts {
  const windows = Math.floor((tokens - 1) / length);
  const slack = tokens - 1 - windows * length;
  const random = createRandom(seed, 2);
  const order = new Uint32Array(windows);
  let offset = 0;
  let current = -1;
  // Only the epoch in use is held; each is shuffled (Fisher and Yates) from its own numbers, so any can come first.
  const shuffle = (epoch: number): void => {
    const base = epoch * (windows + 1);
    offset = random.integer(base, slack + 1);
    for (let i = 0; i < windows; i++) order[i] = i;
    for (let i = windows - 1; i > 0; i--) {
      const j = random.integer(base + i, i + 1);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    current = epoch;
  };
  return (index) => {
    const epoch = Math.floor(index / windows);
    if (epoch !== current) shuffle(epoch);
    return offset + order[index % windows]! * length;
  };
}

function requireSizes(length: number, batch: number): void {
  for (const [name, value] of [
    ["length", length],
    ["batch", batch],
  ] as const) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RequestError(`data: ${name} must be a positive integer, got ${value}; use at least 1`);
    }
  }
}
