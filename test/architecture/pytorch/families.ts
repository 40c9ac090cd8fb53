// Small models of every family of presets, and of every primitive and setting that the PyTorch file has words for.
import type { ArchitectureInput } from "../../../src/architecture/architecture.ts";
import { presets } from "../../../src/architecture/presets.ts";

/** Sizes that take the place of a preset's own, wherever they stand. */
const small: Readonly<Record<string, (value: number) => number>> = {
  vocabulary: (value) => Math.min(value, 19),
  length: (value) => Math.min(value, 12),
  width: (value) => Math.min(value, 32),
  layers: (value) => Math.min(value, 2),
  repeat: (value) => Math.min(value, 2),
  heads: (value) => Math.min(value, 4),
  kvHeads: (value) => Math.min(value, 2),
  headWidth: () => 8,
  feedforward: (value) => Math.min(value, 48),
  window: (value) => Math.min(value, 5),
  inputs: (value) => Math.min(value, 6),
  embeddingWidth: () => 8,
  keyWidth: () => 32,
};

function shrink(value: unknown, key = ""): unknown {
  if (typeof value === "number") return small[key]?.(value) ?? value;
  if (Array.isArray(value)) return value.map((item) => shrink(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, shrink(of, name)]));
}

/** Every preset made small, those that become the same once. */
export function presetFamilies(): Map<string, ArchitectureInput> {
  const found = new Map<string, readonly [string, ArchitectureInput]>();
  for (const [name, input] of presets) {
    const made = shrink(input) as ArchitectureInput;
    const key = JSON.stringify(made);
    if (!found.has(key)) found.set(key, [name, made]);
  }
  return new Map(found.values());
}

const plain = { vocabulary: 13, length: 10, width: 24 } as const;

function alone(mixer: string): ArchitectureInput {
  return { ...plain, stripe: `[${mixer}, swiglu]`, norm: "rms", positions: "none" };
}

/** What no preset has. */
export const variants: Readonly<Record<string, ArchitectureInput>> = {
  alibi: { ...plain, heads: 6, positions: "alibi", layers: 2 },
  "alibi-window": { ...plain, heads: 3, window: 4, positions: "alibi", baseHeadWidth: 4 },
  "query-key-norm": { ...plain, heads: 2, kvHeads: 1, positions: "rope", queryKeyNorm: "rms", layers: 2 },
  "query-key-layer-norm": { ...plain, heads: 3, positions: "rope", rotaryShare: 0.5, queryKeyNorm: "layer" },
  "rotary-scaling": {
    ...plain,
    positions: "rope",
    stripe: [
      {
        primitive: "attention",
        heads: 2,
        rotaryBase: 500,
        rotaryScaling: { factor: 4, low: 1, high: 4, length: 8 },
      },
      "gelu",
    ],
  },
  "value-width": {
    ...plain,
    stripe: [{ primitive: "attention", heads: 2, headWidth: 6, valueWidth: 5, outputBias: true }, "geglu"],
  },
  "both-attentions": {
    ...plain,
    positions: "rope",
    stripe: "[attention(heads: 2, window: 3), relu, attention(heads: 4), squaredRelu]",
    repeat: 2,
  },
  "open-window": {
    ...plain,
    allowNonCausal: true,
    stripe: "[attention(heads: 2, window: 3, causal: false), gelu]",
  },
  post: { ...plain, heads: 2, block: "post", bias: true, layers: 2 },
  parallel: { ...plain, heads: 2, block: "parallel", positions: "rope", residualScale: 0.5, logitScale: 2 },
  none: { ...plain, stripe: "[min-gru, gelu]", block: "none", positions: "none" },
  ends: {
    ...plain,
    heads: 2,
    stripe: "[hyena] + [attention, swiglu] × 2 + [gelu, min-gru]",
    embeddingWidth: 7,
    embeddingNorm: true,
    tokenTypes: 3,
    tie: true,
    headBias: true,
  },
  regularised: { ...plain, heads: 2, dropout: 0.1, stochasticDepth: 0.2, layers: 2, first: ["gelu"] },
  decoder: { ...plain, heads: 2, pool: "last", decoder: "mlp" },
  "decoder-odd": {
    ...plain,
    width: 9,
    stripe: "[gelu]",
    pool: "average",
    decoder: "mlp",
    norm: "none",
    standardDeviation: 0.4,
  },
  last: { ...plain, heads: 2, pool: "last", representation: true },
  groups: { ...plain, heads: 2, repeat: 3, share: { groups: [2, 1] } },
  period: { ...plain, heads: 2, repeat: 4, share: { period: 2, norms: "shared" } },
  nested: { ...plain, heads: 2, activation: "gelu", nested: [0.5, 1] },
  loop: { ...plain, heads: 2, repeat: 2, loop: { times: 3 } },
  "loop-alone": { ...plain, heads: 2, loop: { times: 2, between: "none" }, first: ["gelu"] },
  "loop-regularised": {
    ...plain,
    heads: 2,
    block: "parallel",
    loop: { times: 2 },
    dropout: 0.1,
    stochasticDepth: 0.2,
    stripe: "[gelu] + [attention, swiglu] × 2 + [geglu]",
  },
  "loop-thinned": {
    ...plain,
    heads: 2,
    repeat: 2,
    norm: "none",
    loop: { times: 2, between: "none" },
    stochasticDepth: 0.2,
  },
  "loop-shared": { ...plain, heads: 2, repeat: 4, loop: { times: 2 }, share: { period: 2 } },
  paths: { ...plain, heads: 2, repeat: 2, paths: 2 },
  "paths-alone": {
    ...plain,
    positions: "none",
    stripe: "[hyena(filterWidth: 8), moe(experts: 4, zLoss: 0.01)]",
    paths: { count: 3, norm: "none" },
  },
  "paths-shared": { ...plain, heads: 2, repeat: 3, paths: { count: 2, norm: "rms" }, share: {} },
  lora: { ...plain, heads: 2, repeat: 2, sources: ["lora(rank: 3)"] },
  "lora-shared": { ...plain, heads: 2, repeat: 4, share: { period: 2 }, sources: ["lora(rank: 4)"] },
  maps: { ...plain, heads: 2, repeat: 2, bias: true, sources: ["maps(groups: 6)"] },
  "maps-shared": { ...plain, heads: 2, repeat: 3, share: { groups: [1, 2] }, sources: ["maps"] },
  bank: {
    ...plain,
    stripe: "[gelu] + [attention(heads: 2), swiglu] × 2 + [min-gru]",
    sources: ["bank(size: 999)"],
  },
  "bank-shared": { ...plain, heads: 2, repeat: 3, share: {}, sources: ["bank(size: 700, seed: 3)"] },
  mpo: { ...plain, stripe: "[gelu] + [attention(heads: 2), gelu] × 2", sources: ["mpo"] },
  "mpo-narrow": { ...plain, heads: 2, repeat: 2, sources: ["mpo(rank: 5, center: individual)"] },
  "mpo-shared": {
    ...plain,
    heads: 2,
    repeat: 4,
    share: { period: 2 },
    sources: ["mpo(rank: 6)", "lora(rank: 2)"],
  },
  ternary: { ...plain, heads: 2, repeat: 2, sources: ["ternary"] },
  "ternary-shared": { ...plain, heads: 2, repeat: 3, share: {}, sources: ["ternary"] },
  "sources-of-states": {
    ...alone("mamba(state: 5, rank: 3)"),
    stripe:
      "[mamba(state: 5, rank: 3), rwkv6-time(heads: 3, shiftRank: 4, decayRank: 5), lstm, rg-lru(blocks: 4)]",
    layers: 2,
    sources: ["mpo(rank: 9)", "share", "lora(rank: 2)"],
  },
  "sources-of-experts": {
    ...alone("hyena-experts(experts: 4, filterWidth: 8)"),
    stripe:
      "[hyena-experts(experts: 4, filterWidth: 8), moe(experts: 4, network: swiglu), moe-mlp(experts: 4)]",
    layers: 2,
    sources: ["bank(size: 3000)", "maps(groups: 4)", "ternary"],
  },
  everything: {
    ...plain,
    heads: 2,
    repeat: 4,
    norm: "rms",
    paths: 2,
    loop: { times: 2 },
    sources: ["ternary", "maps(groups: 4)", "share(period: 2)", "lora(rank: 2)", "bank(size: 2000)"],
  },
  "relative-attention": alone("relative-attention(heads: 2, bias: true)"),
  "linear-attention": alone("linear-attention(heads: 2)"),
  taylor: alone("linear-attention(heads: 2, featureMap: taylor, keyWidth: 4, bias: true)"),
  product: alone("linear-attention(heads: 2, featureMap: product, normalised: false)"),
  retnet: alone("retnet(heads: 3)"),
  "delta-net": alone("delta-net(heads: 2)"),
  "gated-delta-net": alone("gated-delta-net(heads: 2, keyWidth: 12, valueWidth: 20)"),
  "gated-linear-attention": alone("gated-linear-attention(heads: 2, rank: 5)"),
  mamba: alone("mamba(state: 5, rank: 3, bias: true)"),
  mamba2: alone("mamba2(state: 6, headWidth: 8)"),
  rwkv4: { ...alone("rwkv4-time"), stripe: "[rwkv4-time, rwkv-channel]", layers: 2 },
  rwkv5: { ...alone("rwkv5-time"), stripe: "[rwkv5-time(heads: 3), rwkv-channel]" },
  rwkv6: {
    ...alone("rwkv6-time"),
    stripe: "[rwkv6-time(heads: 3, shiftRank: 4, decayRank: 5), rwkv-channel]",
  },
  "rg-lru": alone("rg-lru(blocks: 4)"),
  "min-gru": alone("min-gru(hidden: 20, bias: true)"),
  "min-gru-linear": alone("min-gru(candidate: linear)"),
  lstm: alone("lstm"),
  "lstm-wide": alone("lstm(hidden: 30)"),
  hyena: alone("hyena(order: 3, positionFeatures: 5, filterWidth: 8)"),
  "mh-hyena": alone("mh-hyena(heads: 4, filterWidth: 8)"),
  "hyena-experts": alone("hyena-experts(experts: 4, filterWidth: 8)"),
  nonlinearity: { ...plain, stripe: "[nonlinearity(function: silu), nonlinearity(function: squaredRelu)]" },
  moe: alone("moe(experts: 4, network: swiglu, sharedExperts: 1, zLoss: 0.01)"),
  "moe-capacity": alone("moe(experts: 4, capacity: 0.7, order: choices, bias: true, feedforward: 9)"),
  "moe-gates": alone(
    "moe(experts: 6, prototypes: 2, capacity: 0.6, order: gates, capacityGroup: batch, capacityRounding: up)",
  ),
  "moe-prototypes": alone("moe(experts: 6, prototypes: 3, chosen: 1, network: geglu)"),
  "moe-expert-choice": {
    ...alone("moe-expert-choice(experts: 4, sharedExperts: 2, zLoss: 0.1)"),
    allowNonCausal: true,
  },
  "moe-expert-choice-batch": {
    ...alone("moe-expert-choice(experts: 4, capacity: 1, capacityGroup: batch, network: relu)"),
    allowNonCausal: true,
  },
  "moe-mlp": alone("moe-mlp(experts: 4, chosen: 2, others: out, bias: true, unusedGates: false)"),
};
