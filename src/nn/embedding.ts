// From token ids, or numbers, to features, with learned positions if asked for.
// B batch, T length, D width, V vocabulary, N numbers at a place.
import { dynamicSlice } from "../tensor/ops/dynamic.ts";
import { add } from "../tensor/ops/elementwise.ts";
import { gather } from "../tensor/ops/gather.ts";
import { slice } from "../tensor/ops/movement.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { linearMap } from "./linear.ts";
import type { Scope } from "./scope.ts";

export interface EmbeddingOptions {
  readonly vocabulary: number;
  readonly width: number;
  readonly standardDeviation: number;
  /** Positions to learn, at least T; absent: none are added. */
  readonly positions?: number | undefined;
  /** Position of the first token, i32 []; absent: 0. */
  readonly start?: Tensor | undefined;
}

/** tokens i32 [B, T] → features [B, T, D], and the table [V, D] for a head that shares it. */
export function embedding(scope: Scope, tokens: Tensor, options: EmbeddingOptions) {
  const { vocabulary, width } = options;
  const initializer = { kind: "normal", standardDeviation: options.standardDeviation } as const;
  const table = scope.parameter("tokens", { shape: [vocabulary, width], initializer, role: "embedding" });
  return { features: withPositions(scope, gather(table, tokens), options), table };
}

/** x f32 [B, T, N] → features [B, T, D], by a linear map with a bias. */
export function inputMap(scope: Scope, x: Tensor, options: EmbeddingOptions): Tensor {
  const { width, standardDeviation } = options;
  return withPositions(scope, linearMap(scope, x, { width, bias: true, standardDeviation }), options);
}

/** features [B, T, D], with the learned ones of their positions added where there are any. */
function withPositions(scope: Scope, features: Tensor, options: EmbeddingOptions): Tensor {
  const { width, positions, start } = options;
  if (positions === undefined) return features;
  const initializer = { kind: "normal", standardDeviation: options.standardDeviation } as const;
  const places = scope.parameter("positions", { shape: [positions, width], initializer, role: "positions" });
  const length = features.shape[1]!;
  const mine =
    start === undefined
      ? slice(places, { 0: [0, length] })
      : dynamicSlice(places, { 0: start }, { 0: length });
  return add(features, mine);
}
