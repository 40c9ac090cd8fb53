// Architectures with a name, as they were published: data only.
import { RequestError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { type Architecture, type ArchitectureInput, defineArchitecture } from "./architecture.ts";
import { backbonePresets } from "./backbonePresets.ts";
import { madPresets } from "./madPresets.ts";

/** Two narrow blocks that speed is compared on; trained with batches of 128. */
export const W1: Architecture = defineArchitecture({
  vocabulary: 64,
  length: 128,
  width: 128,
  layers: 2,
  heads: 8,
  activation: "swiglu",
  feedforward: 256,
});

/** Six blocks of GPT-2's kind that speed is compared on; trained with batches of 8. */
export const W2: Architecture = defineArchitecture({
  vocabulary: 96,
  length: 256,
  width: 384,
  layers: 6,
  heads: 6,
  activation: "gelu",
  feedforward: 1536,
});

type Sizes = readonly [name: string, layers: number, width: number, heads: number];

/** Radford et al. 2019, and the released models. */
const gpt2 = (
  [
    ["gpt2", 12, 768, 12],
    ["gpt2-medium", 24, 1024, 16],
    ["gpt2-large", 36, 1280, 20],
    ["gpt2-xl", 48, 1600, 25],
  ] satisfies Sizes[]
).map(([name, layers, width, heads]) =>
  preset(name, { vocabulary: 50257, length: 1024, layers, width, heads, bias: true, tie: true }),
);

/**
 * Brown et al. 2020, table 2.1, whose heads do not always add up to the width; 13B has 40 heads of 128 on 5140 features
 * as printed. Every other layer attends in a local band, which is not described further and changes no size.
 */
const gpt3 = (
  [
    ["gpt3-small", 12, 768, 12, 64],
    ["gpt3-medium", 24, 1024, 16, 64],
    ["gpt3-large", 24, 1536, 16, 96],
    ["gpt3-xl", 24, 2048, 24, 128],
    ["gpt3-2.7b", 32, 2560, 32, 80],
    ["gpt3-6.7b", 32, 4096, 32, 128],
    ["gpt3-13b", 40, 5140, 40, 128],
    ["gpt3-175b", 96, 12288, 96, 128],
  ] satisfies (readonly [...Sizes, number])[]
).map(([name, layers, width, heads, headWidth]) =>
  preset(name, {
    vocabulary: 50257,
    length: 2048,
    layers,
    width,
    heads,
    headWidth,
    bias: true,
    tie: true,
  }),
);

/**
 * Rae et al. 2021, table 1, and Hoffmann et al. 2022, table 4. Transformer-XL's attention by distance; the published sizes
 * come out with one table of 32,000 tokens. Biases and the activation are not published: none, GELU.
 */
const chinchilla = (
  [
    ["gopher-280b", 80, 16384, 128],
    ["chinchilla-70b", 80, 8192, 64],
  ] satisfies Sizes[]
).map(([name, layers, width, heads]) =>
  preset(name, {
    vocabulary: 32_000,
    length: 2048,
    width,
    stripe: [{ primitive: "relative-attention", heads }, "gelu"],
    repeat: layers,
    norm: "rms",
    positions: "none",
    tie: true,
  }),
);

/** Touvron et al. 2023a and 2023b; Grattafiori et al. 2024; Jiang et al. 2023. Feed-forward sizes as released. */
const llama = (
  [
    ["llama-7b", 32, 4096, 32, 32, 11008, 32000, 2048],
    ["llama-13b", 40, 5120, 40, 40, 13824, 32000, 2048],
    ["llama-33b", 60, 6656, 52, 52, 17920, 32000, 2048],
    ["llama-65b", 80, 8192, 64, 64, 22016, 32000, 2048],
    ["llama-2-7b", 32, 4096, 32, 32, 11008, 32000, 4096],
    ["llama-2-13b", 40, 5120, 40, 40, 13824, 32000, 4096],
    ["llama-2-70b", 80, 8192, 64, 8, 28672, 32000, 4096],
    ["llama-3-8b", 32, 4096, 32, 8, 14336, 128256, 8192],
    ["llama-3-70b", 80, 8192, 64, 8, 28672, 128256, 8192],
    ["mistral-7b", 32, 4096, 32, 8, 14336, 32000, 8192],
  ] satisfies (readonly [
    ...Sizes,
    kvHeads: number,
    feedforward: number,
    vocabulary: number,
    length: number,
  ])[]
).map(([name, layers, width, heads, kvHeads, feedforward, vocabulary, length]) =>
  preset(name, {
    vocabulary,
    length,
    layers,
    width,
    heads,
    kvHeads,
    feedforward,
    activation: "swiglu",
    norm: "rms",
    positions: "rope",
    ...(name.startsWith("llama-3-") ? { rotaryBase: 500_000 } : {}),
    ...(name === "mistral-7b" ? { window: 4096 } : {}),
  }),
);

/** Biderman et al. 2023, with the padded vocabularies of the released models. */
const pythia = (
  [
    ["pythia-70m", 6, 512, 8, 50304],
    ["pythia-160m", 12, 768, 12, 50304],
    ["pythia-410m", 24, 1024, 16, 50304],
    ["pythia-1b", 16, 2048, 8, 50304],
    ["pythia-1.4b", 24, 2048, 16, 50304],
    ["pythia-2.8b", 32, 2560, 32, 50304],
    ["pythia-6.9b", 32, 4096, 32, 50432],
    ["pythia-12b", 36, 5120, 40, 50688],
  ] satisfies (readonly [...Sizes, vocabulary: number])[]
).map(([name, layers, width, heads, vocabulary]) =>
  preset(name, {
    vocabulary,
    length: 2048,
    layers,
    width,
    heads,
    rotaryShare: 0.25,
    bias: true,
    activation: "geluExact",
    positions: "rope",
    block: "parallel",
  }),
);

/**
 * Five shapes with 12·layers·width² = 50,331,648, on the 65 characters of tinyshakespeare (VatsaDev 2024, "Layers"):
 * nanoGPT without biases; its table of positions is left out.
 */
const wideDeep = (
  [
    ["wide-deep-50m-1", 1, 2048, 2],
    ["wide-deep-50m-4", 4, 1024, 2],
    ["wide-deep-50m-16", 16, 512, 2],
    ["wide-deep-50m-64", 64, 256, 4],
    ["wide-deep-50m-256", 256, 128, 4],
  ] satisfies Sizes[]
).map(([name, layers, width, heads]) =>
  preset(name, {
    vocabulary: 65,
    length: 256,
    layers,
    width,
    heads,
    activation: "geluExact",
    norm: "layerUnbiased",
    positions: "none",
    tie: true,
    dropout: 0.2,
  }),
);

/** Three numbers, four hidden units, two outputs: the perceptron of textbooks. */
const perceptron = preset("mlp-3-4-2", {
  inputs: 3,
  width: 4,
  vocabulary: 2,
  length: 1,
  stripe: ["nonlinearity"],
  norm: "none",
  block: "none",
  positions: "none",
  headBias: true,
});

/** What is said of each architecture that has a name. */
export const presets: ReadonlyMap<string, ArchitectureInput> = new Map([
  ...gpt2,
  ...gpt3,
  ...chinchilla,
  ...llama,
  ...pythia,
  ...wideDeep,
  perceptron,
  ...madPresets,
  ...backbonePresets,
]);

function preset(name: string, input: ArchitectureInput): [string, ArchitectureInput] {
  return [name, input];
}

/** More names than these hide the one that was meant. */
const MOST_NAMED = 8;

/** The architecture of a name. Errors: RequestError, with the nearest name or a few of them, for an unknown one. */
export function presetArchitecture(name: string): Architecture {
  const input = presets.get(name);
  if (input !== undefined) return defineArchitecture(input);
  const names = [...presets.keys()];
  const family = names.filter((known) => known.startsWith(`${name.toLowerCase()}-`));
  const meant = nearest(name, names);
  throw new RequestError(
    `architecture ${JSON.stringify(name.slice(0, 60))} is neither a preset nor a file; ` +
      (family.length === 0 && meant !== null
        ? `did you mean ${meant}?`
        : `expected ${someOf(family.length > 0 ? family : names)}, or a .json or .yaml file`),
  );
}

/** All of a few names; of many one of each kind, by what stands before their first digit or dash. */
function someOf(names: readonly string[]): string {
  if (names.length <= MOST_NAMED) return `one of ${names.join(", ")}`;
  const kindOf = (name: string) => /^[^\d-]*/.exec(name)![0];
  const kinds = names.filter((name, i) => names.findIndex((other) => kindOf(other) === kindOf(name)) === i);
  const shown = (kinds.length > 1 ? kinds : names).slice(0, MOST_NAMED);
  return `one of ${names.length} presets, such as ${shown.join(", ")}`;
}
