// Multi-scale retention, the mixer of RetNet: linear attention with rotated queries and keys whose past fades at a rate of
// each head's own. Sun et al. 2023, equations 5 to 8. The paper's three normalisations of scores (section 2.4) change
// nothing behind the norm of each head and are left out.
// B batch, T length, D width, H heads, K width of a head's keys, V of its values.

import { RequestError } from "../errors.ts";
import { positiveNumber, wholeNumber } from "../strict.ts";
import { layerNorm } from "../tensor/composites/normalization.ts";
import { rotary, rotaryTables } from "../tensor/composites/rotary.ts";
import { exp, multiply } from "../tensor/ops/elementwise.ts";
import { iota, literal } from "../tensor/ops/leaf.ts";
import { reshape } from "../tensor/ops/movement.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { growingOutput, headsFollowing, placeLabels, refuseWiderHeads } from "./growth.ts";
import { evenHeadsOf, requireHeads, splitHeads } from "./heads.ts";
import { linearMap } from "./linear.ts";
import type { Tokens } from "./matrixState/chunks.ts";
import { headDecay, headDecayStep } from "./matrixState/headDecay.ts";
import { definePrimitive, type Surroundings } from "./primitive.ts";
import { retentionInPyTorch } from "./pytorch/linearAttention.ts";
import { gatedReadOut } from "./readOut.ts";
import type { Scope } from "./scope.ts";

const HEAD_WIDTH = 256;
const EPSILON = 1e-5;

export const retention = definePrimitive({
  name: "retnet",
  settings: {
    /** H; default: as many as make heads of 256, or one. */
    heads: wholeNumber().optional(),
    /** Values are this many times as wide as D. */
    valueFactor: wholeNumber().default(2),
    /** Base of the rotary frequencies. */
    rotaryBase: positiveNumber().default(10_000),
  },
  resolve(settings, { width }, what) {
    const heads = settings.heads ?? evenHeadsOf(width, HEAD_WIDTH);
    requireHeads(what, "width", width, heads);
    if ((width / heads) % 2 !== 0) {
      throw new RequestError(
        `${what}: heads of width ${width / heads} (width ${width} over ${heads} heads) cannot be rotated; ` +
          "expected an even head width, change width or heads",
      );
    }
    return { ...settings, heads };
  },
  causal: () => true,
  apply: (settings, surroundings, scope, x) => run(settings, surroundings, scope, x).y,
  decoding: {
    state({ heads, valueFactor }, { width }, batch) {
      const keyWidth = width / heads!;
      return {
        state: { shape: [batch, heads!, keyWidth, valueFactor * keyWidth], dtype: "f32", initial: 0 },
      };
    },
    step(settings, surroundings, scope, x, before, position) {
      const [batch, width] = x.shape as [number, number];
      const token = reshape(x, [batch, 1, width]);
      const { queries, keys, values } = project(settings, surroundings, scope, token, reshape(position, [1]));
      const alone = (of: Tensor) => reshape(of, [batch, ...of.shape.slice(2)]);
      const tokens = { queries: alone(queries), keys: alone(keys), values: alone(values) };
      const decay = exp(literal(logDecays(settings.heads!), [1, settings.heads!]));
      const { y, state } = headDecayStep(tokens, decay, before.state!);
      return { y: mix(surroundings, scope, x, y), state: { state } };
    },
    prefill(settings, surroundings, scope, x) {
      const { y, state } = run(settings, surroundings, scope, x);
      return { y, state: { state } };
    },
  },
  pytorch: retentionInPyTorch,
  growth: {
    settings: ["heads"],
    declare: ({ heads, valueFactor }, { width }) => ({
      sizes: { heads: heads!, keys: width / heads!, values: (valueFactor * width) / heads! },
      // The n-th head decays at a rate of its own, and frequencies go by the number of keys.
      labels: { heads: placeLabels(heads!), keys: placeLabels(width / heads!, `of ${width / heads!}`) },
      parameters: {
        "query.weight": { axes: "width, heads keys" },
        "key.weight": { axes: "width, heads keys" },
        "value.weight": { axes: "width, heads values" },
        "gate.weight": { axes: "width, heads values" },
        ...growingOutput("heads values", false),
      },
    }),
    follow: headsFollowing,
    refuse: refuseWiderHeads,
  },
});

type Settings = Readonly<{ heads?: number | undefined; valueFactor: number; rotaryBase: number }>;

/** log γ of each head: γ = 1 - 2^(-5-h). */
function logDecays(heads: number): number[] {
  return Array.from({ length: heads }, (_, h) => Math.log1p(-(2 ** (-5 - h))));
}

/** x [B, T, D] → y [B, T, D] and the last state. */
function run(settings: Settings, surroundings: Surroundings, scope: Scope, x: Tensor) {
  const tokens = project(settings, surroundings, scope, x, iota([x.shape[1]!], 0));
  const { out, state } = headDecay(tokens, literal(logDecays(settings.heads!), [1, 1, settings.heads!]));
  return { y: mix(surroundings, scope, x, out), state };
}

/** x [B, T, D] at positions i32 [T] → queries and keys [B, T, H, K], turned by their positions, and values [B, T, H, V]. */
function project(
  { heads, valueFactor, rotaryBase }: Settings,
  { width, standardDeviation }: Surroundings,
  scope: Scope,
  x: Tensor,
  places: Tensor,
): Tokens {
  const keyWidth = width / heads!;
  const projection = (name: string, wide: number): Tensor => {
    const flat = linearMap(scope.within(name), x, { width: wide, bias: false, standardDeviation });
    return scope.observe(name, splitHeads(flat, heads!));
  };
  const { cosines, sines } = rotaryTables(places, keyWidth, rotaryBase);
  return {
    queries: rotary(projection("query", width), cosines, sines),
    keys: multiply(rotary(projection("key", width), cosines, sines), 1 / Math.sqrt(keyWidth)),
    values: projection("value", valueFactor * width),
  };
}

/** What the heads read [..., H, V], each normalised, under a gate made of x [..., D] → [..., D]. */
function mix(surroundings: Surroundings, scope: Scope, x: Tensor, read: Tensor): Tensor {
  const normalise = (heads: Tensor) => layerNorm(heads, undefined, undefined, EPSILON);
  return gatedReadOut(surroundings, scope, x, read, normalise);
}
