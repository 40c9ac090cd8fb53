// The elementwise linear recurrence, the fast special case of `scan`.
import { apply, type Op, sizeOf, type Tensor } from "../tensor.ts";
import { multiply } from "./elementwise.ts";
import { fill } from "./leaf.ts";
import { concatenate, pad, reshape, slice } from "./movement.ts";

export interface LinearRecurrenceAttributes {
  /** Runs from the last place to the first. */
  readonly reverse: boolean;
}

/** a, b [B, T, D], initial [B, D] → h [B, T, D]. */
const linearRecurrenceOp: Op<LinearRecurrenceAttributes> = {
  name: "linearRecurrence",
  lowering: "kernel",
  infer: ([a, b, initial]) => {
    const fits =
      a!.shape.length === 3 &&
      b!.shape.length === 3 &&
      a!.shape.every((size, axis) => size === b!.shape[axis]) &&
      initial!.shape.length === 2 &&
      initial!.shape[0] === a!.shape[0] &&
      initial!.shape[1] === a!.shape[2] &&
      a!.shape[1]! > 0;
    if (!fits || [a, b, initial].some((type) => type!.dtype !== "f32")) {
      throw new RangeError(
        `linearRecurrence: ${a!.dtype} [${a!.shape}], ${b!.dtype} [${b!.shape}], initial ${initial!.dtype} ` +
          `[${initial!.shape}]; expected f32 [B, T, D] twice and [B, D]`,
      );
    }
    return [{ shape: a!.shape, dtype: "f32" }];
  },
  evaluate: ([a, b, initial], { reverse }) => {
    const [batch, length, width] = a!.shape as [number, number, number];
    const data = new Float64Array(sizeOf(a!.shape));
    for (let n = 0; n < batch; n++) {
      for (let d = 0; d < width; d++) {
        let state = initial!.data[n * width + d]!;
        for (let step = 0; step < length; step++) {
          const at = (n * length + (reverse ? length - 1 - step : step)) * width + d;
          state = a!.data[at]! * state + b!.data[at]!;
          data[at] = state;
        }
      }
    }
    return [{ shape: a!.shape, data }];
  },
  // With λ the gradient of each state: λ_t = g_t + a_{t+1}·λ_{t+1}, ∂b = λ, ∂a_t = λ_t·h_{t-1}, ∂initial = a_1·λ_1.
  gradient: (node, [g]) => {
    if (g === undefined) return [undefined, undefined, undefined];
    const { reverse } = node.attributes;
    const [a, , initial] = node.inputs as [Tensor, Tensor, Tensor];
    const [batch, length, width] = a.shape as [number, number, number];
    const h = node.outputs[0]!;
    const following = reverse
      ? pad(slice(a, { 1: [0, length - 1] }), [0, 1, 0], [0, 0, 0])
      : pad(slice(a, { 1: [1, length] }), [0, 0, 0], [0, 1, 0]);
    const adjoint = linearRecurrence(following, g, fill(0, initial.shape), { reverse: !reverse });
    const first = reshape(initial, [batch, 1, width]);
    const previous = reverse
      ? concatenate([slice(h, { 1: [1, length] }), first], 1)
      : concatenate([first, slice(h, { 1: [0, length - 1] })], 1);
    const start: readonly [number, number] = reverse ? [length - 1, length] : [0, 1];
    const dInitial = reshape(multiply(slice(a, { 1: start }), slice(adjoint, { 1: start })), initial.shape);
    return [multiply(adjoint, previous), adjoint, dInitial];
  },
  flops: (node) => 2 * sizeOf(node.outputs[0]!.shape),
  independent: () => ({ axes: 1, shared: [] }),
};

/**
 * h_t = a_t·h_{t-1} + b_t at every place along T (`reverse`: h_t = a_t·h_{t+1} + b_t from the end), starting from
 * `initial`: a, b [B, T, D], initial [B, D] → h [B, T, D].
 */
export function linearRecurrence(a: Tensor, b: Tensor, initial: Tensor, { reverse = false } = {}): Tensor {
  return apply(linearRecurrenceOp, [a, b, initial], { reverse });
}
