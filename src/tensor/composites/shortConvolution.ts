// Causal convolution over a few neighbours, one kernel for each feature, and its gradient as an op of its own.
// B batch, T length, D width, K taps.
import { add, multiply } from "../ops/elementwise.ts";
import { concatenate, pad, reshape, slice } from "../ops/movement.ts";
import { sum } from "../ops/reduce.ts";
import { apply, makeNode, type Op, sameShape, sizeOf, type Tensor, type TensorType } from "../tensor.ts";

/** x [B, T, D], kernel [K, D] → y [B, T, D]: y[t] = Σ_{s < K} kernel[s]·x[t-s]. */
const shortConvolutionOp: Op<undefined> = {
  name: "shortConvolution",
  lowering: "kernel",
  infer: ([x, kernel]) => {
    checkOperands("shortConvolution", x!, kernel!);
    return [x!];
  },
  decompose: ([x, kernel]) => [
    lags(x!, kernel!)
      .map((s) => multiply(delay(x!, s), tap(kernel!, s)))
      .reduce(add),
  ],
  gradient: (node, [g]) => {
    if (g === undefined) return [undefined, undefined];
    return shortConvolutionGradient(node.inputs[0]!, node.inputs[1]!, g);
  },
  flops: (node) => 2 * node.inputs[1]!.shape[0]! * sizeOf(node.inputs[0]!.shape),
  independent: () => ({ axes: 1, shared: [1] }),
};

/** x [B, T, D], kernel [K, D], g [B, T, D] → dx [B, T, D], dkernel [K, D]. */
const shortConvolutionGradientOp: Op<undefined> = {
  name: "shortConvolutionGradient",
  lowering: "kernel",
  infer: ([x, kernel, g]) => {
    checkOperands("shortConvolutionGradient", x!, kernel!);
    if (!sameShape(x!.shape, g!.shape)) {
      throw new RangeError(`shortConvolutionGradient: gradient [${g!.shape}] of a result [${x!.shape}]`);
    }
    return [x!, kernel!];
  },
  decompose: ([x, kernel, g]) => {
    const [taps, width] = kernel!.shape as [number, number];
    const used = lags(x!, kernel!);
    const dx = used.map((s) => multiply(advance(g!, s), tap(kernel!, s))).reduce(add);
    const rows = used.map((s) => reshape(sum(multiply(g!, delay(x!, s)), [0, 1]), [1, width]));
    return [dx, pad(concatenate(rows, 0), [0, 0], [taps - used.length, 0])];
  },
  flops: (node) => 4 * node.inputs[1]!.shape[0]! * sizeOf(node.inputs[0]!.shape),
};

function checkOperands(what: string, x: TensorType, kernel: TensorType): void {
  const fits =
    x.shape.length === 3 &&
    kernel.shape.length === 2 &&
    x.shape[2] === kernel.shape[1] &&
    kernel.shape[0]! > 0;
  if (!fits || x.dtype !== "f32" || kernel.dtype !== "f32") {
    throw new RangeError(
      `${what}: x ${x.dtype} [${x.shape}], kernel ${kernel.dtype} [${kernel.shape}]; expected f32 [B, T, D] and [K, D]`,
    );
  }
}

/** Delays that reach any place of x: beyond its length a tap multiplies only zeros. */
function lags(x: Tensor, kernel: Tensor): number[] {
  return Array.from({ length: Math.min(kernel.shape[0]!, x.shape[1]!) }, (_, s) => s);
}

/** x[t-s], with zeros before the start. */
function delay(x: Tensor, s: number): Tensor {
  return pad(slice(x, { 1: [0, x.shape[1]! - s] }), [0, s, 0], [0, 0, 0]);
}

/** x[t+s], with zeros after the end. */
function advance(x: Tensor, s: number): Tensor {
  return pad(slice(x, { 1: [s, x.shape[1]!] }), [0, 0, 0], [0, s, 0]);
}

/** Row s of the kernel, [1, D]. */
function tap(kernel: Tensor, s: number): Tensor {
  return slice(kernel, { 0: [s, s + 1] });
}

/** y[b, t, d] = Σ_{s < K} kernel[s, d]·x[b, t-s, d]: x [B, T, D], kernel [K, D] → [B, T, D]. */
export function shortConvolution(x: Tensor, kernel: Tensor): Tensor {
  return apply(shortConvolutionOp, [x, kernel], undefined);
}

/** Gradients of `shortConvolution` for x and kernel from the gradient of its result. */
export function shortConvolutionGradient(x: Tensor, kernel: Tensor, g: Tensor): readonly [Tensor, Tensor] {
  return makeNode(shortConvolutionGradientOp, [x, kernel, g], undefined).outputs as unknown as readonly [
    Tensor,
    Tensor,
  ];
}
