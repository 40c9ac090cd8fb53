// Gated DeltaNet: the delta rule on a state that fades by one number for each head and token, under an output gate.
// Yang, Kautz and Hatamizadeh 2024, "Gated Delta Networks", equation 10 and section 3.4; the decay is Mamba-2's.
// B batch, T length, D width, H heads, K width of all keys, V of all values.

import { wholeNumber } from "../strict.ts";
import { softplus } from "../tensor/composites/activation.ts";
import { add, exp, multiply, negate, sigmoid } from "../tensor/ops/elementwise.ts";
import type { Tensor } from "../tensor/tensor.ts";
import {
  type DeltaTokens,
  deltaTokens,
  deltaTokensStep,
  growingDeltaTokens,
  tailsOf,
  tailTypes,
} from "./deltaTokens.ts";
import { headsOf, requireHeads } from "./heads.ts";
import { linearMap } from "./linear.ts";
import { deltaRule, deltaRuleStep } from "./matrixState/deltaRule.ts";
import { norm } from "./norm.ts";
import { definePrimitive, type Surroundings } from "./primitive.ts";
import { gatedDeltaNetInPyTorch } from "./pytorch/matrixStates.ts";
import { gatedReadOut } from "./readOut.ts";
import type { Scope } from "./scope.ts";
import { stepBias } from "./stepBias.ts";

/** The paper's keys are ¾ as wide as the model in heads of 256, its values twice as wide as its keys. */
const [KEY_SHARE, HEAD_WIDTH, VALUE_FACTOR] = [0.75, 256, 2];

export const gatedDeltaNet = definePrimitive({
  name: "gated-delta-net",
  settings: {
    /** H; default: as many as make keys of 256 a head, or one. */
    heads: wholeNumber().optional(),
    /** Width of all heads' keys; default: ¾ of D, rounded to a multiple of the heads. */
    keyWidth: wholeNumber().optional(),
    /** Width of all heads' values; default: twice that of the keys. */
    valueWidth: wholeNumber().optional(),
    /** Tokens the short convolutions see. */
    taps: wholeNumber(2).default(4),
  },
  resolve(settings, { width }, what) {
    const heads = settings.heads ?? headsOf(settings.keyWidth ?? KEY_SHARE * width, HEAD_WIDTH);
    const keyWidth = settings.keyWidth ?? heads * headsOf(KEY_SHARE * width, heads);
    const valueWidth = settings.valueWidth ?? VALUE_FACTOR * keyWidth;
    requireHeads(what, "keyWidth", keyWidth, heads);
    requireHeads(what, "valueWidth", valueWidth, heads);
    return { ...settings, heads, keyWidth, valueWidth };
  },
  causal: () => true,
  apply: (settings, surroundings, scope, x) => run(settings, surroundings, scope, x).y,
  decoding: {
    mad: ({ heads, keyWidth, valueWidth }) => (keyWidth! * valueWidth!) / heads!,
    state(settings, surroundings, batch) {
      const heads = settings.heads!;
      const shape = [batch, heads, settings.keyWidth! / heads, settings.valueWidth! / heads];
      return {
        state: { shape, dtype: "f32", initial: 0 },
        ...tailTypes(shapeOf(settings, surroundings), batch),
      };
    },
    step(settings, surroundings, scope, x, before) {
      const { tokens, tails } = deltaTokensStep(shapeOf(settings, surroundings), scope, x, before);
      const { beta, logDecay } = gates(settings, surroundings, scope, x);
      const { y, state } = deltaRuleStep(tokens, beta, exp(logDecay), before.state!);
      return { y: mix(surroundings, scope, x, y), state: { state, ...tails } };
    },
    prefill(settings, surroundings, scope, x) {
      const { y, state, projected } = run(settings, surroundings, scope, x);
      return { y, state: { state, ...tailsOf(projected, settings.taps) } };
    },
  },
  pytorch: gatedDeltaNetInPyTorch,
  growth: {
    settings: ["heads", "keyWidth", "valueWidth"],
    declare: ({ heads, keyWidth, valueWidth, taps }) => ({
      sizes: { heads: heads!, keys: keyWidth! / heads!, values: valueWidth! / heads! },
      parameters: {
        ...growingDeltaTokens(taps),
        "beta.weight": { axes: "width, heads" },
        "step.weight": { axes: "width, heads" },
        "step.bias": { axes: "heads" },
        rates: { axes: "heads" },
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
      const times = changes.heads / heads!;
      return { keyWidth: keyWidth! * times, valueWidth: valueWidth! * times };
    },
    refuse({ settings: before }, { settings: after }) {
      const perHead = ({ heads, keyWidth, valueWidth }: Settings) => [
        keyWidth! / heads!,
        valueWidth! / heads!,
      ];
      const [keys, values] = perHead(before) as [number, number];
      const [keysAfter, valuesAfter] = perHead(after) as [number, number];
      if (keysAfter === keys && valuesAfter % values === 0) return undefined;
      return (
        `keys and what is read are normalised by heads; expected ${keys} keys and, of copies, a multiple of ${values} values ` +
        "for each head"
      );
    },
  },
});

type Settings = Readonly<{
  heads?: number | undefined;
  keyWidth?: number | undefined;
  valueWidth?: number | undefined;
  taps: number;
}>;

function shapeOf(settings: Settings, { standardDeviation }: Surroundings): DeltaTokens {
  const { heads, keyWidth, valueWidth, taps } = settings;
  return { heads: heads!, keyWidth: keyWidth!, valueWidth: valueWidth!, taps, standardDeviation };
}

/** x [B, T, D] → y [B, T, D], the last state, and what enters the convolutions. */
function run(settings: Settings, surroundings: Surroundings, scope: Scope, x: Tensor) {
  const { tokens, projected } = deltaTokens(shapeOf(settings, surroundings), scope, x);
  const { beta, logDecay } = gates(settings, surroundings, scope, x);
  const { out, state } = deltaRule(tokens, beta, logDecay);
  return { y: mix(surroundings, scope, x, out), state, projected };
}

/** How much of the difference is written, and by how much the state fades: x [..., D] → [..., H] twice. */
function gates({ heads }: Settings, { standardDeviation }: Surroundings, scope: Scope, x: Tensor) {
  const options = { width: heads!, bias: false, standardDeviation };
  const beta = scope.observe("beta", sigmoid(linearMap(scope.within("beta"), x, options)));
  const step = scope.within("step");
  const delta = softplus(add(linearMap(step, x, options), stepBias(step, heads!)));
  const rates = scope.parameter("rates", {
    shape: [heads!],
    initializer: { kind: "uniform", low: 1, high: 16, transform: Math.log },
    role: "scale",
  });
  return { beta, logDecay: scope.observe("logDecay", multiply(delta, negate(exp(rates)))) };
}

/** What the heads read [..., H, V/H], each normalised, under a gate made of x [..., D] → [..., D]. */
function mix(surroundings: Surroundings, scope: Scope, x: Tensor, read: Tensor): Tensor {
  const normalise = (heads: Tensor) => norm("rms", scope.within("readNorm"), heads);
  return gatedReadOut(surroundings, scope, x, read, normalise);
}
