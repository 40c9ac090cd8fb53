// Outer products of keys and values under one long causal convolution for each head, read by queries; no product is ever
// in memory where a backend has a kernel. Massaroli et al. 2023, "Laughing Hyena Distillery", section 4.
// B batch, T length, D width, H heads of width w.
import { multiply } from "../ops/elementwise.ts";
import { broadcastTo, reshape } from "../ops/movement.ts";
import { sum } from "../ops/reduce.ts";
import { apply, makeNode, type Op, sameShape, type Tensor, type TensorType } from "../tensor.ts";
import { longConvolution, longConvolutionGradient, transformFlops } from "./longConvolution.ts";

/** query, key, value [B, T, D], kernel [T, H] → y [B, T, D]. */
const headConvolutionOp: Op<undefined> = {
  name: "headConvolution",
  lowering: "kernel",
  infer: (inputs) => {
    checkOperands("headConvolution", inputs);
    return [inputs[0]!];
  },
  decompose: ([query, key, value, kernel]) => {
    const held = longConvolution(outer(value!, key!, kernel!), forPairs(kernel!, query!));
    return [reshape(sum(multiply(pairs(held, kernel!), onRows(query!, kernel!)), [3]), query!.shape)];
  },
  gradient: (node, [g]) => {
    if (g === undefined) return [undefined, undefined, undefined, undefined];
    return makeNode(headConvolutionGradientOp, [...node.inputs, g], undefined).outputs;
  },
  // There and back for each pair, the kernel's own, and the products around them.
  flops: ({ inputs: [query, , , kernel] }) => {
    const [length, heads, count] = sizesOf(query!, kernel!);
    return transformFlops(length, 2 * count + heads, count) + 3 * count * length;
  },
};

/** query, key, value [B, T, D], kernel [T, H], g [B, T, D] → the gradients of the first four. */
const headConvolutionGradientOp: Op<undefined> = {
  name: "headConvolutionGradient",
  lowering: "kernel",
  infer: (inputs) => {
    checkOperands("headConvolutionGradient", inputs);
    return inputs.slice(0, 4);
  },
  decompose: ([query, key, value, kernel, g]) => {
    const made = outer(value!, key!, kernel!);
    const filters = forPairs(kernel!, query!);
    const [dMade, dFilters] = longConvolutionGradient(made, filters, outer(query!, g!, kernel!));
    const held = pairs(longConvolution(made, filters), kernel!);
    const back = pairs(dMade, kernel!);
    const [length, heads] = kernel!.shape as [number, number];
    return [
      reshape(sum(multiply(held, onColumns(g!, kernel!)), [4]), query!.shape),
      reshape(sum(multiply(back, onRows(value!, kernel!)), [3]), query!.shape),
      reshape(sum(multiply(back, onColumns(key!, kernel!)), [4]), query!.shape),
      sum(reshape(dFilters, [length, heads, -1]), [2]),
    ];
  },
  // The products and their gradients there and back, the kernel and its gradient.
  flops: ({ inputs: [query, , , kernel] }) => {
    const [length, heads, count] = sizesOf(query!, kernel!);
    return transformFlops(length, 4 * count + 2 * heads, 3 * count) + 8 * count * length;
  },
};

function checkOperands(what: string, inputs: readonly TensorType[]): void {
  const [query, key, value, kernel, g = query] = inputs as [TensorType, TensorType, TensorType, TensorType];
  const [, length, width] = query.shape as [number, number, number];
  const fits =
    query.shape.length === 3 &&
    [key, value, g].every((one) => sameShape(one.shape, query.shape)) &&
    kernel.shape.length === 2 &&
    kernel.shape[0] === length &&
    width % kernel.shape[1]! === 0;
  if (!fits || inputs.some(({ dtype }) => dtype !== "f32")) {
    throw new RangeError(
      `${what}: ${inputs.map(({ dtype, shape }) => `${dtype} [${shape}]`).join(", ")}; expected f32 query, key, value ` +
        "[B, T, D] and kernel [T, H], H a divisor of D",
    );
  }
}

/** Length, heads, and sequences of pairs. */
function sizesOf(query: Tensor, kernel: Tensor): readonly [number, number, number] {
  const [batch, length, width] = query.shape as [number, number, number];
  const heads = kernel.shape[1]!;
  return [length, heads, (batch * width * width) / heads];
}

/** [B, T, D] → [B, T, H, w, 1]. */
function onRows(x: Tensor, kernel: Tensor): Tensor {
  const [batch, length, width] = x.shape as [number, number, number];
  const heads = kernel.shape[1]!;
  return reshape(x, [batch, length, heads, width / heads, 1]);
}

/** [B, T, D] → [B, T, H, 1, w]. */
function onColumns(x: Tensor, kernel: Tensor): Tensor {
  const [batch, length, width] = x.shape as [number, number, number];
  const heads = kernel.shape[1]!;
  return reshape(x, [batch, length, heads, 1, width / heads]);
}

/** [B, T, D] twice → [B, T, H·w·w]. */
function outer(rows: Tensor, columns: Tensor, kernel: Tensor): Tensor {
  const [batch, length] = rows.shape as [number, number];
  return reshape(multiply(onRows(rows, kernel), onColumns(columns, kernel)), [batch, length, -1]);
}

/** [B, T, H·w·w] → [B, T, H, w, w]. */
function pairs(x: Tensor, kernel: Tensor): Tensor {
  const [batch, length, count] = x.shape as [number, number, number];
  const heads = kernel.shape[1]!;
  const head = Math.sqrt(count / heads);
  return reshape(x, [batch, length, heads, head, head]);
}

/** kernel [T, H] → [T, H·w·w]. */
function forPairs(kernel: Tensor, query: Tensor): Tensor {
  const [length, heads] = kernel.shape as [number, number];
  const head = query.shape[2]! / heads;
  const wide = broadcastTo(reshape(kernel, [length, heads, 1]), [length, heads, head * head]);
  return reshape(wide, [length, heads * head * head]);
}

/**
 * y[b, t, h, j] = Σ_i query[b, t, h, i] · Σ_{s ≤ t} kernel[s, h]·value[b, t-s, h, i]·key[b, t-s, h, j]: query, key, value
 * [B, T, D] of H heads, kernel [T, H] → [B, T, D].
 */
export function headConvolution(query: Tensor, key: Tensor, value: Tensor, kernel: Tensor): Tensor {
  return apply(headConvolutionOp, [query, key, value, kernel], undefined);
}
