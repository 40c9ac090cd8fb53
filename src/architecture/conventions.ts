// Floating-point operations and sizes as papers count them, from what a graph is made of. They leave out what runs
// (causal halves, norms, activations) or count what does not; `count` has the operations that run.
import type { Node } from "../tensor/tensor.ts";

/** A place of softmax attention: T keys, H heads of d features. */
export interface AttentionPlace {
  readonly keys: number;
  readonly heads: number;
  readonly headWidth: number;
}

/** The attention of a forward graph. */
export function attentionPlaces(nodes: readonly Node[]): AttentionPlace[] {
  return nodes
    .filter(({ op }) => op.name === "attention" || op.name === "relativeAttention")
    .map(({ inputs: [query, key, value] }) => ({
      keys: key!.shape[1]!,
      heads: query!.shape[2]!,
      headWidth: value!.shape[3]!,
    }));
}

/**
 * Training operations per token of Kaplan et al. 2020, table 1: three times 2N + 2·T·(H·d) of every layer, with N the
 * weights in the matrices of the blocks, without embeddings and biases.
 */
export function kaplanFlops(matrices: number, places: readonly AttentionPlace[]): number {
  const attention = places.reduce((sum, { keys, heads, headWidth }) => sum + 2 * keys * heads * headWidth, 0);
  return 3 * (2 * matrices + attention);
}

/**
 * Training operations per token of Hoffmann et al. 2022, appendix F, backward twice forward: 2 for every weight of the
 * blocks' matrices, and 4·T·(H·d) + 3·H·T of every attention, over all T keys. Embedding and logits are left out, which
 * is what the ratios to 6N in its table A4 come from.
 */
export function chinchillaFlops(matrices: number, places: readonly AttentionPlace[]): number {
  const attention = places.reduce(
    (sum, { keys, heads, headWidth }) => sum + 4 * keys * heads * headWidth + 3 * heads * keys,
    0,
  );
  return 3 * (2 * matrices + attention);
}

/** A decoder in the terms of Hoffmann et al. 2022, table A4. */
export interface ChinchillaShape {
  readonly layers: number;
  readonly width: number;
  readonly feedforward: number;
  readonly heads: number;
  readonly headWidth: number;
}

/**
 * Parameters that give every size of that table: L·(5·D·H·d + 2·D·F) + 32,000·D. The fifth matrix of attention projects
 * relative positions (Dai et al. 2019); norms and biases are left out.
 */
export function chinchillaParameters({
  layers,
  width,
  feedforward,
  heads,
  headWidth,
}: ChinchillaShape): number {
  return layers * (5 * width * heads * headWidth + 2 * width * feedforward) + 32_000 * width;
}
