// DeltaNet: linear attention that writes the difference between a value and what the state says of its key. Yang et al.
// 2024, "Parallelizing Linear Transformers with the Delta Rule over Sequence Length", section 3.4.
// Queries and keys: short convolution, SiLU, length 1.
// B batch, T length, D width, H heads, K width of a head's keys, V of its values.

import { wholeNumber } from "../strict.ts";
import { sigmoid } from "../tensor/ops/elementwise.ts";
import type { Tensor } from "../tensor/tensor.ts";
import {
  type DeltaTokens,
  deltaTokens,
  deltaTokensStep,
  growingDeltaTokens,
  tailsOf,
  tailTypes,
} from "./deltaTokens.ts";
import { growingOutput, headsFollowing, refuseWiderHeads } from "./growth.ts";
import { evenHeadsOf, requireHeads } from "./heads.ts";
import { linearMap } from "./linear.ts";
import { deltaRule, deltaRuleStep } from "./matrixState/deltaRule.ts";
import { norm } from "./norm.ts";
import { definePrimitive, type Surroundings } from "./primitive.ts";
import { deltaNetInPyTorch } from "./pytorch/matrixStates.ts";
import { readOut } from "./readOut.ts";
import type { Scope } from "./scope.ts";

const HEAD_WIDTH = 128;

export const deltaNet = definePrimitive({
  name: "delta-net",
  settings: {
    /** H; default: as many as make heads of 128, or one. */
    heads: wholeNumber().optional(),
    /** Tokens the short convolutions see. */
    taps: wholeNumber(2).default(4),
  },
  resolve(settings, { width }, what) {
    const heads = settings.heads ?? evenHeadsOf(width, HEAD_WIDTH);
    requireHeads(what, "width", width, heads);
    return { ...settings, heads };
  },
  causal: () => true,
  apply: (settings, surroundings, scope, x) => run(settings, surroundings, scope, x).y,
  decoding: {
    mad: ({ heads }, { width }) => width * (width / heads!),
    state(settings, surroundings, batch) {
      const { width } = surroundings;
      const headWidth = width / settings.heads!;
      return {
        state: { shape: [batch, settings.heads!, headWidth, headWidth], dtype: "f32", initial: 0 },
        ...tailTypes(shapeOf(settings, surroundings), batch),
      };
    },
    step(settings, surroundings, scope, x, before) {
      const { tokens, tails } = deltaTokensStep(shapeOf(settings, surroundings), scope, x, before);
      const beta = betaOf(settings, surroundings, scope, x);
      const { y, state } = deltaRuleStep(tokens, beta, undefined, before.state!);
      return { y: mix(surroundings, scope, y), state: { state, ...tails } };
    },
    prefill(settings, surroundings, scope, x) {
      const { y, state, projected } = run(settings, surroundings, scope, x);
      return { y, state: { state, ...tailsOf(projected, settings.taps) } };
    },
  },
  pytorch: deltaNetInPyTorch,
  growth: {
    settings: ["heads"],
    declare: ({ heads, taps }, { width }) => ({
      sizes: { heads: heads!, keys: width / heads!, values: width / heads! },
      parameters: {
        ...growingDeltaTokens(taps),
        "beta.weight": { axes: "width, heads" },
        "readNorm.scale": { axes: "values" },
        ...growingOutput("heads values", false),
      },
    }),
    follow: headsFollowing,
    refuse: refuseWiderHeads,
  },
});

type Settings = Readonly<{ heads?: number | undefined; taps: number }>;

function shapeOf({ heads, taps }: Settings, { width, standardDeviation }: Surroundings): DeltaTokens {
  return { heads: heads!, keyWidth: width, valueWidth: width, taps, standardDeviation };
}

/** x [B, T, D] → y [B, T, D], the last state, and what enters the convolutions. */
function run(settings: Settings, surroundings: Surroundings, scope: Scope, x: Tensor) {
  const { tokens, projected } = deltaTokens(shapeOf(settings, surroundings), scope, x);
  const { out, state } = deltaRule(tokens, betaOf(settings, surroundings, scope, x), undefined);
  return { y: mix(surroundings, scope, out), state, projected };
}

/** How much of the difference is written, from 0 to 1: [..., H]. */
function betaOf({ heads }: Settings, { standardDeviation }: Surroundings, scope: Scope, x: Tensor): Tensor {
  const options = { width: heads!, bias: false, standardDeviation };
  return scope.observe("beta", sigmoid(linearMap(scope.within("beta"), x, options)));
}

/** What the heads read [..., H, V], each normalised → [..., D]. */
function mix(surroundings: Surroundings, scope: Scope, read: Tensor): Tensor {
  return readOut(surroundings, scope, norm("rms", scope.within("readNorm"), read), false);
}
