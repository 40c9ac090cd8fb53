// RWKV-4's time mixing: an average of values weighted by exponentials of keys, fading at a rate of each feature's own.
// Peng et al. 2023, section 3.1; the stable recurrence: appendix B of the same. B batch, T length, D width.

import {
  add,
  divide,
  exp,
  maximum,
  multiply,
  negate,
  sigmoid,
  stopGradient,
  subtract,
} from "../tensor/ops/elementwise.ts";
import { fill } from "../tensor/ops/leaf.ts";
import { transpose } from "../tensor/ops/movement.ts";
import { scan } from "../tensor/ops/scan.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { growingOutput } from "./growth.ts";
import { linearMap } from "./linear.ts";
import { definePrimitive, type Surroundings } from "./primitive.ts";
import { rwkv4InPyTorch } from "./pytorch/rwkv.ts";
import type { Scope } from "./scope.ts";
import { lastToken, mixTokens, previousToken, shareByFeature, shifted } from "./tokenShift.ts";

/** Stands for minus infinity: the exponent of a sum that is still empty. */
const EMPTY = -1e30;

export const rwkv4Time = definePrimitive({
  name: "rwkv4-time",
  settings: {},
  resolve: (settings) => settings,
  causal: () => true,
  apply: (_, surroundings, scope, x) => run(surroundings, scope, x).y,
  decoding: {
    state(_, { width }, batch) {
      const type = { shape: [batch, width], dtype: "f32" } as const;
      return {
        previous: previousToken(batch, width),
        values: { ...type, initial: 0 },
        weights: { ...type, initial: 0 },
        exponent: { ...type, initial: EMPTY },
      };
    },
    step(_, surroundings, scope, x, before) {
      const { gate, key, value } = project(surroundings, scope, x, before.previous!);
      const sums = { values: before.values!, weights: before.weights!, exponent: before.exponent! };
      const { next, read } = advance(sums, key, value, rates(scope, x.shape[1]!));
      return { y: projectOut(surroundings, scope, gate, read), state: { previous: x, ...next } };
    },
    prefill: (_, surroundings, scope, x) => run(surroundings, scope, x),
  },
  pytorch: rwkv4InPyTorch,
  growth: {
    settings: [],
    declare: (_, { width }) => ({
      sizes: { inner: width },
      parameters: {
        ...Object.fromEntries(
          ["gate", "key", "value"].flatMap((name) => [
            [`${name}.share`, { axes: "width" }],
            [`${name}.weight`, { axes: "width, inner" }],
          ]),
        ),
        decay: { axes: "inner" },
        bonus: { axes: "inner" },
        ...growingOutput("inner", false),
      },
    }),
  },
});

/** Σ values and Σ weights over the past, both divided by e^exponent; [B, D] each. */
interface Sums {
  readonly values: Tensor;
  readonly weights: Tensor;
  readonly exponent: Tensor;
}

/** x [B, T, D] → y [B, T, D] and the state after the last token. */
function run(surroundings: Surroundings, scope: Scope, x: Tensor) {
  const [batch, length, width] = x.shape as [number, number, number];
  const { gate, key, value } = project(surroundings, scope, x, shifted(x));
  const zeros = fill(0, [batch, width]);
  const { decay, bonus } = rates(scope, width);
  const result = scan(
    {
      length,
      carries: [zeros, zeros, fill(EMPTY, [batch, width])],
      sequences: [key, value].map((of) => transpose(of, [1, 0, 2])),
      constants: [decay, bonus],
    },
    ([values, weights, exponent], [k, v], [decay, bonus]) => {
      const before = { values: values!, weights: weights!, exponent: exponent! };
      const { next, read } = advance(before, k!, v!, { decay: decay!, bonus: bonus! });
      return { carries: [next.values, next.weights, next.exponent], outputs: [read] };
    },
  );
  const [values, weights, exponent] = result.carries as [Tensor, Tensor, Tensor];
  const read = scope.observe("found", transpose(result.outputs[0]!, [1, 0, 2]));
  return {
    y: projectOut(surroundings, scope, gate, read),
    state: { previous: lastToken(x), values, weights, exponent },
  };
}

/** x and the tokens before, [..., D] → gate, key and value [..., D]. */
function project({ standardDeviation }: Surroundings, scope: Scope, x: Tensor, before: Tensor) {
  const width = x.shape.at(-1)!;
  const projection = (name: string, exponent: number) => {
    const mixed = mixTokens(x, before, shareByFeature(scope.within(name), width, exponent));
    return scope.observe(
      name,
      linearMap(scope.within(name), mixed, { width, bias: false, standardDeviation }),
    );
  };
  return { gate: projection("gate", 0.5), key: projection("key", 1), value: projection("value", 1) };
}

/** Logarithm of the decay by a token, and what the newest key gets on top; [D] each, from the authors' first layer. */
function rates(scope: Scope, width: number) {
  const spread = (place: number) => (place / Math.max(1, width - 1)) ** 0.7;
  const rate = scope.parameter("decay", {
    shape: [width],
    initializer: { kind: "values", at: (place) => -5 + 8 * spread(place) },
    role: "scale",
  });
  const bonus = scope.parameter("bonus", {
    shape: [width],
    initializer: { kind: "values", at: (place) => Math.log(0.3) + (((place + 1) % 3) - 1) * 0.5 },
    role: "scale",
  });
  return { decay: negate(exp(rate)), bonus };
}

/** One token, key and value [B, D]. The exponents only guard against overflow: no result depends on them. */
function advance(
  { values, weights, exponent }: Sums,
  key: Tensor,
  value: Tensor,
  { decay, bonus }: { readonly decay: Tensor; readonly bonus: Tensor },
): { next: Sums; read: Tensor } {
  const now = merge(values, weights, exponent, add(key, bonus), value);
  const next = merge(values, weights, add(exponent, decay), key, value);
  return { next, read: divide(now.values, now.weights) };
}

/** The sums times e^exponent, and one more value with weight e^key. */
function merge(values: Tensor, weights: Tensor, exponent: Tensor, key: Tensor, value: Tensor): Sums {
  const top = stopGradient(maximum(exponent, key));
  const old = exp(subtract(exponent, top));
  const young = exp(subtract(key, top));
  return {
    values: add(multiply(old, values), multiply(young, value)),
    weights: add(multiply(old, weights), young),
    exponent: top,
  };
}

function projectOut(
  { width, standardDeviation }: Surroundings,
  scope: Scope,
  gate: Tensor,
  read: Tensor,
): Tensor {
  const gated = scope.observe("gated", multiply(sigmoid(gate), read));
  return linearMap(scope.within("output"), gated, { width, bias: false, standardDeviation });
}
