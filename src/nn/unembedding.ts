// From features to logits over the vocabulary: a matrix of its own, or the embedding's table again (Press and Wolf 2017).
// B batch, T length, D width, V vocabulary.
import { linear, swapLast } from "../tensor/ops/contract.ts";
import { add } from "../tensor/ops/elementwise.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Scope } from "./scope.ts";

export interface UnembeddingOptions {
  readonly vocabulary: number;
  readonly standardDeviation: number;
  /** Whether a bias [V], from zeros, is added. */
  readonly bias: boolean;
  /** The embedding's table [V, D], where the head shares it. */
  readonly table?: Tensor | undefined;
}

/** x [B, T, D] → logits [B, T, V]. */
export function unembedding(scope: Scope, x: Tensor, options: UnembeddingOptions): Tensor {
  const logits = linear(x, weights(scope, x.shape.at(-1)!, options));
  if (!options.bias) return logits;
  const initializer = { kind: "constant", value: 0 } as const;
  return add(logits, scope.parameter("bias", { shape: [options.vocabulary], initializer, role: "bias" }));
}

/** [D, V]. */
function weights(scope: Scope, width: number, { vocabulary, standardDeviation, table }: UnembeddingOptions) {
  if (table !== undefined) return swapLast(table);
  const initializer = { kind: "normal", standardDeviation } as const;
  return scope.parameter("weight", { shape: [width, vocabulary], initializer, role: "head" });
}
