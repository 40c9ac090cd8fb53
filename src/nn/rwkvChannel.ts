// RWKV's channel mixing: a squared-ReLU feed-forward layer under a sigmoid gate, both after a token shift; the same from
// RWKV-4 to RWKV-6. Peng et al. 2023, section 3.1. B batch, T length, D width.
import { wholeNumber } from "../strict.ts";
import { squaredRelu } from "../tensor/composites/activation.ts";
import { multiply, sigmoid } from "../tensor/ops/elementwise.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { linearMap } from "./linear.ts";
import { definePrimitive, type Surroundings } from "./primitive.ts";
import { rwkvChannelInPyTorch } from "./pytorch/rwkv.ts";
import type { Scope } from "./scope.ts";
import { lastToken, mixTokens, previousToken, shareByFeature, shifted } from "./tokenShift.ts";

export const rwkvChannel = definePrimitive({
  name: "rwkv-channel",
  settings: {
    /** Hidden features; default 4 · width. */
    feedforward: wholeNumber().optional(),
  },
  resolve: (settings, { width }) => ({ feedforward: settings.feedforward ?? 4 * width }),
  causal: () => true,
  apply: ({ feedforward }, surroundings, scope, x) => mix(feedforward!, surroundings, scope, x, shifted(x)),
  decoding: {
    state: (_, { width }, batch) => ({ previous: previousToken(batch, width) }),
    step: ({ feedforward }, surroundings, scope, x, { previous }) => ({
      y: mix(feedforward!, surroundings, scope, x, previous!),
      state: { previous: x },
    }),
    prefill: ({ feedforward }, surroundings, scope, x) => ({
      y: mix(feedforward!, surroundings, scope, x, shifted(x)),
      state: { previous: lastToken(x) },
    }),
  },
  pytorch: rwkvChannelInPyTorch,
  growth: {
    settings: ["feedforward"],
    declare: ({ feedforward }, { width }) => ({
      sizes: { feedforward: feedforward!, gates: width },
      same: [["width", "gates"]],
      parameters: {
        "key.share": { axes: "width" },
        "key.weight": { axes: "width, feedforward" },
        "gate.share": { axes: "width" },
        "gate.weight": { axes: "width, gates" },
        "value.weight": { axes: "feedforward, width", added: { feedforward: "zero", width: "output" } },
      },
      nonlinearOutput: true,
    }),
  },
});

/** x and the tokens before, [..., D] → [..., D]. */
function mix(
  feedforward: number,
  { width, standardDeviation }: Surroundings,
  scope: Scope,
  x: Tensor,
  before: Tensor,
): Tensor {
  const projection = (name: string, features: number) => {
    const of = scope.within(name);
    const mixed = mixTokens(x, before, shareByFeature(of, width, 1));
    return scope.observe(name, linearMap(of, mixed, { width: features, bias: false, standardDeviation }));
  };
  const hidden = scope.observe("hidden", squaredRelu(projection("key", feedforward)));
  const gate = sigmoid(projection("gate", width));
  return multiply(gate, linearMap(scope.within("value"), hidden, { width, bias: false, standardDeviation }));
}
