// Mamba's selective state space block: gated, behind a short convolution, with a step size of its own for every token.
// Gu and Dao 2023, algorithm 2 and section 3.4. B batch, T length, D width, E inner width, N state, R rank of the steps.

import { z } from "zod";
import { wholeNumber } from "../strict.ts";
import { silu, softplus } from "../tensor/composites/activation.ts";
import { selectiveScan } from "../tensor/composites/selectiveScan.ts";
import { linear } from "../tensor/ops/contract.ts";
import { add, exp, multiply, negate } from "../tensor/ops/elementwise.ts";
import { reshape, split } from "../tensor/ops/movement.ts";
import { sum } from "../tensor/ops/reduce.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { growingConvolution, growingLinear, growingOutput } from "./growth.ts";
import { linearMap } from "./linear.ts";
import { definePrimitive, type Surroundings } from "./primitive.ts";
import { mambaInPyTorch } from "./pytorch/stateSpaces.ts";
import type { Scope } from "./scope.ts";
import { convolutionTail, convolve, convolveStep, tailOf } from "./shortConvolution.ts";
import { stepBias } from "./stepBias.ts";

export const mamba = definePrimitive({
  name: "mamba",
  settings: {
    /** E / D. */
    expand: wholeNumber().default(2),
    /** N, numbers carried for every inner feature. */
    state: wholeNumber().default(16),
    /** Tokens the short convolution sees. */
    taps: wholeNumber(2).default(4),
    /** R; default: D / 16, rounded up. */
    rank: wholeNumber().optional(),
    /** Of the projections in and out. */
    bias: z.boolean("expected true or false").default(false),
  },
  resolve: (settings, { width }) => ({ ...settings, rank: settings.rank ?? Math.ceil(width / 16) }),
  causal: () => true,
  apply: (settings, surroundings, scope, x) => run(settings, surroundings, scope, x).y,
  decoding: {
    mad: ({ expand, state }, { width }) => expand * width * state,
    state: ({ expand, state, taps }, { width }, batch) => ({
      state: { shape: [batch, state, expand * width], dtype: "f32", initial: 0 },
      tail: convolutionTail(batch, expand * width, taps),
    }),
    step(settings, surroundings, scope, x, before) {
      const { inner, gate } = projectIn(settings, surroundings, scope, x);
      const convolution = { taps: settings.taps, bias: true };
      const { y: near, tail } = convolveStep(scope.within("convolution"), inner, before.tail!, convolution);
      const u = silu(near);
      const rates = ratesOf(settings, scope, u.shape.at(-1)!);
      const { next, read } = advance(before.state!, select(settings, scope, u), u, rates);
      return { y: projectOut(settings, surroundings, scope, read, u, gate), state: { state: next, tail } };
    },
    prefill(settings, surroundings, scope, x) {
      const { y, inner, state } = run(settings, surroundings, scope, x);
      return { y, state: { state, tail: tailOf(inner, settings.taps) } };
    },
  },
  pytorch: mambaInPyTorch,
  growth: {
    settings: ["expand", "state", "rank"],
    declare: ({ expand, state, taps, rank, bias }, { width }) => ({
      sizes: { inner: expand * width, rank: rank!, states: state, written: state, read: state },
      same: [["states", "written", "read"]],
      parameters: {
        ...growingLinear("input", ["width", "2 inner"], { bias }),
        ...growingConvolution("convolution", taps, "inner", { bias: true }),
        // What a new feature is cannot change what tokens choose, and new state is not written yet.
        "select.weight": { axes: "inner, rank + written + read", added: { inner: "zero", written: "zero" } },
        "step.weight": { axes: "rank, inner", added: { rank: "zero" } },
        "step.bias": { axes: "inner" },
        rates: { axes: "states, inner" },
        skip: { axes: "inner" },
        ...growingOutput("inner", bias),
      },
    }),
  },
});

type Settings = Readonly<{
  expand: number;
  state: number;
  taps: number;
  rank?: number | undefined;
  bias: boolean;
}>;

/** What a token chooses: its step [..., E], what it writes and reads with [..., N]. */
interface Selection {
  readonly delta: Tensor;
  readonly write: Tensor;
  readonly read: Tensor;
}

/** x [B, T, D] → y [B, T, D], what enters the convolution [B, T, E], the last state [B, N, E]. */
function run(settings: Settings, surroundings: Surroundings, scope: Scope, x: Tensor) {
  const { inner, gate } = projectIn(settings, surroundings, scope, x);
  const convolution = { taps: settings.taps, bias: true };
  const u = scope.observe("convolved", silu(convolve(scope.within("convolution"), inner, convolution)));
  const { y: found, state } = selectiveScan({
    ...select(settings, scope, u),
    u,
    rates: ratesOf(settings, scope, inner.shape.at(-1)!),
  });
  const y = projectOut(settings, surroundings, scope, scope.observe("found", found), u, gate);
  return { y, inner, state };
}

/** x [..., D] → what is mixed over time and what gates it, [..., E]. */
function projectIn({ expand, bias }: Settings, surroundings: Surroundings, scope: Scope, x: Tensor) {
  const { width, standardDeviation } = surroundings;
  const wide = expand * width;
  const both = linearMap(scope.within("input"), x, { width: 2 * wide, bias, standardDeviation });
  const [inner, gate] = split(both, [wide, wide], -1) as [Tensor, Tensor];
  return { inner, gate };
}

/** u [..., E] → each token's choice. */
function select({ rank, state }: Settings, scope: Scope, u: Tensor): Selection {
  const wide = u.shape.at(-1)!;
  const both = linear(u, evenWeight(scope.within("select"), wide, rank! + 2 * state));
  const [low, write, read] = split(both, [rank!, state, state], -1) as [Tensor, Tensor, Tensor];
  const steps = scope.within("step");
  const delta = scope.observe(
    "delta",
    softplus(add(linear(low, evenWeight(steps, rank!, wide)), stepBias(steps, wide))),
  );
  return { delta, write, read };
}

/** A matrix [K, P] from ±1/√K, as PyTorch's. */
function evenWeight(scope: Scope, from: number, to: number): Tensor {
  const bound = 1 / Math.sqrt(from);
  const initializer = { kind: "uniform", low: -bound, high: bound } as const;
  return scope.parameter("weight", { shape: [from, to], initializer, role: "hidden" });
}

/** A = -exp(parameter), [N, E]; at the start -1, -2, … -N. */
function ratesOf({ state }: Settings, scope: Scope, wide: number): Tensor {
  const logarithms = scope.parameter("rates", {
    shape: [state, wide],
    initializer: { kind: "values", at: (place) => Math.log(1 + Math.floor(place / wide)) },
    role: "scale",
  });
  return negate(exp(logarithms));
}

/** One token's move, u [B, E], h [B, N, E], rates [N, E]: h' = exp(Δ·A)·h + (Δ·B)·u, read C·h' [B, E]. */
function advance(h: Tensor, { delta, write, read }: Selection, u: Tensor, rates: Tensor) {
  const [batch, states, wide] = h.shape as [number, number, number];
  const perFeature = (of: Tensor) => reshape(of, [batch, 1, wide]);
  const perState = (of: Tensor) => reshape(of, [batch, states, 1]);
  const decay = exp(multiply(perFeature(delta), rates));
  const fed = multiply(perFeature(multiply(delta, u)), perState(write));
  const next = add(multiply(decay, h), fed);
  return { next, read: sum(multiply(next, perState(read)), [1]) };
}

/** What was read of the state, and u, both [..., E], under the gate → [..., D]. */
function projectOut(
  { bias }: Settings,
  { width, standardDeviation }: Surroundings,
  scope: Scope,
  read: Tensor,
  u: Tensor,
  gate: Tensor,
): Tensor {
  const ones = { kind: "constant", value: 1 } as const;
  const skip = scope.parameter("skip", { shape: [u.shape.at(-1)!], initializer: ones, role: "scale" });
  const gated = scope.observe("gated", multiply(add(read, multiply(u, skip)), silu(gate)));
  return linearMap(scope.within("output"), gated, { width, bias, standardDeviation });
}
