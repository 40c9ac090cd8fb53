// Multi-head attention by content and distance: a projection of its own makes keys of sine and cosine waves of the
// distance. Dai et al. 2019 (Transformer-XL), section 3.3; used by Gopher and Chinchilla.
// B batch, T length, D width, H heads, d head width.

import { z } from "zod";
import { RequestError } from "../errors.ts";
import { wholeNumber } from "../strict.ts";
import { relativeAttention as attend } from "../tensor/composites/relativeAttention.ts";
import { softmax } from "../tensor/composites/softmax.ts";
import { einsum } from "../tensor/ops/contract.ts";
import { dynamicUpdate } from "../tensor/ops/dynamic.ts";
import {
  add,
  cast,
  cosine,
  exp,
  lessEqual,
  multiply,
  select,
  sine,
  subtract,
} from "../tensor/ops/elementwise.ts";
import { iota } from "../tensor/ops/leaf.ts";
import { broadcastTo, concatenate, pad, reshape } from "../tensor/ops/movement.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { growingLinear, growingOutput } from "./growth.ts";
import { requireHeads } from "./heads.ts";
import { linearMap } from "./linear.ts";
import { definePrimitive, type Surroundings } from "./primitive.ts";
import { relativeAttentionInPyTorch } from "./pytorch/relativeAttention.ts";
import { readOut } from "./readOut.ts";
import type { Scope } from "./scope.ts";

const LONGEST_WAVE = 10_000;
const LOW = -1e30;

export const relativeAttention = definePrimitive({
  name: "relative-attention",
  settings: {
    /** H; default: as many as make heads of 64, or one. */
    heads: wholeNumber().optional(),
    /** d; default: width / heads. */
    headWidth: wholeNumber().optional(),
    bias: z.boolean("expected true or false").default(false),
  },
  resolve(settings, { width }, what) {
    const heads = settings.heads ?? Math.max(1, Math.round(width / 64));
    if (settings.headWidth === undefined) requireHeads(what, "width", width, heads);
    if (width % 2 !== 0) {
      throw new RequestError(
        `${what}: width ${width} has no room for pairs of waves; expected an even width`,
      );
    }
    return { ...settings, heads, headWidth: settings.headWidth ?? width / heads };
  },
  causal: () => true,
  apply: (settings, surroundings, scope, x) => run(settings, surroundings, scope, x).y,
  decoding: {
    state({ heads, headWidth }, _, batch, capacity) {
      const shape = [batch, capacity, heads!, headWidth!];
      return { keys: { shape, dtype: "f32", initial: 0 }, values: { shape, dtype: "f32", initial: 0 } };
    },
    step(settings, surroundings, scope, x, before, position) {
      const [batch, width] = x.shape as [number, number];
      const capacity = before.keys!.shape[1]!;
      const token = project(settings, surroundings, scope, reshape(x, [batch, 1, width]));
      const keys = dynamicUpdate(before.keys!, token.key, { 1: position });
      const values = dynamicUpdate(before.values!, token.value, { 1: position });
      const slots = iota([capacity], 0);
      const distances = subtract(broadcastTo(position, [capacity]), slots);
      const byContent = einsum("bthd,bshd->bhts", token.content, keys);
      // Distances change with every token, so the query goes through their projection instead of them.
      const waved = einsum("bthd,xhd->bhtx", token.place, waveWeight(settings, surroundings, scope));
      const byDistance = einsum("bhtx,sx->bhts", waved, waves(distances, width));
      const scores = multiply(add(byContent, byDistance), 1 / Math.sqrt(settings.headWidth!));
      const seen = reshape(lessEqual(slots, position), [1, 1, 1, capacity]);
      const weights = softmax(select(broadcastTo(seen, scores.shape), scores, LOW));
      const read = einsum("bhts,bshd->bthd", weights, values);
      const y = readOut(surroundings, scope, read, settings.bias);
      return { y: reshape(y, [batch, width]), state: { keys, values } };
    },
    prefill(settings, surroundings, scope, x, capacity) {
      const { y, key, value } = run(settings, surroundings, scope, x);
      const room = [0, capacity - x.shape[1]!, 0, 0];
      return { y, state: { keys: pad(key, [0, 0, 0, 0], room), values: pad(value, [0, 0, 0, 0], room) } };
    },
  },
  pytorch: relativeAttentionInPyTorch,
  growth: {
    settings: ["heads", "headWidth"],
    declare({ heads, headWidth, bias }, { width }) {
      const keyed = { bias, added: { keys: "zero" }, scale: { keys: 0.5 } } as const;
      return {
        sizes: { heads: heads!, keys: headWidth!, values: headWidth!, waves: width },
        labels: { waves: waveLabels(width) },
        parameters: {
          ...growingLinear("query", ["width", "heads keys"], { bias }),
          ...growingLinear("key", ["width", "heads keys"], keyed),
          ...growingLinear("value", ["width", "heads values"], { bias }),
          ...growingOutput("heads values", bias),
          contentBias: { axes: "heads, keys" },
          distanceBias: { axes: "heads, keys" },
          "distance.weight": {
            axes: "waves, heads keys",
            added: { waves: "zero", keys: "zero" },
            scale: { keys: 0.5 },
          },
        },
      };
    },
    refuse({ surroundings: { width } }, { surroundings: after }) {
      if (after.width % width === 0) return undefined;
      return `its waves divide the width ${width}; expected a multiple of it`;
    },
  },
});

/** Of each wave its kind and its share of the slowest one's exponent: the same wave in models of different widths. */
function waveLabels(width: number): string[] {
  const half = width / 2;
  const at = (kind: string) => Array.from({ length: half }, (_, i) => `${kind} ${i / half}`);
  return [...at("sine"), ...at("cosine")];
}

type Settings = Readonly<{ heads?: number | undefined; headWidth?: number | undefined; bias: boolean }>;

/** x [B, T, D] → y [B, T, D], keys and values [B, T, H, d]. */
function run(settings: Settings, surroundings: Surroundings, scope: Scope, x: Tensor) {
  const length = x.shape[1]!;
  const { content, place, key, value } = project(settings, surroundings, scope, x);
  // The largest distance first.
  const distances = subtract(length - 1, iota([length], 0));
  const weight = waveWeight(settings, surroundings, scope);
  const far = einsum("sx,xhd->shd", waves(distances, surroundings.width), weight);
  const read = attend(content, key, value, place, far);
  return { y: readOut(surroundings, scope, read, settings.bias), key, value };
}

/** x [B, T, D] → what asks by content and what by distance, keys, values, each [B, T, H, d]. */
function project(settings: Settings, { standardDeviation }: Surroundings, scope: Scope, x: Tensor) {
  const { bias, ...sizes } = settings;
  const [heads, headWidth] = [sizes.heads!, sizes.headWidth!];
  const projection = (name: string): Tensor => {
    const flat = linearMap(scope.within(name), x, { width: heads * headWidth, bias, standardDeviation });
    return scope.observe(name, reshape(flat, [...x.shape.slice(0, 2), heads, headWidth]));
  };
  const offset = (name: string): Tensor =>
    scope.parameter(name, {
      shape: [heads, headWidth],
      initializer: { kind: "constant", value: 0 },
      role: "bias",
    });
  const query = projection("query");
  return {
    content: add(query, offset("contentBias")),
    place: add(query, offset("distanceBias")),
    key: projection("key"),
    value: projection("value"),
  };
}

/** From waves to keys of distances, [D, H, d]. */
function waveWeight(
  { heads, headWidth }: Settings,
  { width, standardDeviation }: Surroundings,
  scope: Scope,
): Tensor {
  const initializer = { kind: "normal", standardDeviation } as const;
  const shape = [width, heads! * headWidth!];
  const weight = scope.within("distance").parameter("weight", { shape, initializer, role: "hidden" });
  return reshape(weight, [width, heads!, headWidth!]);
}

/** Distances i32 [S] → [S, D]: sines of D/2 frequencies, then cosines. */
function waves(distances: Tensor, width: number): Tensor {
  const shape = [distances.shape[0]!, width / 2];
  const frequencies = exp(multiply(iota(shape, 1, "f32"), (-2 / width) * Math.log(LONGEST_WAVE)));
  const angles = multiply(broadcastTo(reshape(cast(distances, "f32"), [shape[0]!, 1]), shape), frequencies);
  return concatenate([sine(angles), cosine(angles)], 1);
}
