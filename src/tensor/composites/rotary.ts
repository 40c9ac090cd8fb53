// Rotary position embedding: pairs of features turned by an angle that grows with position. Su et al. 2021, equation 34,
// in the half-split layout of GPT-NeoX, where feature i is paired with i + d/2. B batch, T length, H heads, d head width.
import {
  add,
  cast,
  cosine,
  exp,
  maximum,
  minimum,
  multiply,
  negate,
  sine,
  subtract,
} from "../ops/elementwise.ts";
import { iota } from "../ops/leaf.ts";
import { broadcastTo, concatenate, reshape, split } from "../ops/movement.ts";
import { sum } from "../ops/reduce.ts";
import { apply, type Op, sameShape, sizeOf, type Tensor } from "../tensor.ts";

/** x [B, T, H, d], cosines and sines [T, d/2] → [B, T, H, d]. */
const rotaryOp: Op<undefined> = {
  name: "rotary",
  lowering: "kernel",
  infer: ([x, cosines, sines]) => {
    const [, length, , width] = x!.shape;
    const table = [length!, width! / 2];
    if (x!.shape.length !== 4 || !sameShape(cosines!.shape, table) || !sameShape(sines!.shape, table)) {
      throw new RangeError(
        `rotary: x [${x!.shape}], cosines [${cosines!.shape}], sines [${sines!.shape}]; expected [B, T, H, d] with ` +
          "even d, and [T, d/2] twice",
      );
    }
    return [x!];
  },
  decompose: ([x, cosines, sines]) => {
    const [first, second] = halves(x!);
    const c = alongHeads(cosines!, first);
    const s = alongHeads(sines!, first);
    return [
      concatenate(
        [subtract(multiply(first, c), multiply(second, s)), add(multiply(second, c), multiply(first, s))],
        3,
      ),
    ];
  },
  gradient: (node, [g], wanted) => {
    if (g === undefined) return [undefined, undefined, undefined];
    const [x, cosines, sines] = node.inputs as [Tensor, Tensor, Tensor];
    const dx = rotary(g, cosines, negate(sines));
    if (!wanted[1] && !wanted[2]) return [dx, undefined, undefined];
    const [first, second] = halves(x);
    const [g1, g2] = halves(g);
    return [
      dx,
      sum(add(multiply(g1, first), multiply(g2, second)), [0, 2]),
      sum(subtract(multiply(g2, first), multiply(g1, second)), [0, 2]),
    ];
  },
  flops: (node) => 3 * sizeOf(node.outputs[0]!.shape),
  independent: () => ({ axes: 1, shared: [1, 2] }),
};

function halves(x: Tensor): [Tensor, Tensor] {
  const half = x.shape[3]! / 2;
  return split(x, [half, half], 3) as [Tensor, Tensor];
}

/** A table [T, d/2] at every batch and head. */
function alongHeads(table: Tensor, like: Tensor): Tensor {
  return broadcastTo(reshape(table, [table.shape[0]!, 1, table.shape[1]!]), like.shape);
}

/** Turns feature pairs (i, i + d/2) of x [B, T, H, d] by the angles whose cosines and sines [T, d/2] are given. */
export function rotary(x: Tensor, cosines: Tensor, sines: Tensor): Tensor {
  return apply(rotaryOp, [x, cosines, sines], undefined);
}

/**
 * Slow frequencies made slower, so that longer sequences turn as shorter ones did: those that turn less than `low` times in
 * `length` tokens are divided by `factor`, those that turn more than `high` times stay, linearly in between (Llama 3.1).
 */
export interface RotaryScaling {
  readonly factor: number;
  readonly low: number;
  readonly high: number;
  readonly length: number;
}

/** Cosines and sines [T, d/2] for positions [T] (i32 or f32): pair i turns by position · base^(-2i/d) radians. */
export function rotaryTables(positions: Tensor, headWidth: number, base = 10_000, scaling?: RotaryScaling) {
  if (headWidth % 2 !== 0) throw new RangeError(`rotary: head width ${headWidth}; expected an even number`);
  const shape = [positions.shape[0]!, headWidth / 2];
  const plain = exp(multiply(iota(shape, 1, "f32"), (-2 / headWidth) * Math.log(base)));
  const frequencies = scaling === undefined ? plain : scaled(plain, scaling);
  const angles = multiply(reshape(cast(positions, "f32"), [shape[0]!, 1]), frequencies);
  return { cosines: cosine(angles), sines: sine(angles) };
}

function scaled(frequencies: Tensor, { factor, low, high, length }: RotaryScaling): Tensor {
  const turns = multiply(frequencies, length / (2 * Math.PI));
  const kept = minimum(1, maximum(0, multiply(subtract(turns, low), 1 / (high - low))));
  return multiply(frequencies, add(1 / factor, multiply(kept, 1 - 1 / factor)));
}
