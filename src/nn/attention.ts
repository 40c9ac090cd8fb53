// Multi-head attention: full or windowed, causal or not, with grouped key/value heads and rotary positions.
// Vaswani et al. 2017, section 3.2.2; grouped heads: Ainslie et al. 2023; rotary positions: Su et al. 2021.
// B batch, T length, D width, H heads, d head width.
import { z } from "zod";
import { RequestError } from "../errors.ts";
import { oneOf, positiveNumber, wholeNumber } from "../strict.ts";
import { attention as attend } from "../tensor/composites/attention.ts";
import { rotary, rotaryTables } from "../tensor/composites/rotary.ts";
import { iota } from "../tensor/ops/leaf.ts";
import { reshape } from "../tensor/ops/movement.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { linearMap } from "./linear.ts";
import { definePrimitive } from "./primitive.ts";

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
  apply(settings, { width, standardDeviation }, scope, x) {
    const { heads, kvHeads, window, causal, positions, rotaryBase, bias } = settings;
    const [batch, length] = x.shape as [number, number];
    const headWidth = width / heads!;
    const project = (name: string, count: number): Tensor => {
      const flat = linearMap(scope.within(name), x, { width: count * headWidth, bias, standardDeviation });
      return scope.observe(name, reshape(flat, [batch, length, count, headWidth]));
    };
    let query = project("query", heads!);
    let key = project("key", kvHeads!);
    const value = project("value", kvHeads!);
    if (positions === "rope") {
      const { cosines, sines } = rotaryTables(iota([length], 0), headWidth, rotaryBase);
      query = rotary(query, cosines, sines);
      key = rotary(key, cosines, sines);
    }
    const { out } = attend(query, key, value, { causal, ...(window === null ? {} : { window }) });
    const mixed = scope.observe("mixed", reshape(out, [batch, length, width]));
    return linearMap(scope.within("output"), mixed, { width, bias, standardDeviation });
  },
});

/** The divisor of `whole` nearest to `wanted`, the smaller of two. */
function nearestDivisor(whole: number, wanted: number): number {
  let best = 1;
  for (let divisor = 1; divisor <= whole; divisor++) {
    if (whole % divisor === 0 && Math.abs(divisor - wanted) < Math.abs(best - wanted)) best = divisor;
  }
  return best;
}
