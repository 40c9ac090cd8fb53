// From features to logits over the vocabulary: a matrix of its own, or the embedding's table again (Press and Wolf 2017).
// B batch, T length, D width, E width of the table, V vocabulary.
import { linear, swapLast } from "../tensor/ops/contract.ts";
import { add } from "../tensor/ops/elementwise.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Table } from "./embedding.ts";
import type { Scope } from "./scope.ts";

export interface UnembeddingOptions {
  readonly vocabulary: number;
  readonly standardDeviation: number;
  /** Whether a bias [V], from zeros, is added. */
  readonly bias: boolean;
  /** What the embedding has, where the head shares it: a map to its width, then its table. */
  readonly shared?: Table | undefined;
}

/** x [B, T, D] → logits [B, T, V]. */
export function unembedding(scope: Scope, x: Tensor, options: UnembeddingOptions): Tensor {
  const logits =
    options.shared === undefined ? ownLogits(scope, x, options) : sharedLogits(x, options.shared);
  if (!options.bias) return logits;
  const initializer = { kind: "constant", value: 0 } as const;
  return add(logits, scope.parameter("bias", { shape: [options.vocabulary], initializer, role: "bias" }));
}

function ownLogits(scope: Scope, x: Tensor, { vocabulary, standardDeviation }: UnembeddingOptions): Tensor {
  const shape = [x.shape.at(-1)!, vocabulary];
  const initializer = { kind: "normal", standardDeviation } as const;
  return linear(x, scope.parameter("weight", { shape, initializer, role: "head" }));
}

function sharedLogits(x: Tensor, { table, map }: Table): Tensor {
  return linear(map === undefined ? x : linear(x, swapLast(map)), swapLast(table));
}
