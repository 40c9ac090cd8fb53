// Linear attention: the exponential of softmax attention replaced by a product of features, so that a matrix as large as
// one token's features holds the whole past. Katharopoulos et al. 2020, equations 10 to 12.
// B batch, T length, D width, H heads, F features of a head's queries and keys, V width of a head's values.

import { z } from "zod";
import { oneOf, positiveNumber, wholeNumber } from "../strict.ts";
import { add, divide } from "../tensor/ops/elementwise.ts";
import { fill } from "../tensor/ops/leaf.ts";
import { concatenate, slice } from "../tensor/ops/movement.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { featureMap, featureMapNames } from "./featureMap.ts";
import { growingLinear, growingOutput } from "./growth.ts";
import { evenHeadsOf, requireHeads, splitHeads } from "./heads.ts";
import { linearMap } from "./linear.ts";
import type { Tokens } from "./matrixState/chunks.ts";
import { headDecay, headDecayStep } from "./matrixState/headDecay.ts";
import { definePrimitive, type Surroundings } from "./primitive.ts";
import { linearAttentionInPyTorch } from "./pytorch/linearAttention.ts";
import { readOut } from "./readOut.ts";
import type { Scope } from "./scope.ts";

const HEAD_WIDTH = 64;

export const linearAttention = definePrimitive({
  name: "linear-attention",
  settings: {
    /** H; default: as many as make heads of 64, or one. */
    heads: wholeNumber().optional(),
    featureMap: oneOf(featureMapNames).default("elu"),
    /** Width of a head's queries and keys before the feature map; default: that of its values. */
    keyWidth: wholeNumber().optional(),
    /** Whether the weights of what is read are divided by their sum. */
    normalised: z.boolean("expected true or false").default(true),
    /** Added to that sum. */
    epsilon: positiveNumber().default(1e-6),
    bias: z.boolean("expected true or false").default(false),
  },
  resolve(settings, { width }, what) {
    const heads = settings.heads ?? evenHeadsOf(width, HEAD_WIDTH);
    requireHeads(what, "width", width, heads);
    return { ...settings, heads, keyWidth: settings.keyWidth ?? width / heads };
  },
  causal: () => true,
  apply: (settings, surroundings, scope, x) => run(settings, surroundings, scope, x).y,
  decoding: {
    mad: (settings, { width }) => featuresOf(settings) * width,
    // With `normalised`, the last column sums the features of the keys.
    state(settings, { width }, batch) {
      const { heads, normalised } = settings;
      const features = featuresOf(settings);
      const shape = [batch, heads!, features, width / heads! + (normalised ? 1 : 0)];
      return { state: { shape, dtype: "f32", initial: 0 } };
    },
    step(settings, surroundings, scope, x, before) {
      const tokens = project(settings, surroundings, scope, x);
      const { y, state } = headDecayStep(tokens, undefined, before.state!);
      return { y: mix(settings, surroundings, scope, y), state: { state } };
    },
    prefill(settings, surroundings, scope, x) {
      const { y, state } = run(settings, surroundings, scope, x);
      return { y, state: { state } };
    },
  },
  pytorch: linearAttentionInPyTorch,
  growth: {
    settings: ["heads", "keyWidth"],
    declare({ heads, keyWidth, featureMap, bias }, { width }) {
      // The second-order map divides products by the root of the key's width.
      const scale = featureMap === "taylor" ? { keys: 0.5 } : {};
      const learned = { axes: "keys, keys" };
      return {
        sizes: { heads: heads!, keys: keyWidth!, values: width / heads! },
        parameters: {
          ...growingLinear("query", ["width", "heads keys"], { bias }),
          ...growingLinear("key", ["width", "heads keys"], { bias, added: { keys: "zero" }, scale }),
          ...growingLinear("value", ["width", "heads values"], { bias }),
          ...growingOutput("heads values", bias),
          ...Object.fromEntries(
            ["query.left", "query.right", "key.left", "key.right"].flatMap((name) => [
              [`${name}.weight`, learned],
              [`${name}.bias`, { axes: "keys" }],
            ]),
          ),
        },
      };
    },
    refuse({ settings: { featureMap, keyWidth } }, { settings: after }) {
      if (after.keyWidth === keyWidth || featureMap === "identity" || featureMap === "taylor")
        return undefined;
      return `keys that are 0 have features under the map ${featureMap}, or cannot learn; identity and taylor can`;
    },
  },
});

/** Features of a key after the map. */
function featuresOf({ featureMap, keyWidth }: Settings): number {
  return featureMap === "taylor" ? 1 + keyWidth! + keyWidth! ** 2 : keyWidth!;
}

type Settings = Readonly<{
  heads?: number | undefined;
  featureMap: (typeof featureMapNames)[number];
  keyWidth?: number | undefined;
  normalised: boolean;
  epsilon: number;
  bias: boolean;
}>;

/** x [B, T, D] → y [B, T, D] and the last state. */
function run(settings: Settings, surroundings: Surroundings, scope: Scope, x: Tensor) {
  const { out, state } = headDecay(project(settings, surroundings, scope, x), undefined);
  return { y: mix(settings, surroundings, scope, out), state };
}

/** x [..., D] → features of queries and keys [..., H, F], values [..., H, V], with a one behind where normalised. */
function project(settings: Settings, surroundings: Surroundings, scope: Scope, x: Tensor): Tokens {
  const { bias, normalised } = settings;
  const { standardDeviation } = surroundings;
  const heads = settings.heads!;
  const projection = (name: string, width: number): Tensor => {
    const flat = linearMap(scope.within(name), x, { width, bias, standardDeviation });
    return scope.observe(name, splitHeads(flat, heads));
  };
  const features = (name: string): Tensor =>
    featureMap(settings.featureMap, scope.within(name), projection(name, heads * settings.keyWidth!));
  const queries = features("query");
  const keys = features("key");
  const values = projection("value", surroundings.width);
  const ones = () => fill(1, [...values.shape.slice(0, -1), 1]);
  return { queries, keys, values: normalised ? concatenate([values, ones()], -1) : values };
}

/** What the heads read [..., H, V], with the sum of weights behind where normalised → [..., D]. */
function mix(settings: Settings, surroundings: Surroundings, scope: Scope, read: Tensor): Tensor {
  const { normalised, epsilon } = settings;
  const last = read.shape.length - 1;
  const columns = surroundings.width / settings.heads!;
  const found = normalised
    ? divide(
        slice(read, { [last]: [0, columns] }),
        add(slice(read, { [last]: [columns, columns + 1] }), epsilon),
      )
    : read;
  return readOut(surroundings, scope, found, settings.bias);
}
