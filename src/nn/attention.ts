// Multi-head attention: full or windowed, causal or not, with grouped key/value heads and rotary positions.
// Vaswani et al. 2017, section 3.2.2; grouped heads: Ainslie et al. 2023; rotary positions: Su et al. 2021.
// B batch, T length, D width, H heads, d head width.
import { z } from "zod";
import { RequestError } from "../errors.ts";
import { oneOf, positiveNumber, wholeNumber } from "../strict.ts";
import { attention as attend } from "../tensor/composites/attention.ts";
import { rotary, rotaryTables } from "../tensor/composites/rotary.ts";
import { dynamicUpdate } from "../tensor/ops/dynamic.ts";
import { cast, divide, floor, multiply, subtract } from "../tensor/ops/elementwise.ts";
import { iota } from "../tensor/ops/leaf.ts";
import { concatenate, pad, reshape, slice } from "../tensor/ops/movement.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { linearMap } from "./linear.ts";
import { definePrimitive, type Surroundings } from "./primitive.ts";
import type { Scope } from "./scope.ts";

const WIDEST_DEFAULT_HEAD = 64;

export const attention = definePrimitive({
  name: "attention",
  settings: {
    /** H query heads; default: as many as make heads of 64, or one. */
    heads: wholeNumber().optional(),
    /** Key/value heads, a divisor of `heads`; default: as many as `heads`. */
    kvHeads: wholeNumber().optional(),
    /** A query sees itself and the `window` - 1 positions before it (and after, where not causal); null: all. */
    window: wholeNumber().nullable().default(null),
    causal: z.boolean("expected true or false").default(true),
    positions: oneOf(["learned", "rope", "none"]).default("none"),
    /** Base of the rotary frequencies. */
    rotaryBase: positiveNumber().default(10_000),
    bias: z.boolean("expected true or false").default(false),
  },
  resolve(settings, { width }, what) {
    const heads = settings.heads ?? Math.max(1, Math.round(width / WIDEST_DEFAULT_HEAD));
    const kvHeads = settings.kvHeads ?? heads;
    if (width % heads !== 0) {
      throw new RequestError(
        `${what}: width ${width} is not divisible by heads ${heads}; expected a divisor of the width, such as ` +
          `${nearestDivisor(width, heads)}`,
      );
    }
    if (heads % kvHeads !== 0) {
      throw new RequestError(
        `${what}: heads ${heads} is not divisible by kvHeads ${kvHeads}; expected a divisor of heads, such as ` +
          `${nearestDivisor(heads, kvHeads)}`,
      );
    }
    if (settings.positions === "rope" && (width / heads) % 2 !== 0) {
      throw new RequestError(
        `${what}: heads of width ${width / heads} (width ${width} over ${heads} heads) cannot take rope positions; ` +
          "expected an even head width, change width or heads or use learned positions",
      );
    }
    return { ...settings, heads, kvHeads };
  },
  causal: ({ causal }) => causal,
  apply: (settings, surroundings, scope, x) => attendWhole(settings, surroundings, scope, x).y,
  decoding: {
    // Keys and values of the tokens that can still be seen. Token t lies at slot t, or t modulo the window: the order of
    // keys changes nothing, their positions were turned into them.
    state({ heads, kvHeads, window }, { width }, batch, capacity) {
      const shape = [batch, Math.min(window ?? capacity, capacity), kvHeads!, width / heads!];
      return { keys: { shape, dtype: "f32", initial: 0 }, values: { shape, dtype: "f32", initial: 0 } };
    },
    step(settings, surroundings, scope, x, state, position) {
      const [batch, width] = x.shape as [number, number];
      const token = reshape(x, [batch, 1, width]);
      const { query, key, value } = project(settings, surroundings, scope, token, reshape(position, [1]));
      const slots = state.keys!.shape[1]!;
      const slot = settings.window === null ? position : remainder(position, slots);
      const keys = dynamicUpdate(state.keys!, key, { 1: slot });
      const values = dynamicUpdate(state.values!, value, { 1: slot });
      // Slots up to the position are filled; once all are, all are in the window.
      const { out } = attend(query, keys, values, { causal: true, offset: position });
      return {
        y: reshape(mix(settings, surroundings, scope, out), [batch, width]),
        state: { keys, values },
      };
    },
    prefill(settings, surroundings, scope, x, capacity) {
      const { y, key, value } = attendWhole(settings, surroundings, scope, x);
      const slots = Math.min(settings.window ?? capacity, capacity);
      return { y, state: { keys: intoSlots(key, slots), values: intoSlots(value, slots) } };
    },
  },
});

type Settings = Readonly<{
  heads?: number | undefined;
  kvHeads?: number | undefined;
  window: number | null;
  causal: boolean;
  positions: "learned" | "rope" | "none";
  rotaryBase: number;
  bias: boolean;
}>;

/** x [B, T, D] → y [B, T, D], with keys and values [B, T, Hk, d]. */
function attendWhole(settings: Settings, surroundings: Surroundings, scope: Scope, x: Tensor) {
  const { window, causal } = settings;
  const { query, key, value } = project(settings, surroundings, scope, x, iota([x.shape[1]!], 0));
  const { out } = attend(query, key, value, { causal, ...(window === null ? {} : { window }) });
  return { y: mix(settings, surroundings, scope, out), key, value };
}

/** x [B, T, D] at positions i32 [T] → queries [B, T, H, d], keys and values [B, T, Hk, d]. */
function project(
  { heads, kvHeads, positions, rotaryBase, bias }: Settings,
  { width, standardDeviation }: Surroundings,
  scope: Scope,
  x: Tensor,
  places: Tensor,
) {
  const [batch, length] = x.shape as [number, number];
  const headWidth = width / heads!;
  const projection = (name: string, count: number): Tensor => {
    const flat = linearMap(scope.within(name), x, { width: count * headWidth, bias, standardDeviation });
    return scope.observe(name, reshape(flat, [batch, length, count, headWidth]));
  };
  const query = projection("query", heads!);
  const key = projection("key", kvHeads!);
  const value = projection("value", kvHeads!);
  if (positions !== "rope") return { query, key, value };
  const { cosines, sines } = rotaryTables(places, headWidth, rotaryBase);
  return { query: rotary(query, cosines, sines), key: rotary(key, cosines, sines), value };
}

/** What the heads found [B, T, H, d] → [B, T, D]. */
function mix(
  { bias }: Settings,
  { width, standardDeviation }: Surroundings,
  scope: Scope,
  out: Tensor,
): Tensor {
  const [batch, length] = out.shape as [number, number];
  const mixed = scope.observe("mixed", reshape(out, [batch, length, width]));
  return linearMap(scope.within("output"), mixed, { width, bias, standardDeviation });
}

/** The last `slots` of the tokens of x [B, T, Hk, d], token t at slot t modulo `slots`: [B, slots, Hk, d]. */
function intoSlots(x: Tensor, slots: number): Tensor {
  const length = x.shape[1]!;
  if (length <= slots) return pad(x, [0, 0, 0, 0], [0, slots - length, 0, 0]);
  const start = length - (length % slots);
  return concatenate([slice(x, { 1: [start, length] }), slice(x, { 1: [length - slots, start] })], 1);
}

/** position modulo slots, i32 []; exact up to 2^24. */
function remainder(position: Tensor, slots: number): Tensor {
  const turns = cast(floor(divide(cast(position, "f32"), slots)), "i32");
  return subtract(position, multiply(turns, slots));
}

/** The divisor of `whole` nearest to `wanted`, the smaller of two. */
function nearestDivisor(whole: number, wanted: number): number {
  const distance = (divisor: number) => Math.abs(divisor - wanted);
  let best = 1;
  for (let small = 1; small * small <= whole; small++) {
    if (whole % small !== 0) continue;
    for (const divisor of [small, whole / small]) {
      const nearer = distance(divisor) - distance(best);
      if (nearer < 0 || (nearer === 0 && divisor < best)) best = divisor;
    }
  }
  return best;
}
