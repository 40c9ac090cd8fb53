// Causal attention whose scores have a part by content and a part by distance. Dai et al. 2019 (Transformer-XL), section
// 3.3. B batch, T length, H heads, d head width.
import { einsum } from "../ops/contract.ts";
import { add, lessEqual, multiply, select } from "../ops/elementwise.ts";
import { iota } from "../ops/leaf.ts";
import { broadcastTo, pad, reshape, slice } from "../ops/movement.ts";
import { apply, type Op, sameShape, type Tensor } from "../tensor.ts";
import { softmax } from "./softmax.ts";

/** Stands for minus infinity where it may be subtracted from itself. */
const LOW = -1e30;

const relativeAttentionOp: Op<undefined> = {
  name: "relativeAttention",
  lowering: "kernel",
  infer: ([content, key, value, place, distances]) => {
    const { shape } = content!;
    const expected = shape.slice(1);
    const isFour = shape.length === 4;
    const likeContent = [key!, value!, place!].every((tensor) => sameShape(tensor.shape, shape));
    if (!isFour || !likeContent || !sameShape(distances!.shape, expected)) {
      throw new RangeError(
        `relativeAttention: content [${shape}], key [${key!.shape}], value [${value!.shape}], place [${place!.shape}], ` +
          `distances [${distances!.shape}]; expected [B, T, H, d] four times, and [T, H, d]`,
      );
    }
    return [content!];
  },
  decompose: ([content, key, value, place, distances]) => {
    const length = content!.shape[1]!;
    const byContent = einsum("bthd,bshd->bhts", content!, key!);
    const byDistance = skew(einsum("bthd,shd->bhts", place!, distances!));
    const scores = multiply(add(byContent, byDistance), 1 / Math.sqrt(content!.shape[3]!));
    const seen = lessEqual(iota([length, length], 1), iota([length, length], 0));
    const weights = softmax(select(broadcastTo(seen, scores.shape), scores, LOW));
    return [einsum("bhts,bshd->bthd", weights, value!)];
  },
  flops: ({ inputs: [content] }) => {
    const [batch, length, heads, width] = content!.shape as [number, number, number, number];
    return batch * heads * length ** 2 * 6 * width;
  },
};

/** Row t of x [B, H, T, T] moved left by T - 1 - t places; what comes in on the right is above the diagonal. */
function skew(x: Tensor): Tensor {
  const [batch, heads, length] = x.shape as [number, number, number];
  const padded = pad(x, [0, 0, 0, 1], [0, 0, 0, 0]);
  const rows = reshape(padded, [batch, heads, length + 1, length]);
  return slice(rows, { 2: [1, length + 1] });
}

/**
 * Of queries by content, keys, values and queries by distance [B, T, H, d], and keys of distances [T, H, d], the largest
 * distance T - 1 first: softmax over s ≤ t of (content_t·key_s + place_t·distance_{t-s}) / √d, of the values, [B, T, H, d].
 */
export function relativeAttention(
  content: Tensor,
  key: Tensor,
  value: Tensor,
  place: Tensor,
  distances: Tensor,
): Tensor {
  return apply(relativeAttentionOp, [content, key, value, place, distances], undefined);
}
