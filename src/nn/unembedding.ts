// From features to logits over the vocabulary: a matrix of its own, or the embedding's table again (Press and Wolf 2017).
// B batch, T length, D width, V vocabulary.
import { linear, swapLast } from "../tensor/ops/contract.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Scope } from "./scope.ts";

export interface UnembeddingOptions {
  readonly vocabulary: number;
  readonly standardDeviation: number;
  /** The embedding's table [V, D], where the head shares it. */
  readonly table?: Tensor | undefined;
}

/** x [B, T, D] → logits [B, T, V]; no bias. */
export function unembedding(scope: Scope, x: Tensor, options: UnembeddingOptions): Tensor {
  if (options.table !== undefined) return linear(x, swapLast(options.table));
  const weight = scope.parameter("weight", {
    shape: [x.shape.at(-1)!, options.vocabulary],
    initializer: { kind: "normal", standardDeviation: options.standardDeviation },
    role: "head",
  });
  return linear(x, weight);
}
