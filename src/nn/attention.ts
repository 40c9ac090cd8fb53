// Multi-head attention: full or windowed, causal or not, with grouped key/value heads and rotary positions.
// Vaswani et al. 2017, section 3.2.2; grouped heads: Ainslie et al. 2023; rotary positions: Su et al. 2021; normalised
// queries and keys: Henry et al. 2020, Dehghani et al. 2023.
// B batch, T length, D width, H heads, d head width.
import { z } from "zod";
import { RequestError } from "../errors.ts";
import { oneOf, positiveNumber, wholeNumber } from "../strict.ts";
import { attention as attend } from "../tensor/composites/attention.ts";
import { type RotaryScaling, rotary, rotaryTables } from "../tensor/composites/rotary.ts";
import { dynamicUpdate } from "../tensor/ops/dynamic.ts";
import { cast, divide, floor, multiply, subtract } from "../tensor/ops/elementwise.ts";
import { iota } from "../tensor/ops/leaf.ts";
import { concatenate, pad, reshape, slice, split } from "../tensor/ops/movement.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { alibiSlopes, MOST_SLOPES, placedKeys, slopedQueries } from "./alibi.ts";
import { type Growth, growingLinear, placeLabels } from "./growth.ts";
import { evenHeadsOf, nearestDivisor, requireHeads } from "./heads.ts";
import { linearMap } from "./linear.ts";
import { type NormName, norm, normNames } from "./norm.ts";
import { definePrimitive, type Surroundings } from "./primitive.ts";
import { attentionInPyTorch } from "./pytorch/attention.ts";
import { readOut } from "./readOut.ts";
import type { Scope } from "./scope.ts";

const DEFAULT_HEAD = 64;
const rotaryScalingSchema = z.strictObject(
  {
    /** Wavelengths beyond length / low become as many times as long; below length / high they stay. */
    factor: positiveNumber(),
    low: positiveNumber(),
    high: positiveNumber(),
    /** Tokens of the sequences that the network was first trained on. */
    length: positiveNumber(),
  },
  "expected factor, low, high and length",
);

const SHARE = "expected a number above 0 and at most 1";

export const attention = definePrimitive({
  name: "attention",
  settings: {
    /** H query heads; default: as many as make heads of 64, or one. */
    heads: wholeNumber().optional(),
    /** Key/value heads, a divisor of `heads`; default: as many as `heads`. */
    kvHeads: wholeNumber().optional(),
    /** d, features of a head; default: width / heads. */
    headWidth: wholeNumber().optional(),
    /** Products of queries and keys are scaled by √baseHeadWidth / headWidth, as in muP; default: headWidth, which is 1/√d. */
    baseHeadWidth: wholeNumber().optional(),
    /** Features of a head's values; default: headWidth. */
    valueWidth: wholeNumber().optional(),
    /** A query sees itself and the `window` - 1 positions before it (and after, where not causal); null: all. */
    window: wholeNumber().nullable().default(null),
    causal: z.boolean("expected true or false").default(true),
    positions: oneOf(["learned", "rope", "alibi", "none"]).default("none"),
    /** Base of the rotary frequencies. */
    rotaryBase: positiveNumber().default(10_000),
    /** Share of a head's features that rotary positions turn, the first ones (GPT-NeoX turns a quarter). */
    rotaryShare: z.number(SHARE).positive(SHARE).max(1, SHARE).default(1),
    /** Of every query and key, over the features of its head. */
    queryKeyNorm: oneOf(normNames).default("none"),
    /** How slow frequencies are made slower, as Llama 3.1 does it; default: they stay. */
    rotaryScaling: rotaryScalingSchema.optional(),
    bias: z.boolean("expected true or false").default(false),
    /** Of the map back to the residual stream; default: as `bias`. Qwen2 has none there. */
    outputBias: z.boolean("expected true or false").optional(),
  },
  resolve(settings, { width }, what) {
    const heads = settings.heads ?? evenHeadsOf(width, DEFAULT_HEAD);
    const kvHeads = settings.kvHeads ?? heads;
    if (settings.headWidth === undefined) requireHeads(what, "width", width, heads);
    if (heads % kvHeads !== 0) {
      throw new RequestError(
        `${what}: heads ${heads} is not divisible by kvHeads ${kvHeads}; expected a divisor of heads, such as ` +
          `${nearestDivisor(heads, kvHeads)}`,
      );
    }
    const headWidth = settings.headWidth ?? width / heads;
    if (settings.positions === "rope" && headWidth % 2 !== 0) {
      throw new RequestError(
        `${what}: heads of width ${headWidth} (width ${width} over ${heads} heads) cannot take rope positions; ` +
          "expected an even head width, change width or heads or use learned positions",
      );
    }
    if (settings.positions === "rope" && turnedWidth(headWidth, settings.rotaryShare) < 2) {
      throw new RequestError(
        `${what}: rotaryShare ${settings.rotaryShare} of ${headWidth} features of a head is less than a pair; expected at ` +
          `least ${2 / headWidth}`,
      );
    }
    const { rotaryScaling: scaling } = settings;
    if (scaling !== undefined && scaling.high <= scaling.low) {
      throw new RequestError(
        `${what}: rotaryScaling has high ${scaling.high} and low ${scaling.low}; expected high above low`,
      );
    }
    if (settings.positions === "alibi" && !settings.causal) {
      throw new RequestError(
        `${what}: positions is "alibi" and causal is false; expected causal attention, or positions rope, learned or none`,
      );
    }
    if (settings.positions === "alibi" && heads > MOST_SLOPES) {
      throw new RequestError(
        `${what}: heads is ${heads}; expected at most ${MOST_SLOPES} with alibi positions`,
      );
    }
    return { ...settings, heads, kvHeads, headWidth };
  },
  causal: ({ causal }) => causal,
  apply: (settings, surroundings, scope, x) => attendWhole(settings, surroundings, scope, x).y,
  decoding: {
    // Keys and values of the tokens that can still be seen. Token t lies at slot t, or t modulo the window: the order of
    // keys changes nothing, their positions were turned into them.
    state({ kvHeads, headWidth, valueWidth, window, positions }, _, batch, capacity) {
      const slots = [batch, Math.min(window ?? capacity, capacity), kvHeads!];
      const keyWidth = headWidth! + (positions === "alibi" ? 1 : 0);
      return {
        keys: { shape: [...slots, keyWidth], dtype: "f32", initial: 0 },
        values: { shape: [...slots, valueWidth ?? headWidth!], dtype: "f32", initial: 0 },
      };
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
      const scale = scaleOf(settings);
      const { out } = attend(query, keys, values, { causal: true, offset: position, scale });
      return {
        y: reshape(readOut(surroundings, scope, out, outputBiasOf(settings)), [batch, width]),
        state: { keys, values },
      };
    },
    prefill(settings, surroundings, scope, x, capacity) {
      const { y, key, value } = attendWhole(settings, surroundings, scope, x);
      const slots = Math.min(settings.window ?? capacity, capacity);
      return { y, state: { keys: intoSlots(key, slots), values: intoSlots(value, slots) } };
    },
  },
  pytorch: attentionInPyTorch,
  growth: {
    settings: ["heads", "kvHeads", "headWidth", "valueWidth", "rotaryBase", "rotaryShare"],
    declare(settings) {
      const { heads, kvHeads, headWidth, valueWidth, positions, rotaryShare, queryKeyNorm, bias } = settings;
      const root = settings.baseHeadWidth === undefined ? 0.5 : 1;
      // Where all features are turned, a head is two halves of pairs; what is not turned lies behind what is.
      const isTurned = positions === "rope" && rotaryShare === 1;
      const keys = isTurned ? "2 pairs" : "keys";
      const grows = isTurned ? "pairs" : "keys";
      // Queries and keys are as large as before; their product is divided by the root of more features, or by their number.
      const keyed = { bias, added: { [grows]: "zero" }, scale: { [grows]: root } } as const;
      // Norms of queries and keys do not notice copies of all their features.
      const copied = { bias, added: { [grows]: "copy" } } as const;
      const isNormed = queryKeyNorm !== "none";
      const read = { kvHeads: "zero", group: "zero", values: "zero", width: "output" } as const;
      const group = heads! / kvHeads!;
      const slopes = (head: number) => alibiSlopes(heads!).slice(head * group, (head + 1) * group);
      return {
        sizes: {
          ...{ kvHeads: kvHeads!, group, values: valueWidth ?? headWidth! },
          ...{ keys: headWidth!, pairs: headWidth! / 2 },
        },
        labels: {
          ...(positions === "alibi"
            ? {
                kvHeads: Array.from({ length: kvHeads! }, (_, head) => slopes(head).join(" ")),
                group: placeLabels(group),
              }
            : {}),
          ...(positions === "rope" ? { [grows]: placeLabels(isTurned ? headWidth! / 2 : headWidth!) } : {}),
        },
        copies: ["width", "kvHeads", "group", "values"],
        parameters: {
          ...growingLinear("query", ["width", `kvHeads group ${keys}`], isNormed ? copied : { bias }),
          ...growingLinear("key", ["width", `kvHeads ${keys}`], isNormed ? copied : keyed),
          ...growingLinear("value", ["width", "kvHeads values"], { bias }),
          ...growingLinear("output", ["kvHeads group values", "width"], {
            bias: outputBiasOf(settings),
            added: read,
          }),
          ...(isNormed ? normsOfHeads(keys, grows) : {}),
        },
      };
    },
    follow({ settings }, changes) {
      const { heads, kvHeads, headWidth, valueWidth, positions, rotaryBase, rotaryShare } = settings;
      const { headWidth: wider = headWidth! } = changes;
      const turned = turnedWidth(headWidth!, rotaryShare);
      const isTurned = positions === "rope" && wider !== headWidth;
      return {
        ...(kvHeads === heads && changes.heads !== undefined ? { kvHeads: changes.heads } : {}),
        ...(wider === headWidth ? {} : { valueWidth: valueWidth ?? headWidth }),
        // Frequencies base^(-2i/d) stay, and go on beyond the slowest.
        ...(isTurned && rotaryShare === 1 ? { rotaryBase: rotaryBase ** (wider / headWidth!) } : {}),
        ...(isTurned && rotaryShare < 1 ? { rotaryShare: (turned + 0.5) / wider } : {}),
      };
    },
    refuse: ({ settings: before }, { settings: after }) => refuseGrowth(before, after),
  },
});

/** Of all heads together. Each product of a query and a key is shared out, and divided by the root of more features. */
function normsOfHeads(axes: string, grows: string): Growth["parameters"] {
  const query = { axes, added: { [grows]: "copy" } } as const;
  const key = { axes, added: { [grows]: "share" }, scale: { [grows]: 0.5 } } as const;
  return {
    "query.norm.scale": query,
    "query.norm.bias": query,
    "key.norm.scale": key,
    "key.norm.bias": key,
  };
}

function refuseGrowth(before: Settings, after: Settings): string | undefined {
  const { headWidth, heads, kvHeads, positions, rotaryShare, rotaryBase, queryKeyNorm } = before;
  const isGrouped = kvHeads !== heads || after.kvHeads !== after.heads;
  if (positions === "alibi" && isGrouped && after.heads !== heads) {
    return "slopes go by the number of heads, and grouped heads have no place among more; expected as many heads as before";
  }
  if (positions === "alibi") {
    const slopes = new Set(alibiSlopes(after.heads!));
    if (!alibiSlopes(heads!).every((slope) => slopes.has(slope))) {
      return `slopes go by the number of heads, and ${heads} have others than ${after.heads}; expected ${2 * heads!}`;
    }
  }
  if (after.headWidth === headWidth) return undefined;
  if (queryKeyNorm !== "none" && positions === "rope") {
    return "queries and keys are normalised over the features of a head, and copies of them would turn otherwise; expected as many as before";
  }
  if (queryKeyNorm !== "none" && after.headWidth! % headWidth! !== 0) {
    return (
      "queries and keys are normalised over the features of a head, and copies of all of them keep that; expected a multiple " +
      `of ${headWidth}`
    );
  }
  if (positions !== "rope") return undefined;
  const turned = turnedWidth(headWidth!, rotaryShare);
  if (rotaryShare < 1) {
    if (turnedWidth(after.headWidth!, after.rotaryShare) === turned) return undefined;
    return `rotaryShare is ${after.rotaryShare}; expected ${(turned + 0.5) / after.headWidth!}, so that ${turned} features turn`;
  }
  const base = rotaryBase ** (after.headWidth! / headWidth!);
  if (after.rotaryShare === 1 && Math.abs(after.rotaryBase / base - 1) < 1e-12) return undefined;
  return `rotaryBase is ${after.rotaryBase}; expected ${base}, with which the old features turn as before`;
}

type Settings = Readonly<{
  heads?: number | undefined;
  kvHeads?: number | undefined;
  headWidth?: number | undefined;
  baseHeadWidth?: number | undefined;
  valueWidth?: number | undefined;
  window: number | null;
  causal: boolean;
  positions: "learned" | "rope" | "alibi" | "none";
  rotaryBase: number;
  rotaryShare: number;
  queryKeyNorm: NormName;
  rotaryScaling?: RotaryScaling | undefined;
  bias: boolean;
  outputBias?: boolean | undefined;
}>;

function outputBiasOf({ bias, outputBias }: Pick<Settings, "bias" | "outputBias">): boolean {
  return outputBias ?? bias;
}

/** x [B, T, D] → y [B, T, D], with keys [B, T, Hk, d] and values [B, T, Hk, V]. */
function attendWhole(settings: Settings, surroundings: Surroundings, scope: Scope, x: Tensor) {
  const { window, causal } = settings;
  const { query, key, value } = project(settings, surroundings, scope, x, iota([x.shape[1]!], 0));
  const scale = scaleOf(settings);
  const { out } = attend(query, key, value, { causal, scale, ...(window === null ? {} : { window }) });
  return { y: readOut(surroundings, scope, out, outputBiasOf(settings)), key, value };
}

/** 1/√d of the features that come from x, or √(base d)/d. */
function scaleOf({ headWidth, baseHeadWidth }: Settings): number {
  return baseHeadWidth === undefined ? 1 / Math.sqrt(headWidth!) : Math.sqrt(baseHeadWidth) / headWidth!;
}

/** x [B, T, D] at positions i32 [T] → queries [B, T, H, d], keys [B, T, Hk, d], values [B, T, Hk, V]; see alibi for d + 1. */
function project(
  settings: Settings,
  { standardDeviation }: Surroundings,
  scope: Scope,
  x: Tensor,
  places: Tensor,
) {
  const { heads, kvHeads, headWidth, valueWidth, positions, rotaryBase, rotaryShare, queryKeyNorm, bias } =
    settings;
  const [batch, length] = x.shape as [number, number];
  const projection = (name: string, count: number, width: number): Tensor => {
    const flat = linearMap(scope.within(name), x, { width: count * width, bias, standardDeviation });
    return scope.observe(name, reshape(flat, [batch, length, count, width]));
  };
  const normalized = (name: string, count: number): Tensor =>
    norm(queryKeyNorm, scope.within(name).within("norm"), projection(name, count, headWidth!));
  const query = normalized("query", heads!);
  const key = normalized("key", kvHeads!);
  const value = projection("value", kvHeads!, valueWidth ?? headWidth!);
  if (positions === "alibi") {
    const slope = slopedQueries(
      query,
      settings.baseHeadWidth === undefined ? Math.sqrt(headWidth!) : 1 / scaleOf(settings),
    );
    return { query: slope, key: placedKeys(key, places), value };
  }
  if (positions !== "rope") return { query, key, value };
  const turned = turnedWidth(headWidth!, rotaryShare);
  const { cosines, sines } = rotaryTables(places, turned, rotaryBase, settings.rotaryScaling);
  const turn = (heads: Tensor): Tensor => {
    if (turned === headWidth) return rotary(heads, cosines, sines);
    const [first, rest] = split(heads, [turned, headWidth! - turned], 3) as [Tensor, Tensor];
    return concatenate([rotary(first, cosines, sines), rest], 3);
  };
  return { query: turn(query), key: turn(key), value };
}

/** Features of a head that are turned, whole pairs. */
function turnedWidth(headWidth: number, share: number): number {
  return 2 * Math.floor((headWidth * share) / 2);
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
