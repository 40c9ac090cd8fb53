// Random walks through other dtypes.
import {
  abs,
  add,
  and,
  cast,
  concatenate,
  cumulativeSum,
  fill,
  flip,
  less,
  max,
  maximum,
  minimum,
  multiply,
  not,
  or,
  pad,
  reshape,
  select,
  slice,
  sort,
  sum,
  type Tensor,
  transpose,
  xor,
} from "../../../src/tensor/index.ts";
import {
  type Apply,
  axesOf,
  bounded,
  type Choice,
  ofShape,
  otherShape,
  permutation,
  quantized,
} from "./pool.ts";

/** A walk through another dtype and back: movements, arithmetic, sums, order and indices of whole numbers and bits. */
export const typed: Apply = (pool, x, choice) => {
  const to = choice.of(["i32", "u32", "bool", "f16", "bf16"] as const);
  const whole = quantized(to === "u32" || to === "bool" ? abs(bounded(x)) : bounded(x));
  let y = cast(whole, to);
  for (let i = choice.below(3); i >= 0; i--) y = typedStep(y, ofShape(pool, choice, y.shape), choice);
  return multiply(cast(y, "f32"), 0.25);
};

function typedStep(y: Tensor, other: Tensor, choice: Choice): Tensor {
  const { shape, dtype } = y;
  const axis = choice.below(Math.max(shape.length, 1));
  const kind = choice.below(9);
  if (kind === 0) return transpose(y, permutation(shape.length, choice));
  if (kind === 1) return reshape(y, otherShape(shape, choice));
  if (kind === 2) return flip(y, axesOf(shape, choice));
  const mask = less(other, 0.0123);
  if (kind === 3) return select(mask, y, fill(1, shape, dtype));
  if (kind === 4 && shape.length > 0) {
    const from = choice.below(shape[axis]!);
    return concatenate(
      [slice(y, { [axis]: [from, shape[axis]!] }), slice(y, { [axis]: [0, from] }), y],
      axis,
    );
  }
  if (kind === 5)
    return pad(
      y,
      shape.map((_, i) => (i === axis ? 2 : 0)),
      shape.map(() => 1),
      1,
    );
  if (dtype === "bool") return kind === 6 ? xor(y, mask) : and(y, or(mask, not(y)));
  if (dtype === "f16" || dtype === "bf16") return y;
  const others = cast(quantized(abs(bounded(other))), dtype);
  if (kind === 6) return choice.of([add, multiply, maximum, minimum, and, or])(y, others);
  if (kind === 7) return choice.of([sum, max])(y, axesOf(shape, choice), choice.below(2) === 0);
  if (shape.length === 0) return y;
  return choice.of([
    (t: Tensor) => cumulativeSum(t),
    (t: Tensor) => sort(t).values,
    (t: Tensor) => select(less(t, 3), t, 0),
  ])(y);
}
