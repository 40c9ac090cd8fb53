// One token by chance from the logits of a model. Knows no model.
import { WorkError } from "../errors.ts";

/** Which tokens may be drawn, and how evenly. */
export interface Draw {
  /** Divides the logits; 0 takes the most likely token, of several the first. */
  readonly temperature: number;
  /** Only the k most likely tokens. */
  readonly topK: number;
  /** Of those only the fewest that have at least this share of their probability (Holtzman et al. 2020, section 3.1). */
  readonly topP: number;
}

/**
 * A token from softmax(logits / temperature), cut as `draw` says, given a uniform number in [0, 1).
 * Errors: WorkError for logits that are not numbers.
 */
export function drawToken(
  logits: ArrayLike<number>,
  { temperature, topK, topP }: Draw,
  uniform: number,
): number {
  const best = likeliest(logits);
  if (temperature === 0) return best;
  const weight = (token: number): number => Math.exp((logits[token]! - logits[best]!) / temperature);
  const count = Math.min(topK, logits.length);
  if (count === logits.length && topP >= 1) {
    const weights = new Float64Array(logits.length);
    for (let token = 0; token < weights.length; token++) weights[token] = weight(token);
    return pick(weights, uniform) ?? best;
  }
  const next = likeliestFirst(logits);
  const first = count < logits.length ? Array.from({ length: count }, next) : undefined;
  const enough = topP * (first === undefined ? sumOver(logits.length, weight) : sum(first.map(weight)));
  const kept: number[] = [];
  for (let mass = 0; kept.length < count && mass < enough; mass += weight(kept.at(-1)!)) {
    kept.push(first?.[kept.length] ?? next());
  }
  const place = pick(kept.map(weight), uniform);
  return place === undefined ? best : kept[place]!;
}

function likeliest(logits: ArrayLike<number>): number {
  let best = 0;
  let numbers = true;
  for (let token = 0; token < logits.length; token++) {
    if (logits[token]! > logits[best]!) best = token;
    numbers &&= !Number.isNaN(logits[token]);
  }
  if (numbers && Number.isFinite(logits[best])) return best;
  throw new WorkError(
    "sample: the model's logits are not finite; its weights are damaged, use another checkpoint",
  );
}

/** The place that `uniform` of the whole weight falls on; undefined where rounding lets it fall behind the last. */
function pick(weights: ArrayLike<number>, uniform: number): number | undefined {
  let left = uniform * sum(weights);
  for (let i = 0; i < weights.length; i++) {
    left -= weights[i]!;
    if (left < 0) return i;
  }
  return undefined;
}

function sum(values: ArrayLike<number>): number {
  return sumOver(values.length, (i) => values[i]!);
}

function sumOver(count: number, f: (i: number) => number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += f(i);
  return total;
}

/** Gives tokens in descending order of their logits, equal ones in ascending order: a heap, for few are ever wanted. */
function likeliestFirst(logits: ArrayLike<number>): () => number {
  const heap = new Int32Array(logits.length);
  for (let token = 0; token < heap.length; token++) heap[token] = token;
  let size = heap.length;
  const before = (a: number, b: number): boolean =>
    logits[a]! > logits[b]! || (logits[a] === logits[b] && a < b);
  const sink = (at: number): void => {
    const token = heap[at]!;
    for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, token)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = token;
  };
  for (let at = (size >> 1) - 1; at >= 0; at--) sink(at);
  return () => {
    const top = heap[0]!;
    heap[0] = heap[--size]!;
    sink(0);
    return top;
  };
}
