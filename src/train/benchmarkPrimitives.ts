// Primitives to be timed alone, as data: settings from width and length, and the operations that are useful work. Knows no
// machine and times nothing.
// d width, T length, h heads, e = 2d, N state, f hidden features, E experts, P weights that multiply a token, taps of short convolutions
// included.

import type { Primitive } from "../nn/primitive.ts";
import { primitives } from "../nn/primitives.ts";

/** One primitive to be timed, under a name of its own. */
export interface PrimitiveCase {
  readonly name: string;
  readonly primitive: Primitive;
  /** Settings other than the defaults, at width `d` and length `T`. */
  readonly settings: (d: number, T: number) => Readonly<Record<string, unknown>>;
  /** Null: the operations are those that the graph counts. */
  readonly useful: UsefulFlops | null;
}

/**
 * Floating-point operations of the forward pass for a token that any way to compute it has to do: products and recurrences
 * in their cheapest exact form, a multiply and an add being two, an exponential and a division one, causal halves once.
 * Left out: norms, activations, rotary positions, what chunks and recomputation cost, and what positions alone go through
 * (filters, distances), which a batch shares.
 */
export interface UsefulFlops {
  /** In words, in the letters of bench/README.md. */
  readonly formula: string;
  /** The number, at width `d` and length `T`. */
  readonly perToken: (d: number, T: number) => number;
}

const HEAD_WIDTH = 64;
const WINDOW = { short: 32, long: 256 } as const;
const SHORT = 128;

const headsOf = (d: number): number => Math.max(1, Math.floor(d / HEAD_WIDTH));
const windowOf = (T: number): number => (T <= SHORT ? WINDOW.short : WINDOW.long);
/** Three matrices of f cost what two of 4d do; to the nearest multiple of 16. */
const gatedFeedforward = (d: number): number => 16 * Math.max(1, Math.round(d / 6));

/** Positions that a token sees of the last `most`, itself among them: the mean over a sequence. */
function meanSeen(T: number, most: number = T): number {
  const growing = Math.min(T, most);
  return ((growing * (growing + 1)) / 2 + (T - growing) * growing) / T;
}

/** A product of spectra behind two real transforms of 2T points, for one channel. */
const longConvolution = (T: number): number => 10 * Math.log2(2 * T) + 6;

const withHeads = (d: number) => ({ heads: headsOf(d) });

/** A matrix state for each head: `operations` on each of its d²/h numbers. */
const matrixState = (operations: number, d: number): number => (operations * d * d) / headsOf(d);

function mlpCase(name: string): PrimitiveCase {
  return caseOf(name, "16d²", (d) => 16 * d * d);
}

function gatedCase(name: string): PrimitiveCase {
  const settings = (d: number) => ({ feedforward: gatedFeedforward(d) });
  return caseOf(name, "6df", (d) => 6 * d * gatedFeedforward(d), settings);
}

function caseOf(
  primitive: string,
  formula: string,
  perToken: UsefulFlops["perToken"],
  settings: PrimitiveCase["settings"] = () => ({}),
  name: string = primitive,
): PrimitiveCase {
  return { name, primitive: primitives.get(primitive)!, settings, useful: { formula, perToken } };
}

const rope = (d: number) => ({ ...withHeads(d), positions: "rope" });

/** Two experts of 4d for a token, whether or not a choice finds a place, and the router. */
function expertsCase(experts: number): PrimitiveCase {
  return caseOf(
    "moe",
    "32d² + 2dE",
    (d) => 32 * d * d + 2 * d * experts,
    () => ({ experts, capacity: 1.25, capacityGroup: "batch" }),
    `moe-2of${experts}`,
  );
}

/** The first eighteen are those that PyTorch was measured with, see bench/primitives.json. */
const cases: readonly PrimitiveCase[] = [
  caseOf("attention", "8d² + 4d·(T+1)/2", (d, T) => 8 * d * d + 4 * d * meanSeen(T), rope),
  caseOf(
    "attention",
    "8d² + 4d·mean(min(t, window))",
    (d, T) => 8 * d * d + 4 * d * meanSeen(T, windowOf(T)),
    (d, T) => ({ ...rope(d), window: windowOf(T) }),
    "sliding-attention",
  ),
  caseOf("linear-attention", "8d² + 4d²/h", (d) => 8 * d * d + matrixState(4, d), withHeads),
  caseOf(
    "gated-linear-attention",
    "2P + 5d²/h",
    (d) => 2 * (5 * d * d + 2 * 16 * d) + matrixState(5, d),
    (d) => ({ ...withHeads(d), keyWidth: d }),
  ),
  caseOf("retnet", "16d² + 10d²/h", (d) => 16 * d * d + matrixState(10, d), withHeads),
  caseOf("mamba", "2P + 7eN", (d) => {
    const [e, rank] = [2 * d, Math.ceil(d / 16)];
    return 2 * (d * 2 * e + 4 * e + e * (rank + 2 * 16) + rank * e + e * d) + 7 * e * 16;
  }),
  caseOf(
    "mamba2",
    "2P + 5eN",
    (d) => {
      const [e, shared] = [2 * d, 2 * 64];
      const heads = e / Math.min(HEAD_WIDTH, e);
      return 2 * (d * (2 * e + shared + heads) + 4 * (e + shared) + e * d) + 5 * e * 64;
    },
    () => ({ state: 64 }),
  ),
  caseOf(
    "rwkv6-time",
    "2P + 5d²/h",
    (d) => 2 * (5 * d * d + 2 * 5 * 32 * d + 2 * 64 * d) + matrixState(5, d),
    withHeads,
  ),
  caseOf(
    "delta-net",
    "2P + 6d²/h",
    (d) => 2 * (4 * d * d + d * headsOf(d) + 3 * 4 * d) + matrixState(6, d),
    withHeads,
  ),
  caseOf(
    "gated-delta-net",
    "2P + 7d²/h",
    (d) => 2 * (5 * d * d + 2 * d * headsOf(d) + 3 * 4 * d) + matrixState(7, d),
    (d) => ({ ...withHeads(d), keyWidth: d, valueWidth: d }),
  ),
  caseOf("hyena", "8d² + 18d + d(10 log₂2T + 6)", (d, T) => 8 * d * d + 18 * d + d * longConvolution(T)),
  caseOf("min-gru", "4d² + 4d", (d) => 4 * d * d + 4 * d),
  caseOf(
    "rg-lru",
    "2P + 4d",
    (d) => 2 * (3 * d * d + 4 * d + (2 * d * d) / headsOf(d)) + 4 * d,
    (d) => ({ recurrentWidth: d, blocks: headsOf(d) }),
  ),
  caseOf("lstm", "16d² + 10d", (d) => 16 * d * d + 10 * d),
  mlpCase("gelu"),
  gatedCase("swiglu"),
  expertsCase(4),
  expertsCase(8),
  caseOf("relative-attention", "8d² + 6d·(T+1)/2", (d, T) => 8 * d * d + 6 * d * meanSeen(T), withHeads),
  caseOf("rwkv4-time", "8d² + 11d", (d) => 8 * d * d + 11 * d),
  caseOf("rwkv5-time", "10d² + 5d²/h", (d) => 10 * d * d + matrixState(5, d), withHeads),
  caseOf("mh-hyena", "8d² + 18d + min(4d·(T+1)/2 + h(T+1)/2, d²/h·(10 log₂2T + 9)), h = 8", (d, T) => {
    // Either every pair of tokens meets, or the outer products of every head go through its convolution.
    const pairs = (4 * d + 8) * meanSeen(T);
    const states = ((d * d) / 8) * (longConvolution(T) + 3);
    return 8 * d * d + 18 * d + Math.min(pairs, states);
  }),
  caseOf("hyena-experts", "2P + d(10 log₂2T + 6) + 2d/4", (d, T) => {
    const [experts, chosen] = [8, 2];
    const weights = 3 * d * d + 3 * 3 * d + d * experts + (d * d) / experts;
    return 2 * weights + d * longConvolution(T) + (2 * d * chosen) / experts;
  }),
  caseOf("rwkv-channel", "18d²", (d) => 18 * d * d),
  mlpCase("relu"),
  mlpCase("squaredRelu"),
  mlpCase("geluExact"),
  gatedCase("geglu"),
];

/**
 * Everything that can be timed: the cases above, then every other primitive of `registered` with its default settings.
 */
export function primitiveCases(registered: ReadonlyMap<string, Primitive> = primitives): PrimitiveCase[] {
  const known = new Set(cases.map(({ primitive }) => primitive.name));
  const others = [...registered.values()].filter(({ name }) => !known.has(name));
  return [
    ...cases,
    ...others.map((primitive) => ({ name: primitive.name, primitive, settings: () => ({}), useful: null })),
  ];
}
