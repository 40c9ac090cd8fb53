// RWKV-5's time mixing (Eagle): a matrix state whose rows fade at learned rates, read before it is written, with a bonus
// for a token's own value. Peng et al. 2024, section 4.1. B batch, T length, D width, H heads, K width of a head.

import { wholeNumber } from "../strict.ts";
import { reshape } from "../tensor/ops/movement.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { headsFollowing, refuseWiderHeads } from "./growth.ts";
import { evenHeadsOf, requireHeads, splitHeads } from "./heads.ts";
import { linearMap } from "./linear.ts";
import { channelDecay, channelDecayStep } from "./matrixState/channelDecay.ts";
import type { Tokens } from "./matrixState/chunks.ts";
import { definePrimitive, type Surroundings } from "./primitive.ts";
import { rwkv5InPyTorch } from "./pytorch/rwkv.ts";
import { bonusOf, decayOf, decayRate, growingHeads, headsState, mixHeads } from "./rwkvHeads.ts";
import type { Scope } from "./scope.ts";
import { lastToken, mixTokens, shareByFeature, shifted } from "./tokenShift.ts";

const HEAD_WIDTH = 64;

export const rwkv5Time = definePrimitive({
  name: "rwkv5-time",
  settings: {
    /** H; default: as many as make heads of 64, or one. */
    heads: wholeNumber().optional(),
  },
  resolve(settings, { width }, what) {
    const heads = settings.heads ?? evenHeadsOf(width, HEAD_WIDTH);
    requireHeads(what, "width", width, heads);
    return { heads };
  },
  causal: () => true,
  apply: ({ heads }, surroundings, scope, x) => run(heads!, surroundings, scope, x).y,
  decoding: {
    ...headsState,
    step(settings, surroundings, scope, x, before) {
      const heads = settings.heads!;
      const { width } = surroundings;
      const { tokens, gate } = project(heads, surroundings, scope, x, before.previous!);
      const decay = decayOf(reshape(decayRate(scope, width), [1, width]), heads);
      const { y, state } = channelDecayStep(tokens, decay, bonusOf(scope, width, heads), before.state!);
      return { y: mixHeads(surroundings, scope, y, gate), state: { previous: x, state } };
    },
    prefill: ({ heads }, surroundings, scope, x) => run(heads!, surroundings, scope, x),
  },
  pytorch: rwkv5InPyTorch,
  growth: {
    settings: ["heads"],
    declare: ({ heads }, { width }) => ({
      sizes: { heads: heads!, keys: width / heads! },
      parameters: growingHeads,
    }),
    follow: headsFollowing,
    refuse: refuseWiderHeads,
  },
});

/** x [B, T, D] → y [B, T, D] and the state after the last token. */
function run(heads: number, surroundings: Surroundings, scope: Scope, x: Tensor) {
  const { width } = surroundings;
  const { tokens, gate } = project(heads, surroundings, scope, x, shifted(x));
  const decay = decayOf(reshape(decayRate(scope, width), [1, 1, width]), heads);
  const { out, state } = channelDecay(tokens, decay, bonusOf(scope, width, heads));
  return { y: mixHeads(surroundings, scope, out, gate), state: { previous: lastToken(x), state } };
}

/** x and the tokens before [..., D] → queries, keys and values [..., H, K], and the gate [..., D]. */
function project(
  heads: number,
  { width, standardDeviation }: Surroundings,
  scope: Scope,
  x: Tensor,
  before: Tensor,
): { readonly tokens: Tokens; readonly gate: Tensor } {
  const projection = (name: string, exponent: number): Tensor => {
    const of = scope.within(name);
    const mixed = mixTokens(x, before, shareByFeature(of, width, exponent));
    return scope.observe(name, linearMap(of, mixed, { width, bias: false, standardDeviation }));
  };
  return {
    tokens: {
      queries: splitHeads(projection("receptance", 0.5), heads),
      keys: splitHeads(projection("key", 1), heads),
      values: splitHeads(projection("value", 1), heads),
    },
    gate: projection("gate", 0.5),
  };
}
