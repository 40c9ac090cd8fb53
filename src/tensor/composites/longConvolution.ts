// Causal convolution as long as its input, one kernel for each feature; by FFT where a backend has one. Romero et al.
// 2021; Poli et al. 2023 (Hyena), section 3.3. B batch, D width, T length.
import { einsum } from "../ops/contract.ts";
import { subtract } from "../ops/elementwise.ts";
import { gather } from "../ops/gather.ts";
import { iota } from "../ops/leaf.ts";
import { flip, reshape, transpose } from "../ops/movement.ts";
import { sum } from "../ops/reduce.ts";
import { apply, type Op, sizeOf, type Tensor } from "../tensor.ts";

/** x [B, D, T], kernel [1 or B, D, T] → y [B, D, T]: y[t] = Σ_{s ≤ t} kernel[s]·x[t-s]. */
const longConvolutionOp: Op<undefined> = {
  name: "longConvolution",
  lowering: "kernel",
  infer: ([x, kernel]) => {
    const [batch, width, length] = x!.shape;
    const [kernels, kernelWidth, kernelLength] = kernel!.shape;
    const fits =
      x!.shape.length === 3 &&
      kernel!.shape.length === 3 &&
      (kernels === 1 || kernels === batch) &&
      kernelWidth === width &&
      kernelLength === length;
    if (!fits || x!.dtype !== "f32" || kernel!.dtype !== "f32") {
      throw new RangeError(
        `longConvolution: x ${x!.dtype} [${x!.shape}], kernel ${kernel!.dtype} [${kernel!.shape}]; expected f32 ` +
          "[B, D, T] and [D, T], [1, D, T] or [B, D, T]",
      );
    }
    return [x!];
  },
  decompose: ([x, kernel]) => {
    const length = x!.shape[2]!;
    const lag = subtract(iota([length, length], 0), iota([length, length], 1));
    // Toeplitz matrices [T, T, kernels, D]: a negative lag is no row of the kernel and gives zero.
    const toeplitz = gather(transpose(kernel!, [2, 0, 1]), lag);
    if (kernel!.shape[0] !== 1) return [einsum("tsbd,bds->bdt", toeplitz, x!)];
    return [einsum("tsd,bds->bdt", reshape(toeplitz, [length, length, x!.shape[1]!]), x!)];
  },
  gradient: (node, [g], wanted) => {
    if (g === undefined) return [undefined, undefined];
    const [x, kernel] = node.inputs as [Tensor, Tensor];
    const late = flip(g, [2]);
    const dx = wanted[0] ? flip(longConvolution(late, kernel), [2]) : undefined;
    if (!wanted[1]) return [dx, undefined];
    const dKernels = flip(longConvolution(late, x), [2]);
    return [dx, kernel.shape[0] === x.shape[0] ? dKernels : sum(dKernels, [0], true)];
  },
  // Real transforms of twice the length (5/2·n·log₂n each) of x, the kernel and the product, and the product itself.
  flops: (node) => {
    const [x, kernel] = node.inputs as [Tensor, Tensor];
    const length = x.shape[2]!;
    const points = 2 ** Math.ceil(Math.log2(2 * length));
    const rows = sizeOf(x.shape) / length;
    const transforms = 2 * rows + sizeOf(kernel.shape) / length;
    return transforms * 2.5 * points * Math.log2(points) + rows * 3 * points;
  },
  independent: (node) =>
    node.inputs[0]!.shape[0] === node.inputs[1]!.shape[0]
      ? { axes: 2, shared: [] }
      : { axes: 1, shared: [1] },
};

/** y[b, d, t] = Σ_{s ≤ t} kernel[s]·x[b, d, t-s]: x [B, D, T], kernel [D, T] (or [1, D, T], or [B, D, T] of its own). */
export function longConvolution(x: Tensor, kernel: Tensor): Tensor {
  const batched = kernel.shape.length === 2 ? reshape(kernel, [1, ...kernel.shape]) : kernel;
  return apply(longConvolutionOp, [x, batched], undefined);
}
