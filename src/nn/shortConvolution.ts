// A learned causal convolution over a few neighbours, one filter for each feature, on whole sequences and token by token.
// B batch, T length, D width, K taps.
import { shortConvolution } from "../tensor/composites/shortConvolution.ts";
import { add, multiply } from "../tensor/ops/elementwise.ts";
import { concatenate, flip, pad, reshape, slice, split } from "../tensor/ops/movement.ts";
import { sum } from "../tensor/ops/reduce.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { StateType } from "./primitive.ts";
import type { Scope } from "./scope.ts";

export interface ConvolutionOptions {
  /** K, how many tokens an output sees: itself and those before it. */
  readonly taps: number;
  readonly bias: boolean;
}

/** x [B, T, D] → [B, T, D]; weights and bias from ±1/√K, as in PyTorch. */
export function convolve(scope: Scope, x: Tensor, options: ConvolutionOptions): Tensor {
  const { weight, bias } = filterOf(scope, x.shape.at(-1)!, options);
  const out = shortConvolution(x, weight);
  return bias === undefined ? out : add(out, bias);
}

/** The same in equal parts, [B, T, D / parts] each: a bias joins a part where it is read, and so costs no pass of its own. */
export function convolveInParts(
  scope: Scope,
  x: Tensor,
  options: ConvolutionOptions,
  parts: number,
): Tensor[] {
  const width = x.shape.at(-1)!;
  const { weight, bias } = filterOf(scope, width, options);
  const sizes = Array.from({ length: parts }, () => width / parts);
  const out = split(shortConvolution(x, weight), sizes, -1);
  if (bias === undefined) return out;
  return split(bias, sizes, -1).map((of, i) => add(out[i]!, of));
}

/** What the next tokens need of those before: the last K - 1, zeros before the first. */
export function convolutionTail(batch: number, width: number, taps: number): StateType {
  return { shape: [batch, taps - 1, width], dtype: "f32", initial: 0 };
}

/** One token x [B, D] after a tail [B, K - 1, D] → [B, D], and the next tail. */
export function convolveStep(scope: Scope, x: Tensor, tail: Tensor, options: ConvolutionOptions) {
  const [batch, width] = x.shape as [number, number];
  const { weight, bias } = filterOf(scope, width, options);
  const seen = concatenate([tail, reshape(x, [batch, 1, width])], 1);
  // Tap 0 multiplies the newest token, which stands last.
  const out = sum(multiply(seen, flip(weight, [0])), [1]);
  return { y: bias === undefined ? out : add(out, bias), tail: slice(seen, { 1: [1, options.taps] }) };
}

/** The tail that the tokens x [B, T, D] leave: [B, K - 1, D]. */
export function tailOf(x: Tensor, taps: number): Tensor {
  const length = x.shape[1]!;
  const kept = Math.min(taps - 1, length);
  return pad(slice(x, { 1: [length - kept, length] }), [0, taps - 1 - kept, 0], [0, 0, 0]);
}

/** weight [K, D], bias [D]. */
function filterOf(scope: Scope, width: number, { taps, bias }: ConvolutionOptions) {
  const bound = 1 / Math.sqrt(taps);
  const initializer = { kind: "uniform", low: -bound, high: bound } as const;
  return {
    weight: scope.parameter("weight", { shape: [taps, width], initializer, role: "scale" }),
    bias: bias ? scope.parameter("bias", { shape: [width], initializer, role: "bias" }) : undefined,
  };
}
