// The Vision Transformer (Dosovitskiy et al. 2021) as ViTForImageClassification stores it. D width, C colours, P side of a patch.
import type { Architecture } from "../../architecture/schema.ts";
import { isObject } from "../../json.ts";
import type { Shape } from "../../tensor/tensor.ts";
import {
  type Config,
  commonBlock,
  type Layout,
  type LayoutTensor,
  linearTensors,
  normTensors,
  plainTensor,
  requireSettings,
  type TransformerBlock,
  transformerBlocks,
  unlike,
} from "../layout.ts";
import { headsFillWidth, requireHeadsFillWidth } from "./heads.ts";

const TYPE = "vit";
const activations = { gelu: "geluExact", gelu_new: "gelu", gelu_pytorch_tanh: "gelu", relu: "relu" } as const;

export const vit: Layout = {
  type: TYPE,
  model: "ViTForImageClassification",
  prefix: "vit.",
  ignored: null,
  architecture(keys) {
    if (!keys.flag("qkv_bias", true)) throw keys.wrong("qkv_bias", "true");
    if (keys.whole("num_channels", CHANNELS) !== CHANNELS) throw keys.wrong("num_channels", String(CHANNELS));
    const [side, patch] = [keys.whole("image_size", 224), keys.whole("patch_size", 16)];
    if (side % patch !== 0) throw keys.wrong("patch_size", `a divisor of image_size ${side}`);
    const labels = keys.raw("id2label");
    const width = keys.whole("hidden_size", 768);
    return {
      vocabulary: isObject(labels) ? Object.keys(labels).length : keys.whole("num_labels", 2),
      inputs: CHANNELS * patch ** 2,
      length: (side / patch) ** 2,
      width,
      layers: keys.whole("num_hidden_layers", 12),
      stripe: [
        { primitive: "attention", heads: keys.whole("num_attention_heads", 12), bias: true, causal: false },
        {
          primitive: keys.word("hidden_act", activations, "gelu"),
          feedforward: keys.whole("intermediate_size", 4 * width),
          bias: true,
        },
      ],
      classToken: "learned",
      pool: "class",
      headBias: true,
      normEpsilon: keys.number("layer_norm_eps", 1e-12),
      standardDeviation: keys.number("initializer_range", 0.02),
    };
  },
  config(architecture, before) {
    const { vocabulary, width, normEpsilon, standardDeviation, length } = architecture;
    const { attention, feedforward, layers } = sizesOf(architecture);
    const names = Object.entries(activations).filter(([, ours]) => ours === feedforward.primitive);
    if (names.length === 0)
      throw unlike(TYPE, `it has ${feedforward.primitive} layers`, "geluExact, gelu or relu");
    const same = names.find(([name]) => name === before.hidden_act) ?? names[0]!;
    const patch = patchOf(architecture);
    const labels = Array.from({ length: vocabulary }, (_, i) => [String(i), `LABEL_${i}`] as const);
    return {
      hidden_size: width,
      num_hidden_layers: layers,
      num_attention_heads: attention.heads,
      intermediate_size: feedforward.feedforward,
      hidden_act: same[0],
      layer_norm_eps: normEpsilon,
      initializer_range: standardDeviation,
      image_size: Math.sqrt(length) * patch,
      patch_size: patch,
      num_channels: CHANNELS,
      qkv_bias: true,
      ...labelsOf(before, labels),
    };
  },
  tensors(architecture) {
    const blocks = transformerBlocks(TYPE, architecture);
    const patch = patchOf(architecture);
    const e = "vit.embeddings";
    return [
      { ...plainTensor(`${e}.cls_token`, "embedding.class"), shape: ([width]) => [1, 1, width!] },
      {
        ...plainTensor(`${e}.position_embeddings`, "embedding.positions"),
        shape: (matrix) => [1, ...matrix],
      },
      ...patchTensors(`${e}.patch_embeddings.projection`, patch),
      ...blocks.flatMap(blockTensors),
      ...normTensors("vit.layernorm", "norm", true),
      ...linearTensors("classifier", "head", true),
    ];
  },
  ties(before, after) {
    const { feedforward } = commonBlock(TYPE, transformerBlocks(TYPE, after)).feedforward;
    const why = `intermediate_size is ${feedforward}, where 4 × hidden_size is ${4 * after.width}`;
    const noted = after.width !== before.width && feedforward !== 4 * after.width;
    return [...headsFillWidth(TYPE, before, after), ...(noted ? [{ why }] : [])];
  },
};

/** C. An architecture says how many numbers a patch has, and not of how many colours they are. */
const CHANNELS = 3;

function sizesOf(architecture: Architecture) {
  const fixed = {
    positions: "learned",
    norm: "layer",
    classToken: "learned",
    pool: "class",
    headBias: true,
    tie: false,
  };
  requireSettings(TYPE, architecture, fixed);
  const blocks = transformerBlocks(TYPE, architecture);
  const { attention, feedforward } = commonBlock(TYPE, blocks);
  const { heads } = attention;
  requireSettings(TYPE, attention, {
    ...{ kvHeads: heads, window: null, causal: false, queryKeyNorm: "none" },
    bias: true,
  });
  requireSettings(
    TYPE,
    { outputBias: attention.outputBias ?? true, ...feedforward },
    {
      ...{ outputBias: true, bias: true, activationAfter: false },
    },
  );
  requireHeadsFillWidth(TYPE, architecture);
  return { attention, feedforward, layers: blocks.length };
}

/** P of square images in three colours. */
function patchOf({ inputs, length }: Architecture): number {
  const [patch, side] = [Math.sqrt((inputs ?? 0) / CHANNELS), Math.sqrt(length)];
  if (Number.isInteger(patch) && patch > 0 && Number.isInteger(side)) return patch;
  throw unlike(
    TYPE,
    `it sees ${length} places of ${inputs ?? "token"} numbers`,
    "square images in three colours, cut into squares",
  );
}

function labelsOf({ id2label }: Config, labels: readonly (readonly [string, string])[]): Config {
  if (isObject(id2label) && Object.keys(id2label).length === labels.length) return {};
  return {
    id2label: Object.fromEntries(labels),
    label2id: Object.fromEntries(labels.map(([id, name]) => [name, Number(id)])),
  };
}

/** A convolution [D, C, P, P]; the numbers of our patches go by rows, then columns, then colours. */
function patchTensors(name: string, patch: number): LayoutTensor[] {
  const [weight, bias] = linearTensors(name, "embedding", true) as [LayoutTensor, LayoutTensor];
  const area = patch ** 2;
  const columns = Int32Array.from(
    { length: CHANNELS * area },
    (_, i) => (i % area) * CHANNELS + Math.floor(i / area),
  );
  const shape = ([width]: Shape): Shape => [width!, CHANNELS, patch, patch];
  return [{ ...weight, shape, columns }, bias];
}

function blockTensors(
  { attentionPrefix: a, feedforwardPrefix: f }: TransformerBlock,
  i: number,
): LayoutTensor[] {
  const at = `vit.encoder.layer.${i}`;
  return [
    ...normTensors(`${at}.layernorm_before`, `${a}norm`, true),
    ...["query", "key", "value"].flatMap((part) =>
      linearTensors(`${at}.attention.attention.${part}`, `${a}${part}`, true),
    ),
    ...linearTensors(`${at}.attention.output.dense`, `${a}output`, true),
    ...normTensors(`${at}.layernorm_after`, `${f}norm`, true),
    ...linearTensors(`${at}.intermediate.dense`, `${f}up`, true),
    ...linearTensors(`${at}.output.dense`, `${f}down`, true),
  ];
}
