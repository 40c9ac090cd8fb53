// Griffin's recurrent block: a real-gated linear recurrent unit behind a short convolution, under a GELU gate.
// De et al. 2024, sections 2.3 and 2.4. B batch, T length, D width, E recurrent width, G blocks of the gates' matrices.

import { z } from "zod";
import { RequestError } from "../errors.ts";
import { wholeNumber } from "../strict.ts";
import { geluTanh, softplus } from "../tensor/composites/activation.ts";
import { matmul } from "../tensor/ops/contract.ts";
import {
  add,
  divide,
  exp,
  maximum,
  multiply,
  negate,
  sigmoid,
  sqrt,
  tanh,
} from "../tensor/ops/elementwise.ts";
import { fill } from "../tensor/ops/leaf.ts";
import { reshape, split, transpose } from "../tensor/ops/movement.ts";
import { linearRecurrence } from "../tensor/ops/recurrence.ts";
import { sizeOf, type Tensor } from "../tensor/tensor.ts";
import { growingConvolution, growingLinear, growingOutput } from "./growth.ts";
import { linearMap } from "./linear.ts";
import { definePrimitive, type Surroundings } from "./primitive.ts";
import { rgLruInPyTorch } from "./pytorch/gatedRecurrences.ts";
import type { Scope } from "./scope.ts";
import { convolutionTail, convolve, convolveStep, tailOf } from "./shortConvolution.ts";
import { lastToken } from "./tokenShift.ts";

/** c of equation 4. */
const SHARPNESS = 8;
/** The paper's number of blocks; also the most by default. */
const USUAL_BLOCKS = 16;

export const rgLru = definePrimitive({
  name: "rg-lru",
  settings: {
    /** E; default: 4/3 · width, rounded up to a multiple of 8. */
    recurrentWidth: wholeNumber().optional(),
    /** G, a divisor of E; default: the largest up to 16. */
    blocks: wholeNumber().optional(),
    /** Tokens the short convolution sees. */
    taps: wholeNumber(2).default(4),
    /** Of the projections in and out. */
    bias: z.boolean("expected true or false").default(false),
  },
  resolve(settings, { width }, what) {
    const recurrentWidth = settings.recurrentWidth ?? 8 * Math.ceil(width / 6);
    const usual = largestDivisor(recurrentWidth, USUAL_BLOCKS);
    const blocks = settings.blocks ?? usual;
    if (recurrentWidth % blocks !== 0) {
      throw new RequestError(
        `${what}: recurrentWidth ${recurrentWidth} is not divisible by blocks ${blocks}; expected a divisor, such as ` +
          `${largestDivisor(recurrentWidth, blocks)}`,
      );
    }
    return { ...settings, recurrentWidth, blocks };
  },
  causal: () => true,
  apply: (settings, surroundings, scope, x) => run(settings, surroundings, scope, x).y,
  decoding: {
    mad: ({ recurrentWidth }) => recurrentWidth!,
    state: ({ recurrentWidth, taps }, _, batch) => ({
      state: { shape: [batch, recurrentWidth!], dtype: "f32", initial: 0 },
      tail: convolutionTail(batch, recurrentWidth!, taps),
    }),
    step(settings, surroundings, scope, x, before) {
      const { inner, gate } = projectIn(settings, surroundings, scope, x);
      const convolution = { taps: settings.taps, bias: true };
      const { y: u, tail } = convolveStep(scope.within("convolution"), inner, before.tail!, convolution);
      const { decay, fed } = gates(settings, scope, u);
      const state = add(multiply(decay, before.state!), fed);
      return { y: projectOut(settings, surroundings, scope, state, gate), state: { state, tail } };
    },
    prefill(settings, surroundings, scope, x) {
      const { y, inner, states } = run(settings, surroundings, scope, x);
      return { y, state: { state: lastToken(states), tail: tailOf(inner, settings.taps) } };
    },
  },
  pytorch: rgLruInPyTorch,
  growth: {
    settings: ["recurrentWidth", "blocks"],
    declare({ recurrentWidth, blocks, taps, bias }) {
      const block = recurrentWidth! / blocks!;
      return {
        sizes: { blocks: blocks!, block, from: block },
        same: [["block", "from"]],
        parameters: {
          ...growingLinear("input", ["width", "2 blocks block"], { bias }),
          ...growingConvolution("convolution", taps, "blocks block", { bias: true }),
          "gates.weight": { axes: "blocks, from, 2 block", added: { from: "zero" } },
          "gates.bias": { axes: "blocks, 2 block" },
          decay: { axes: "blocks block" },
          ...growingOutput("blocks block", bias),
        },
      };
    },
  },
});

type Settings = Readonly<{
  recurrentWidth?: number | undefined;
  blocks?: number | undefined;
  taps: number;
  bias: boolean;
}>;

/** x [B, T, D] → y [B, T, D], what enters the convolution and all states [B, T, E]. */
function run(settings: Settings, surroundings: Surroundings, scope: Scope, x: Tensor) {
  const { inner, gate } = projectIn(settings, surroundings, scope, x);
  const u = convolve(scope.within("convolution"), inner, { taps: settings.taps, bias: true });
  const { decay, fed } = gates(settings, scope, scope.observe("convolved", u));
  const start = fill(0, [x.shape[0]!, inner.shape.at(-1)!]);
  const states = scope.observe("states", linearRecurrence(decay, fed, start));
  return { y: projectOut(settings, surroundings, scope, states, gate), inner, states };
}

/** x [..., D] → what is mixed over time and what gates it, [..., E]. */
function projectIn(
  { recurrentWidth, bias }: Settings,
  { standardDeviation }: Surroundings,
  scope: Scope,
  x: Tensor,
) {
  const wide = recurrentWidth!;
  const both = linearMap(scope.within("input"), x, { width: 2 * wide, bias, standardDeviation });
  const [inner, gate] = split(both, [wide, wide], -1) as [Tensor, Tensor];
  return { inner, gate };
}

/** u [..., E] → a and √(1 - a²)·i·u of equations 1 to 4, [..., E]. */
function gates({ recurrentWidth, blocks }: Settings, scope: Scope, u: Tensor) {
  const wide = recurrentWidth!;
  const { recurrence, entry } = blockwise(scope.within("gates"), u, blocks!);
  const parameter = scope.parameter("decay", {
    shape: [wide],
    // σ(parameter)^c, the decay of an open gate, is even between 0.9 and 0.999.
    initializer: { kind: "uniform", low: 0.9, high: 0.999, transform: decayParameter },
    role: "scale",
  });
  const logarithm = multiply(sigmoid(recurrence), multiply(softplus(negate(parameter)), -SHARPNESS));
  // 1 - e^(2x) = 2s / (1 + s) with s = tanh(-x): nothing cancels where a is near 1.
  const s = maximum(tanh(negate(logarithm)), 1e-12);
  const scale = sqrt(divide(multiply(s, 2), add(s, 1)));
  return { decay: exp(logarithm), fed: multiply(scale, multiply(sigmoid(entry), u)) };
}

/** x with σ(x)^c = `decay`. */
function decayParameter(decay: number): number {
  const root = decay ** (1 / SHARPNESS);
  return Math.log(root / (1 - root));
}

/** Both gates of u [..., E], before σ: one block-diagonal product. */
function blockwise(scope: Scope, u: Tensor, blocks: number) {
  const wide = u.shape.at(-1)!;
  const block = wide / blocks;
  const rows = sizeOf(u.shape) / wide;
  const weight = scope.parameter("weight", {
    shape: [blocks, block, 2 * block],
    initializer: { kind: "normal", standardDeviation: 1 / Math.sqrt(block) },
    role: "hidden",
  });
  const zeros = { kind: "constant", value: 0 } as const;
  const bias = scope.parameter("bias", { shape: [blocks, 2 * block], initializer: zeros, role: "bias" });
  const product = matmul(transpose(reshape(u, [rows, blocks, block]), [1, 0, 2]), weight);
  const both = add(transpose(product, [1, 0, 2]), bias);
  const [recurrence, entry] = split(both, [block, block], 2) as [Tensor, Tensor];
  return { recurrence: reshape(recurrence, u.shape), entry: reshape(entry, u.shape) };
}

/** States under the gate, [..., E] → [..., D]. */
function projectOut(
  { bias }: Settings,
  { width, standardDeviation }: Surroundings,
  scope: Scope,
  states: Tensor,
  gate: Tensor,
): Tensor {
  const gated = scope.observe("gated", multiply(states, geluTanh(gate)));
  return linearMap(scope.within("output"), gated, { width, bias, standardDeviation });
}

function largestDivisor(whole: number, most: number): number {
  let divisor = Math.min(whole, most);
  while (whole % divisor !== 0) divisor--;
  return divisor;
}
