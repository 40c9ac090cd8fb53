// Gated linear attention: a matrix state whose rows fade by what each token decides, under an output gate. Yang et al.
// 2023, section 4.4. B batch, T length, D width, H heads, K width of all keys, V of all values.

import { positiveNumber, wholeNumber } from "../strict.ts";
import { softplus } from "../tensor/composites/activation.ts";
import { exp, multiply, negate } from "../tensor/ops/elementwise.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { growingLinear } from "./growth.ts";
import { headsOf, requireHeads, splitHeads } from "./heads.ts";
import { linearMap } from "./linear.ts";
import { channelDecay, channelDecayStep } from "./matrixState/channelDecay.ts";
import type { Tokens } from "./matrixState/chunks.ts";
import { norm } from "./norm.ts";
import { definePrimitive, type Surroundings } from "./primitive.ts";
import { gatedLinearAttentionInPyTorch } from "./pytorch/matrixStates.ts";
import { gatedReadOut } from "./readOut.ts";
import type { Scope } from "./scope.ts";

export const gatedLinearAttention = definePrimitive({
  name: "gated-linear-attention",
  settings: {
    heads: wholeNumber().default(4),
    /** Width of all heads' keys; default: half of D, rounded to a multiple of the heads. */
    keyWidth: wholeNumber().optional(),
    /** Width of all heads' values; default: D. */
    valueWidth: wholeNumber().optional(),
    /** Rank of the map that makes the decays. */
    rank: wholeNumber().default(16),
    /** Decays are sigmoids to the power of 1 / temperature. */
    temperature: positiveNumber().default(16),
  },
  resolve(settings, { width }, what) {
    const { heads } = settings;
    const keyWidth = settings.keyWidth ?? heads * headsOf(width / 2, heads);
    const valueWidth = settings.valueWidth ?? width;
    requireHeads(what, "keyWidth", keyWidth, heads);
    requireHeads(what, "valueWidth", valueWidth, heads);
    return { ...settings, keyWidth, valueWidth };
  },
  causal: () => true,
  apply: (settings, surroundings, scope, x) => run(settings, surroundings, scope, x).y,
  decoding: {
    state({ heads, keyWidth, valueWidth }, _, batch) {
      const shape = [batch, heads, keyWidth! / heads, valueWidth! / heads];
      return { state: { shape, dtype: "f32", initial: 0 } };
    },
    step(settings, surroundings, scope, x, before) {
      const { tokens, decay } = project(settings, surroundings, scope, x);
      const { y, state } = channelDecayStep(tokens, decay, undefined, before.state!);
      return { y: mix(surroundings, scope, x, y), state: { state } };
    },
    prefill(settings, surroundings, scope, x) {
      const { y, state } = run(settings, surroundings, scope, x);
      return { y, state: { state } };
    },
  },
  pytorch: gatedLinearAttentionInPyTorch,
  growth: {
    settings: ["heads", "keyWidth", "valueWidth", "rank"],
    declare: ({ heads, keyWidth, valueWidth, rank }) => ({
      sizes: { heads, keys: keyWidth! / heads, values: valueWidth! / heads, rank },
      parameters: {
        "query.weight": { axes: "width, heads keys" },
        "key.weight": { axes: "width, heads keys", added: { keys: "zero" }, scale: { keys: 0.5 } },
        "value.weight": { axes: "width, heads values", added: { values: "copy" } },
        "decay.down.weight": { axes: "width, rank" },
        ...growingLinear("decay.up", ["rank", "heads keys"], { bias: true, added: { rank: "zero" } }),
        "readNorm.scale": { axes: "values", added: { values: "copy" } },
        "gate.weight": { axes: "width, heads values", added: { values: "copy" } },
        "output.weight": {
          axes: "heads values, width",
          added: { heads: "zero", values: "share", width: "output" },
        },
      },
    }),
    follow({ settings: { heads, keyWidth, valueWidth } }, changes) {
      if (changes.heads === undefined) return {};
      const times = changes.heads / heads;
      return { keyWidth: keyWidth! * times, valueWidth: valueWidth! * times };
    },
    refuse({ settings: before }, { settings: after }) {
      const values = before.valueWidth! / before.heads;
      if ((after.valueWidth! / after.heads) % values === 0) return undefined;
      return `what a head reads is normalised, and copies keep that; expected a multiple of ${values} values for each head`;
    },
  },
});

type Settings = Readonly<{
  heads: number;
  keyWidth?: number | undefined;
  valueWidth?: number | undefined;
  rank: number;
  temperature: number;
}>;

/** x [B, T, D] → y [B, T, D] and the last state. */
function run(settings: Settings, surroundings: Surroundings, scope: Scope, x: Tensor) {
  const { tokens, decay } = project(settings, surroundings, scope, x);
  const { out, state } = channelDecay(tokens, decay, undefined);
  return { y: mix(surroundings, scope, x, out), state };
}

/** x [..., D] → queries, keys and decays [..., H, K/H], values [..., H, V/H]. */
function project(
  { heads, keyWidth, valueWidth, rank, temperature }: Settings,
  { standardDeviation }: Surroundings,
  scope: Scope,
  x: Tensor,
): { readonly tokens: Tokens; readonly decay: Tensor } {
  const options = { bias: false, standardDeviation };
  const projection = (name: string, width: number): Tensor =>
    scope.observe(name, splitHeads(linearMap(scope.within(name), x, { ...options, width }), heads));
  const low = linearMap(scope.within("decay").within("down"), x, { ...options, width: rank });
  const logits = linearMap(scope.within("decay").within("up"), low, {
    width: keyWidth!,
    bias: true,
    standardDeviation,
  });
  // σ(x)^(1/τ) = e^(-softplus(-x)/τ).
  const decay = exp(multiply(softplus(negate(logits)), -1 / temperature));
  return {
    tokens: {
      queries: multiply(projection("query", keyWidth!), 1 / Math.sqrt(keyWidth! / heads)),
      keys: projection("key", keyWidth!),
      values: projection("value", valueWidth!),
    },
    decay: scope.observe("decay", splitHeads(decay, heads)),
  };
}

/** What the heads read [..., H, V/H], each normalised, under a gate made of x [..., D] → [..., D]. */
function mix(surroundings: Surroundings, scope: Scope, x: Tensor, read: Tensor): Tensor {
  const normalise = (heads: Tensor) => norm("rms", scope.within("readNorm"), heads);
  return gatedReadOut(surroundings, scope, x, read, normalise);
}
