// The selective scan of Mamba, a recurrence whose steps, writing and reading each token chooses, and its gradient as an
// op of its own. Gu and Dao 2023, algorithm 2: the state is discretised, advanced and read in one pass, so that nothing
// of length × width × state is stored; the gradient computes the states again.
// B batch, T length, E width, N state, G groups of features.
import { decompositionGradients, vectorJacobian } from "../gradient.ts";
import { add, exp, multiply } from "../ops/elementwise.ts";
import { fill } from "../ops/leaf.ts";
import { broadcastTo, pad, reshape, slice, transpose } from "../ops/movement.ts";
import { sum } from "../ops/reduce.ts";
import { scan } from "../ops/scan.ts";
import { makeNode, type Op, sameShape, type Tensor, type TensorType } from "../tensor.ts";

/** Features over which the gradient op sums what belongs to all of them; the rest is summed by the graph. */
export const SCAN_GROUP = 64;

/** delta, u [B, T, E], rates [N, E], write, read [B, T, N] → y [B, T, E], the last state [B, N, E]. */
const selectiveScanOp: Op<undefined> = {
  name: "selectiveScan",
  lowering: "kernel",
  infer: (inputs) => {
    const { batch, width, states } = checkOperands("selectiveScan", inputs);
    return [inputs[0]!, { shape: [batch, states, width], dtype: "f32" }];
  },
  decompose: ([delta, u, rates, write, read]) => {
    const [batch, , width] = delta!.shape as [number, number, number];
    const shape = [batch, rates!.shape[0]!, width];
    return define(delta!, u!, broadcastTo(reshape(rates!, [1, ...shape.slice(1)]), shape), write!, read!);
  },
  gradient: (node, [dy, dState]) => {
    if (dy === undefined || dState !== undefined) return decompositionGradients(node, [dy, dState]);
    const [dDelta, du, dRates, dWrite, dRead] = makeNode(
      selectiveScanGradientOp,
      [...node.inputs, dy],
      undefined,
    ).outputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
    return [dDelta, du, sum(dRates, [0]), sum(dWrite, [1]), sum(dRead, [1])];
  },
  // Each state: decayed, by an exponential of a product, fed, and read.
  flops: ({ inputs }) => {
    const { batch, length, width, states } = sizesOf(inputs);
    return batch * length * width * (7 * states + 1);
  },
};

/**
 * delta, u [B, T, E], rates [N, E], write, read [B, T, N], dy [B, T, E] → dDelta, du [B, T, E], dRates of each sequence
 * [B, N, E], dWrite and dRead of each group of features [B, G, T, N].
 */
const selectiveScanGradientOp: Op<undefined> = {
  name: "selectiveScanGradient",
  lowering: "kernel",
  infer: (inputs) => {
    const { batch, length, width, states } = checkOperands("selectiveScanGradient", inputs);
    const perGroup = [batch, Math.ceil(width / SCAN_GROUP), length, states];
    const f32 = (shape: readonly number[]): TensorType => ({ shape, dtype: "f32" });
    const [delta] = inputs as [TensorType];
    return [delta, delta, f32([batch, states, width]), f32(perGroup), f32(perGroup)];
  },
  // The definition on groups of features as if they were sequences of their own.
  decompose: ([delta, u, rates, write, read, dy]) => {
    const [batch, length, width] = delta!.shape as [number, number, number];
    const states = rates!.shape[0]!;
    const channels = Math.min(width, SCAN_GROUP);
    const groups = Math.ceil(width / channels);
    const apart = (x: Tensor): Tensor => {
      const whole = pad(x, [0, 0, 0], [0, 0, groups * channels - width]);
      const parts = reshape(whole, [batch, x.shape[1]!, groups, channels]);
      return reshape(transpose(parts, [0, 2, 1, 3]), [batch * groups, x.shape[1]!, channels]);
    };
    const joined = (x: Tensor): Tensor => {
      const parts = transpose(reshape(x, [batch, groups, x.shape[1]!, channels]), [0, 2, 1, 3]);
      return slice(reshape(parts, [batch, x.shape[1]!, groups * channels]), { 2: [0, width] });
    };
    const shared = (x: Tensor): Tensor =>
      reshape(broadcastTo(reshape(x, [batch, 1, length, states]), [batch, groups, length, states]), [
        batch * groups,
        length,
        states,
      ]);
    const everywhere = broadcastTo(reshape(rates!, [1, states, width]), [batch, states, width]);
    const inputs = [apart(delta!), apart(u!), apart(everywhere), shared(write!), shared(read!)] as const;
    const cut = new Set(inputs.map((tensor) => tensor.node));
    const [dDelta, du, dRates, dWrite, dRead] = vectorJacobian([define(...inputs)[0]], [apart(dy!)], inputs, {
      cut,
    }) as [Tensor, Tensor, Tensor, Tensor, Tensor];
    const perGroup = (x: Tensor) => reshape(x, [batch, groups, length, states]);
    return [joined(dDelta), joined(du), joined(dRates), perGroup(dWrite), perGroup(dRead)];
  },
  // States twice again without reading, then 14 a state backwards.
  flops: ({ inputs }) => {
    const { batch, length, width, states } = sizesOf(inputs);
    return batch * length * width * (24 * states + 5);
  },
};

function sizesOf([delta, , rates]: readonly TensorType[]) {
  const [batch, length, width] = delta!.shape as [number, number, number];
  return { batch, length, width, states: rates!.shape[0]! };
}

function checkOperands(what: string, inputs: readonly TensorType[]) {
  const [delta, u, rates, write, read, dy] = inputs;
  const sizes = sizesOf(inputs);
  const { batch, length, width, states } = sizes;
  const perState = [batch, length, states];
  const fits =
    delta!.shape.length === 3 &&
    length > 0 &&
    states > 0 &&
    sameShape(u!.shape, delta!.shape) &&
    sameShape(rates!.shape, [states, width]) &&
    sameShape(write!.shape, perState) &&
    sameShape(read!.shape, perState) &&
    (dy === undefined || sameShape(dy.shape, delta!.shape));
  if (!fits || inputs.some(({ dtype }) => dtype !== "f32")) {
    throw new RangeError(
      `${what}: ${inputs.map(({ shape, dtype }) => `${dtype} [${shape}]`).join(", ")}; expected f32 delta and u ` +
        "[B, T, E], rates [N, E], write and read [B, T, N]",
    );
  }
  return sizes;
}

/** With rates [B, N, E], of each sequence its own. */
function define(delta: Tensor, u: Tensor, rates: Tensor, write: Tensor, read: Tensor): [Tensor, Tensor] {
  const [batch, states, width] = rates.shape as [number, number, number];
  const perFeature = (of: Tensor) => reshape(of, [batch, 1, width]);
  const perState = (of: Tensor) => reshape(of, [batch, states, 1]);
  const { carries, outputs } = scan(
    {
      length: delta.shape[1]!,
      carries: [fill(0, rates.shape)],
      sequences: [delta, u, write, read].map((of) => transpose(of, [1, 0, 2])),
      constants: [rates],
    },
    ([h], [delta, u, write, read], [rates]) => {
      const decay = exp(multiply(perFeature(delta!), rates!));
      const fed = multiply(perFeature(multiply(delta!, u!)), perState(write!));
      const next = add(multiply(decay, h!), fed);
      return { carries: [next], outputs: [sum(multiply(next, perState(read!)), [1])] };
    },
  );
  return [transpose(outputs[0]!, [1, 0, 2]), carries[0]!];
}

/** What the scan runs over: E features with N states each. */
export interface SelectiveScanInputs {
  /** Step sizes Δ [B, T, E]. */
  readonly delta: Tensor;
  /** What goes in, [B, T, E]. */
  readonly u: Tensor;
  /** A [N, E]. */
  readonly rates: Tensor;
  /** What each token writes to the states and reads them with (the paper's B and C), [B, T, N]. */
  readonly write: Tensor;
  readonly read: Tensor;
}

/**
 * h_t = exp(Δ_t·A)·h_{t-1} + Δ_t·u_t·write_t from h = 0, y_t = Σ_N read_t·h_t: y [B, T, E], and the state [B, N, E] after
 * the last token. Gu and Dao 2023, algorithm 2.
 */
export function selectiveScan({ delta, u, rates, write, read }: SelectiveScanInputs): {
  readonly y: Tensor;
  readonly state: Tensor;
} {
  const [y, state] = makeNode(selectiveScanOp, [delta, u, rates, write, read], undefined).outputs as [
    Tensor,
    Tensor,
  ];
  return { y, state };
}
