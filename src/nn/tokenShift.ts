// Token shift: the features of the token before, mixed with a token's own. Peng et al. 2023 (RWKV), section 3.
// B batch, T length, D width.
import { add, multiply, subtract } from "../tensor/ops/elementwise.ts";
import { pad, reshape, slice } from "../tensor/ops/movement.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { StateType } from "./primitive.ts";
import type { Scope } from "./scope.ts";

/** x [B, T, D] one place later: zeros first, the last token gone. */
export function shifted(x: Tensor): Tensor {
  return pad(slice(x, { 1: [0, x.shape[1]! - 1] }), [0, 1, 0], [0, 0, 0]);
}

/** What the next token needs of those before: the last one, zeros before the first. */
export function previousToken(batch: number, width: number): StateType {
  return { shape: [batch, width], dtype: "f32", initial: 0 };
}

/** The last token [B, D] of x [B, T, D]. */
export function lastToken(x: Tensor): Tensor {
  const [batch, length, width] = x.shape as [number, number, number];
  return reshape(slice(x, { 1: [length - 1, length] }), [batch, width]);
}

/** share·x + (1 - share)·before, of any shapes that broadcast. */
export function mixTokens(x: Tensor, before: Tensor, share: Tensor): Tensor {
  return add(before, multiply(subtract(x, before), share));
}

/**
 * A learned share [D] of a token's own features, from (i / D)^exponent at feature i: as in the authors' first layer, few
 * features look back alone and the last hardly do.
 */
export function shareByFeature(scope: Scope, width: number, exponent: number): Tensor {
  return scope.parameter("share", {
    shape: [width],
    initializer: { kind: "values", at: (place) => (place / width) ** exponent },
    role: "scale",
  });
}
