// Mamba-2: the state space dual layer, whose state fades by one number for each head and token, behind a short convolution
// and under a gate. Dao and Gu 2024, sections 6 and 7.1; one group: all heads share what writes and reads.
// B batch, T length, D width, E inner width, H heads, P width of a head, N state.

import { RequestError } from "../errors.ts";
import { wholeNumber } from "../strict.ts";
import { silu, softplus } from "../tensor/composites/activation.ts";
import { add, exp, multiply, negate } from "../tensor/ops/elementwise.ts";
import { broadcastTo, reshape, split } from "../tensor/ops/movement.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { growingConvolution, growingLinear } from "./growth.ts";
import { joinHeads, splitHeads } from "./heads.ts";
import { linearMap } from "./linear.ts";
import { headDecay, headDecayStep } from "./matrixState/headDecay.ts";
import { norm } from "./norm.ts";
import { definePrimitive, type Surroundings } from "./primitive.ts";
import { mamba2InPyTorch } from "./pytorch/stateSpaces.ts";
import type { Scope } from "./scope.ts";
import { convolutionTail, convolve, convolveStep, tailOf } from "./shortConvolution.ts";
import { stepBias } from "./stepBias.ts";

const HEAD_WIDTH = 64;

export const mamba2 = definePrimitive({
  name: "mamba2",
  settings: {
    /** E / D. */
    expand: wholeNumber().default(2),
    /** P, a divisor of E; default: 64, or E where that is smaller. */
    headWidth: wholeNumber().optional(),
    /** N, numbers carried for every inner feature. */
    state: wholeNumber().default(128),
    /** Tokens the short convolution sees. */
    taps: wholeNumber(2).default(4),
  },
  resolve(settings, { width }, what) {
    const wide = settings.expand * width;
    const headWidth = settings.headWidth ?? Math.min(HEAD_WIDTH, wide);
    if (wide % headWidth !== 0) {
      throw new RequestError(
        `${what}: inner width ${wide} (expand ${settings.expand} times width ${width}) is not divisible by ` +
          `headWidth ${headWidth}; expected a divisor of it`,
      );
    }
    return { ...settings, headWidth };
  },
  causal: () => true,
  apply: (settings, surroundings, scope, x) => run(settings, surroundings, scope, x).y,
  decoding: {
    mad: ({ expand, state }, { width }) => expand * width * state,
    state({ expand, headWidth, state, taps }, { width }, batch) {
      const wide = expand * width;
      return {
        state: { shape: [batch, wide / headWidth!, state, headWidth!], dtype: "f32", initial: 0 },
        tail: convolutionTail(batch, wide + 2 * state, taps),
      };
    },
    step(settings, surroundings, scope, x, before) {
      const { gate, mixed, steps } = projectIn(settings, surroundings, scope, x);
      const convolution = { taps: settings.taps, bias: true };
      const { y: near, tail } = convolveStep(scope.within("convolution"), mixed, before.tail!, convolution);
      const { tokens, u, logDecay } = select(settings, surroundings, scope, silu(near), steps);
      const { y, state } = headDecayStep(tokens, exp(logDecay), before.state!);
      return { y: projectOut(surroundings, scope, y, u, gate), state: { state, tail } };
    },
    prefill(settings, surroundings, scope, x) {
      const { y, mixed, state } = run(settings, surroundings, scope, x);
      return { y, state: { state, tail: tailOf(mixed, settings.taps) } };
    },
  },
  pytorch: mamba2InPyTorch,
  growth: {
    settings: ["state"],
    declare: ({ expand, headWidth, state, taps }, { width }) => ({
      sizes: { heads: (expand * width) / headWidth!, inside: headWidth!, written: state, read: state },
      same: [["written", "read"]],
      parameters: {
        // All heads are normalised together: with copies of all of them, the mean of their squares stays.
        ...growingLinear("input", ["width", "heads inside + heads inside + written + read + heads"], {
          bias: false,
          added: { written: "zero", heads: "copy" },
        }),
        ...growingConvolution("convolution", taps, "heads inside + written + read", {
          bias: true,
          added: { written: "zero", heads: "copy" },
        }),
        "step.bias": { axes: "heads", added: { heads: "copy" } },
        rates: { axes: "heads", added: { heads: "copy" } },
        skip: { axes: "heads", added: { heads: "copy" } },
        "readNorm.scale": { axes: "heads inside", added: { heads: "copy" } },
        "output.weight": { axes: "heads inside, width", added: { heads: "share", width: "output" } },
      },
    }),
    refuse: ({ surroundings: { width } }, { surroundings: after }) =>
      after.width % width === 0
        ? undefined
        : `all its heads are normalised together, and copies of all of them keep that; expected a multiple of ${width}`,
  },
});

type Settings = Readonly<{ expand: number; headWidth?: number | undefined; state: number; taps: number }>;

/** x [B, T, D] → y [B, T, D], what enters the convolution [B, T, E + 2N], the last state [B, H, N, P]. */
function run(settings: Settings, surroundings: Surroundings, scope: Scope, x: Tensor) {
  const { gate, mixed, steps } = projectIn(settings, surroundings, scope, x);
  const convolution = { taps: settings.taps, bias: true };
  const near = scope.observe("convolved", silu(convolve(scope.within("convolution"), mixed, convolution)));
  const { tokens, u, logDecay } = select(settings, surroundings, scope, near, steps);
  const { out, state } = headDecay(tokens, logDecay);
  return { y: projectOut(surroundings, scope, out, u, gate), mixed, state };
}

/** x [..., D] → the gate [..., E], what goes through the convolution [..., E + 2N], and step sizes [..., H] to be. */
function projectIn(
  { expand, headWidth, state }: Settings,
  { width, standardDeviation }: Surroundings,
  scope: Scope,
  x: Tensor,
) {
  const wide = expand * width;
  const sizes = [wide, wide + 2 * state, wide / headWidth!];
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const all = linearMap(scope.within("input"), x, { width: total, bias: false, standardDeviation });
  const [gate, mixed, steps] = split(all, sizes, -1) as [Tensor, Tensor, Tensor];
  return { gate, mixed, steps };
}

/** What left the convolution [..., E + 2N] → tokens of the recurrence, their features u [..., H, P], log decays [..., H]. */
function select(
  { expand, headWidth, state }: Settings,
  { width }: Surroundings,
  scope: Scope,
  near: Tensor,
  steps: Tensor,
) {
  const wide = expand * width;
  const heads = wide / headWidth!;
  const [features, write, read] = split(near, [wide, state, state], -1) as [Tensor, Tensor, Tensor];
  const delta = scope.observe("delta", softplus(add(steps, stepBias(scope.within("step"), heads))));
  const rates = scope.parameter("rates", {
    shape: [heads],
    initializer: { kind: "uniform", low: 1, high: 16, transform: Math.log },
    role: "scale",
  });
  const u = splitHeads(features, heads);
  const values = multiply(u, reshape(delta, [...delta.shape, 1]));
  const tokens = { queries: splitHeads(read, 1), keys: splitHeads(write, 1), values };
  return { tokens, u, logDecay: multiply(delta, negate(exp(rates))) };
}

/** What was read, and u, both [..., H, P], under the gate [..., E] → [..., D]. */
function projectOut(
  { width, standardDeviation }: Surroundings,
  scope: Scope,
  read: Tensor,
  u: Tensor,
  gate: Tensor,
): Tensor {
  const heads = u.shape.at(-2)!;
  const ones = { kind: "constant", value: 1 } as const;
  const skip = scope.parameter("skip", { shape: [heads], initializer: ones, role: "scale" });
  const perFeature = reshape(broadcastTo(reshape(skip, [heads, 1]), u.shape.slice(-2)), [-1]);
  const found = add(joinHeads(read), multiply(joinHeads(u), perFeature));
  const gated = scope.observe("gated", norm("rms", scope.within("readNorm"), multiply(found, silu(gate))));
  return linearMap(scope.within("output"), gated, { width, bias: false, standardDeviation });
}
