// GPT-2 (Radford et al. 2019) as GPT2LMHeadModel stores it: maps by rows of their inputs, queries, keys and values in one.
import type { Architecture } from "../../architecture/schema.ts";
import {
  commonBlock,
  type Layout,
  type LayoutTensor,
  normTensors,
  plainTensor,
  requireSettings,
  type TransformerBlock,
  transformerBlocks,
  unlike,
} from "../layout.ts";
import { headsFillWidth, requireHeadsFillWidth } from "./heads.ts";

const TYPE = "gpt2";
const activations = { gelu_new: "gelu", gelu_pytorch_tanh: "gelu", gelu: "geluExact", relu: "relu" } as const;

export const gpt2: Layout = {
  type: TYPE,
  model: "GPT2LMHeadModel",
  prefix: "transformer.",
  ignored: /^((transformer\.)?h\.\d+\.attn\.(bias|masked_bias)|lm_head\.weight)$/,
  architecture(keys) {
    if (!keys.flag("scale_attn_weights", true)) throw keys.wrong("scale_attn_weights", "true");
    if (keys.flag("scale_attn_by_inverse_layer_idx", false)) {
      throw keys.wrong("scale_attn_by_inverse_layer_idx", "false");
    }
    const width = keys.whole("n_embd", 768);
    return {
      vocabulary: keys.whole("vocab_size", 50_257),
      length: keys.whole("n_positions", 1024),
      width,
      layers: keys.whole("n_layer", 12),
      heads: keys.whole("n_head", 12),
      activation: keys.word("activation_function", activations, "gelu_new"),
      feedforward: keys.whole("n_inner", 4 * width),
      bias: true,
      normEpsilon: keys.number("layer_norm_epsilon", 1e-5),
      standardDeviation: keys.number("initializer_range", 0.02),
      tie: keys.flag("tie_word_embeddings", true),
    };
  },
  config(architecture, before) {
    const { vocabulary, length, width, normEpsilon, tie, standardDeviation } = architecture;
    const { feedforward, attention, layers } = sizesOf(architecture);
    const names = Object.entries(activations).filter(([, ours]) => ours === feedforward.primitive);
    if (names.length === 0)
      throw unlike(TYPE, `it has ${feedforward.primitive} layers`, "gelu, geluExact or relu");
    const same = names.find(([name]) => name === before.activation_function) ?? names[0]!;
    return {
      vocab_size: vocabulary,
      n_positions: length,
      ...(before.n_ctx === undefined ? {} : { n_ctx: length }),
      n_embd: width,
      n_layer: layers,
      n_head: attention.heads,
      n_inner: feedforward.feedforward === 4 * width ? null : feedforward.feedforward,
      activation_function: same[0],
      layer_norm_epsilon: normEpsilon,
      initializer_range: standardDeviation,
      tie_word_embeddings: tie,
    };
  },
  tensors(architecture) {
    const blocks = transformerBlocks(TYPE, architecture);
    return [
      plainTensor("transformer.wte.weight", "embedding.tokens"),
      plainTensor("transformer.wpe.weight", "embedding.positions"),
      ...blocks.flatMap(blockTensors),
      ...normTensors("transformer.ln_f", "norm", true),
      ...(architecture.tie ? [] : [{ name: "lm_head.weight", parts: ["head.weight"], transposed: true }]),
    ];
  },
  ties(before, after) {
    const { width } = after;
    const { feedforward } = sizesOf(after, false).feedforward;
    const wasTied = sizesOf(before).feedforward.feedforward === 4 * before.width;
    const why = `n_inner is written: ${feedforward}, where 4 × n_embd is ${4 * width}`;
    const isNew = wasTied && feedforward !== 4 * width;
    return [...headsFillWidth(TYPE, before, after), ...(isNew ? [{ why }] : [])];
  },
};

function sizesOf(architecture: Architecture, whole = true) {
  const fixed = {
    positions: "learned",
    norm: "layer",
    inputs: null,
    classToken: null,
    pool: null,
    headBias: false,
  };
  requireSettings(TYPE, architecture, fixed);
  const blocks = transformerBlocks(TYPE, architecture);
  const { attention, feedforward } = commonBlock(TYPE, blocks);
  const { heads } = attention;
  requireSettings(TYPE, attention, {
    ...{ kvHeads: heads, window: null, causal: true, queryKeyNorm: "none" },
    bias: true,
  });
  requireSettings(
    TYPE,
    { outputBias: attention.outputBias ?? true, ...feedforward },
    {
      ...{ outputBias: true, bias: true, activationAfter: false },
    },
  );
  if (whole) requireHeadsFillWidth(TYPE, architecture);
  return { attention, feedforward, layers: blocks.length };
}

function blockTensors(
  { attentionPrefix: a, feedforwardPrefix: f }: TransformerBlock,
  i: number,
): LayoutTensor[] {
  const at = `transformer.h.${i}`;
  const both = (name: string, ...parameters: string[]): LayoutTensor[] =>
    ["weight", "bias"].map((kind) => ({
      name: `${at}.${name}.${kind}`,
      parts: parameters.map((parameter) => `${parameter}.${kind}`),
      transposed: false,
    }));
  return [
    ...normTensors(`${at}.ln_1`, `${a}norm`, true),
    ...both("attn.c_attn", `${a}query`, `${a}key`, `${a}value`),
    ...both("attn.c_proj", `${a}output`),
    ...normTensors(`${at}.ln_2`, `${f}norm`, true),
    ...both("mlp.c_fc", `${f}up`),
    ...both("mlp.c_proj", `${f}down`),
  ];
}
