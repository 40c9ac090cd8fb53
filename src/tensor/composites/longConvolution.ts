// Causal convolution as long as its input, one kernel for each feature, and its gradient as an op of its own; by FFT where
// a backend has one. Romero et al. 2021; Poli et al. 2023 (Hyena), section 3.3. B batch, T length, D width.
import { einsum } from "../ops/contract.ts";
import { add, subtract } from "../ops/elementwise.ts";
import { gather } from "../ops/gather.ts";
import { iota } from "../ops/leaf.ts";
import { transpose } from "../ops/movement.ts";
import { apply, makeNode, type Op, sameShape, sizeOf, type Tensor, type TensorType } from "../tensor.ts";

/** x [B, T, D], kernel [T, D] → y [B, T, D]: y[t] = Σ_{s ≤ t} kernel[s]·x[t-s]. */
const longConvolutionOp: Op<undefined> = {
  name: "longConvolution",
  lowering: "kernel",
  infer: ([x, kernel]) => {
    checkOperands("longConvolution", x!, kernel!);
    return [x!];
  },
  decompose: ([x, kernel]) => [einsum("tsd,bsd->btd", toeplitz(kernel!), x!)],
  gradient: (node, [g]) => {
    if (g === undefined) return [undefined, undefined];
    return longConvolutionGradient(node.inputs[0]!, node.inputs[1]!, g);
  },
  // Of x, the kernel and the product.
  flops: ({ inputs: [x, kernel] }) => {
    const [rows, kernels] = rowsOf(x!, kernel!);
    return transformFlops(x!.shape[1]!, 2 * rows + kernels, rows);
  },
  independent: () => ({ axes: 1, shared: [1] }),
};

/** x [B, T, D], kernel [T, D], g [B, T, D] → dx [B, T, D], dkernel [T, D]. */
const longConvolutionGradientOp: Op<undefined> = {
  name: "longConvolutionGradient",
  lowering: "kernel",
  infer: ([x, kernel, g]) => {
    checkOperands("longConvolutionGradient", x!, kernel!);
    if (!sameShape(x!.shape, g!.shape)) {
      throw new RangeError(`longConvolutionGradient: gradient [${g!.shape}] of a result [${x!.shape}]`);
    }
    return [x!, kernel!];
  },
  decompose: ([x, kernel, g]) => [
    einsum("tsd,btd->bsd", toeplitz(kernel!), g!),
    einsum("tsbd,btd->sd", toeplitz(transpose(x!, [1, 0, 2])), g!),
  ],
  // Both outputs are bilinear, so what flows back are convolutions and correlations again.
  gradient: ({ inputs }, [ofX, ofKernel]) => {
    const [x, kernel, g] = inputs as [Tensor, Tensor, Tensor];
    const terms: Tensor[] = [];
    if (ofX !== undefined) terms.push(longConvolution(ofX, kernel));
    if (ofKernel !== undefined) terms.push(longConvolution(x, ofKernel));
    return [
      ofKernel && longConvolutionGradient(x, ofKernel, g)[0],
      ofX && longConvolutionGradient(ofX, kernel, g)[1],
      terms.length === 0 ? undefined : terms.reduce(add),
    ];
  },
  // Of x, g, dx, the kernel and its gradient.
  flops: ({ inputs: [x, kernel] }) => {
    const [rows, kernels] = rowsOf(x!, kernel!);
    return transformFlops(x!.shape[1]!, 3 * rows + 2 * kernels, 2 * rows);
  },
};

function checkOperands(what: string, x: TensorType, kernel: TensorType): void {
  const fits = x.shape.length === 3 && sameShape(x.shape.slice(1), kernel.shape);
  if (!fits || x.dtype !== "f32" || kernel.dtype !== "f32") {
    throw new RangeError(
      `${what}: x ${x.dtype} [${x.shape}], kernel ${kernel.dtype} [${kernel.shape}]; expected f32 [B, T, D] and [T, D]`,
    );
  }
}

/** rows [T, …] → [T, T, …]: row t - s at t, s; a negative lag is no row and gives zero. */
function toeplitz(rows: Tensor): Tensor {
  const length = rows.shape[0]!;
  return gather(rows, subtract(iota([length, length], 0), iota([length, length], 1)));
}

/** Sequences of one feature in x and in the kernel. */
function rowsOf(x: Tensor, kernel: Tensor): readonly [number, number] {
  const length = x.shape[1]!;
  return [sizeOf(x.shape) / length, sizeOf(kernel.shape) / length];
}

/** Real transforms of twice the length (5/2·n·log₂n each) and products of them. */
export function transformFlops(length: number, transforms: number, products: number): number {
  const points = 2 ** Math.ceil(Math.log2(2 * length));
  return transforms * 2.5 * points * Math.log2(points) + products * 3 * points;
}

/** y[b, t, d] = Σ_{s ≤ t} kernel[s, d]·x[b, t-s, d]: x [B, T, D], kernel [T, D] → [B, T, D]. */
export function longConvolution(x: Tensor, kernel: Tensor): Tensor {
  return apply(longConvolutionOp, [x, kernel], undefined);
}

/** Gradients of `longConvolution` for x and kernel from the gradient of its result. */
export function longConvolutionGradient(x: Tensor, kernel: Tensor, g: Tensor): readonly [Tensor, Tensor] {
  return makeNode(longConvolutionGradientOp, [x, kernel, g], undefined).outputs as unknown as readonly [
    Tensor,
    Tensor,
  ];
}
