// The models of mad-lab (Poli et al. 2024): each of its mixers twice in a model of width 128, and its striped hybrids.
// Data only; settings and quirks are those of mad-lab's code.
import type { ArchitectureInput, StripeItem } from "./schema.ts";

const mhAttention = { primitive: "attention", heads: 16, bias: true };
const attention = { primitive: "attention", heads: 1, bias: true };
/** A query sees itself and 32 tokens before it. */
const window = 33;
const product = { featureMap: "product", epsilon: 1e-12 };
const filter = { filterLayers: 2, positionFeatures: 3, frequency: 1, learnedPositions: true };

const hyena = { primitive: "hyena", expand: 4, projectionGroups: 4, filterWidth: 4, ...filter };
const mhHyena = { primitive: "mh-hyena", heads: 8, projectionGroups: 4, filterWidth: 2, ...filter };
const hyenaExperts = { primitive: "hyena-experts", others: "zero", filterWidth: 16, ...filter };
const mamba = { primitive: "mamba", state: 4 };
const swiglu = { primitive: "swiglu", feedforward: 352 };

const stripes: Readonly<Record<string, readonly StripeItem[]>> = {
  "mad-mh-attention": [mhAttention, swiglu],
  "mad-attention": [attention, swiglu],
  "mad-mh-sliding-attention": [{ ...mhAttention, window }, swiglu],
  "mad-sliding-attention": [{ ...attention, window }, swiglu],
  "mad-mh-linear-attention": [{ primitive: "linear-attention", heads: 16, ...product }, swiglu],
  "mad-linear-attention": [{ primitive: "linear-attention", heads: 1, ...product }, swiglu],
  "mad-mh-gated-linear-attention": [{ primitive: "gated-linear-attention", heads: 8, keyWidth: 128 }, swiglu],
  "mad-gated-linear-attention": [{ primitive: "gated-linear-attention", heads: 1, keyWidth: 128 }, swiglu],
  "mad-hyena": [hyena, swiglu],
  "mad-mh-hyena": [mhHyena, swiglu],
  "mad-hyena-experts": [hyenaExperts, swiglu],
  // Two of these stand for a mixer and a channel mixer.
  "mad-mamba": [mamba, mamba],
  "mad-rwkv5": [{ primitive: "rwkv5-time", heads: 8 }, "rwkv-channel"],
  "mad-rwkv6": [{ primitive: "rwkv6-time", heads: 8 }, "rwkv-channel"],
};

const hybrids: Readonly<Record<string, readonly StripeItem[]>> = {
  "mad-striped-hyena": [hyena, swiglu, mhAttention, swiglu],
  "mad-striped-mh-hyena": [mhHyena, swiglu, mhAttention, swiglu],
  "mad-striped-hyena-experts": [hyenaExperts, swiglu, mhAttention, swiglu],
  "mad-striped-hyena-moe": [hyena, "moe-mlp", mhAttention, "moe-mlp"],
  "mad-striped-hyena-experts-moe": [hyenaExperts, "moe-mlp", mhAttention, "moe-mlp"],
  "mad-striped-mamba": [mamba, mamba, mhAttention, swiglu],
};

/** In-context recall with 16 tokens, length 128; other tasks change vocabulary and length. */
function model(stripe: readonly StripeItem[], repeat: number): ArchitectureInput {
  return {
    vocabulary: 16,
    length: 128,
    width: 128,
    stripe,
    repeat,
    norm: "rms",
    positions: "rope",
    headBias: true,
  };
}

export const madPresets: readonly (readonly [string, ArchitectureInput])[] = [
  ...Object.entries(stripes).map(([name, stripe]) => [name, model(stripe, 2)] as const),
  ...Object.entries(hybrids).map(([name, stripe]) => [name, model(stripe, 1)] as const),
];
