// A value that may not be used early: the mark that keeps a second computation apart from the first. Knows no memory.
import { apply, type Op, sizeOf, type Tensor } from "../tensor.ts";
import { reshape, slice } from "./movement.ts";

const holdOp: Op<undefined> = {
  name: "hold",
  lowering: "kernel",
  infer: ([x, after]) => {
    if (after!.shape.length !== 0) throw new RangeError(`hold: after [${after!.shape}]; expected one number`);
    return [x!];
  },
  evaluate: ([x]) => [x!],
  gradient: (_, [g]) => [g, undefined],
  flops: () => 0,
};

/**
 * `x` itself, but only once `after` (of any shape) is known: what is computed from the result is not taken for an equal
 * computation on `x`, and does not begin before.
 */
export function hold(x: Tensor, after: Tensor): Tensor {
  if (sizeOf(after.shape) === 0)
    throw new RangeError(`hold: after [${after.shape}]; expected a value to wait for`);
  const first = slice(after, Object.fromEntries(after.shape.map((_, axis) => [axis, [0, 1] as const])));
  return apply(holdOp, [x, reshape(first, [])], undefined);
}
