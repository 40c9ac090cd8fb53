// What a design tries where no candidates are given: each idea is one thing that could be otherwise than in a usual decoder, as
// a blueprint of any width. Data; knows no budget and trains nothing.
import type { ArchitectureInput } from "../architecture/schema.ts";
import { nearestDivisor } from "../nn/heads.ts";

/** What a blueprint is told. */
export interface Shape {
  readonly width: number;
  /** A divisor of half the width, so that features can be turned in pairs. */
  readonly heads: number;
  /** Hidden features of a gated layer; others have half as many again. */
  readonly feedforward: number;
  /** Tokens of a sequence. */
  readonly length: number;
}

/** One thing to try. */
export interface Idea {
  readonly name: string;
  /** In a few words. */
  readonly why: string;
  /** Layers, in multiples of the usual number, which is a multiple of four. */
  readonly depth: number;
  /** Besides vocabulary, length, width, layers, RMS norms and rotary positions. */
  readonly blueprint: (shape: Shape) => Omit<Partial<ArchitectureInput>, "vocabulary">;
}

const attention = ({ heads }: Shape, more = ""): string => `attention(heads: ${heads}${more})`;
const swiglu = ({ feedforward }: Shape): string => `swiglu(feedforward: ${feedforward})`;
const plain = (name: string, { feedforward }: Shape): string =>
  `${name}(feedforward: ${Math.round(1.5 * feedforward)})`;
const window = ({ length }: Shape): number => Math.max(1, Math.round(length / 4));
/** Inner heads, which must divide twice the width. */
const mamba2 = ({ width }: Shape): string => `mamba2(headWidth: ${width % 32 === 0 ? 64 : 16}, state: 64)`;
const delta = ({ heads }: Shape): string => `gated-delta-net(heads: ${heads})`;

type Mixer = (shape: Shape) => string;

/** Blocks of a mixer and SwiGLU; recurrent mixers need no positions. */
const blocks =
  (mixer: Mixer, more: Partial<ArchitectureInput> = {}) =>
  (shape: Shape) => ({ stripe: `[${mixer(shape)}, ${swiglu(shape)}]`, ...more });
const recurrent = (mixer: Mixer) => blocks(mixer, { positions: "none" });
/** Attention in the second of every four layers. */
const striped = (mixer: Mixer) => blocks((shape) => `${mixer(shape)} | ${attention(shape)} 1/4 at 2`);

/** The first is what the others are held against. */
export const ideas: readonly Idea[] = [
  {
    name: "decoder",
    why: "attention, SwiGLU, RMS norms, rotary positions",
    depth: 1,
    blueprint: blocks(attention),
  },
  {
    name: "decoder-widest",
    why: "a quarter of the layers, wider",
    depth: 1 / 4,
    blueprint: blocks(attention),
  },
  { name: "decoder-wide", why: "half of the layers, wider", depth: 1 / 2, blueprint: blocks(attention) },
  { name: "decoder-deep", why: "twice the layers, narrower", depth: 2, blueprint: blocks(attention) },
  {
    name: "decoder-gelu",
    why: "GELU in place of a gated layer",
    depth: 1,
    blueprint: (shape) => ({ stripe: `[${attention(shape)}, ${plain("gelu", shape)}]` }),
  },
  {
    name: "decoder-relu2",
    why: "squared ReLU in place of a gated layer",
    depth: 1,
    blueprint: (shape) => ({ stripe: `[${attention(shape)}, ${plain("squaredRelu", shape)}]` }),
  },
  {
    name: "decoder-gpt2",
    why: "GPT-2's choices: learned positions, layer norms, GELU",
    depth: 1,
    blueprint: (shape) => ({
      stripe: `[${attention(shape)}, ${plain("gelu", shape)}]`,
      ...{ norm: "layer", positions: "learned" },
    }),
  },
  {
    name: "decoder-grouped",
    why: "heads share keys and values, about four to one",
    depth: 1,
    blueprint: (shape) =>
      blocks(() => attention(shape, `, kvHeads: ${nearestDivisor(shape.heads, shape.heads / 4)}`))(shape),
  },
  {
    name: "decoder-normed",
    why: "queries and keys are normalised",
    depth: 1,
    blueprint: blocks((shape) => attention(shape, ", queryKeyNorm: rms")),
  },
  {
    name: "decoder-parallel",
    why: "attention and feed-forward beside each other",
    depth: 1,
    blueprint: blocks(attention, { block: "parallel" }),
  },
  {
    name: "decoder-alibi",
    why: "linear biases in place of rotary positions",
    depth: 1,
    blueprint: blocks(attention, { positions: "alibi" }),
  },
  {
    name: "local-global",
    why: "three layers of four see a quarter of the length",
    depth: 1,
    blueprint: blocks(
      (shape) => `${attention(shape, `, window: ${window(shape)}`)} | ${attention(shape)} 1/4`,
    ),
  },
  { name: "mamba2", why: "selective state space alone", depth: 1, blueprint: recurrent(mamba2) },
  { name: "mamba2-attention", why: "one attention to three Mamba-2", depth: 1, blueprint: striped(mamba2) },
  { name: "delta", why: "gated delta rule alone", depth: 1, blueprint: recurrent(delta) },
  {
    name: "delta-attention",
    why: "one attention to three gated delta rules",
    depth: 1,
    blueprint: striped(delta),
  },
  {
    name: "gated-linear",
    why: "gated linear attention alone",
    depth: 1,
    blueprint: recurrent(({ heads }) => `gated-linear-attention(heads: ${heads})`),
  },
  {
    name: "hyena-attention",
    why: "one attention to three Hyena",
    depth: 1,
    blueprint: striped(() => "hyena"),
  },
  { name: "rg-lru", why: "gated linear recurrence alone", depth: 1, blueprint: recurrent(() => "rg-lru") },
  {
    name: "rg-lru-local",
    why: "one local attention to three gated linear recurrences, as Griffin has",
    depth: 1,
    blueprint: blocks((shape) => `rg-lru | ${attention(shape, `, window: ${window(shape)}`)} 1/4 at 3`),
  },
  { name: "min-gru", why: "the smallest recurrence", depth: 1, blueprint: recurrent(() => "min-gru") },
];
