// Decoders of Llama's kind (Touvron et al. 2023): rotary positions, RMS norms, SwiGLU, heads in groups. What tells the layouts of
// that kind from each other is given to `rotaryLayout`.
import type { Architecture, ArchitectureInput } from "../../architecture/schema.ts";
import { isObject } from "../../json.ts";
import {
  type AttentionSettings,
  type Config,
  type ConfigKeys,
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
import { valuesFollowKeys } from "./heads.ts";

/** Biases and windows of such a decoder. */
export interface Variant {
  readonly window: number | null;
  /** Of the maps of attention. */
  readonly bias: boolean;
  readonly outputBias: boolean;
  readonly feedforwardBias: boolean;
}

interface RotaryLayout {
  readonly type: string;
  readonly model: string;
  /** Default of the base of the frequencies. */
  read(keys: ConfigKeys): Variant;
  /** The keys for it; Errors: RequestError where there are none. */
  write(variant: Variant, before: Config): Config;
}

export function rotaryLayout({ type, model, read, write }: RotaryLayout): Layout {
  return {
    type,
    model,
    prefix: "model.",
    ignored: /((^|\.)rotary_emb\.inv_freq|^lm_head\.weight)$/,
    architecture(keys) {
      const variant = read(keys);
      const [width, heads] = [keys.whole("hidden_size"), keys.whole("num_attention_heads")];
      keys.word("hidden_act", { silu: true }, "silu");
      return {
        vocabulary: keys.whole("vocab_size"),
        length: keys.whole("max_position_embeddings", 2048),
        width,
        layers: keys.whole("num_hidden_layers"),
        stripe: [
          {
            primitive: "attention",
            heads,
            kvHeads: keys.whole("num_key_value_heads", heads),
            headWidth: keys.whole("head_dim", width / heads),
            window: variant.window,
            bias: variant.bias,
            outputBias: variant.outputBias,
            ...rotaryOf(keys),
          },
          {
            primitive: "swiglu",
            feedforward: keys.whole("intermediate_size"),
            bias: variant.feedforwardBias,
          },
        ],
        positions: "rope",
        norm: "rms",
        normEpsilon: keys.number("rms_norm_eps", 1e-6),
        standardDeviation: keys.number("initializer_range", 0.02),
        tie: keys.flag("tie_word_embeddings", false),
      } satisfies ArchitectureInput;
    },
    config(architecture, before) {
      const { vocabulary, length, width, normEpsilon, tie, standardDeviation } = architecture;
      const { attention, feedforward, layers } = sizesOf(type, architecture);
      const {
        heads,
        kvHeads,
        headWidth,
        valueWidth = headWidth,
        window,
        bias,
        outputBias = bias,
      } = attention;
      if (valueWidth !== headWidth) {
        throw unlike(type, `its values have ${valueWidth} features, its keys ${headWidth}`, "as many");
      }
      const named = before.head_dim !== undefined || heads * headWidth !== width;
      return {
        vocab_size: vocabulary,
        max_position_embeddings: length,
        hidden_size: width,
        num_hidden_layers: layers,
        num_attention_heads: heads,
        num_key_value_heads: kvHeads,
        ...(named ? { head_dim: headWidth } : {}),
        intermediate_size: feedforward.feedforward,
        hidden_act: "silu",
        rms_norm_eps: normEpsilon,
        initializer_range: standardDeviation,
        tie_word_embeddings: tie,
        ...(Array.isArray(before.layer_types) ? { layer_types: layerTypes(window, layers) } : {}),
        ...writeRotary(attention, before),
        ...write({ window, bias, outputBias, feedforwardBias: feedforward.bias }, before),
      };
    },
    tensors(architecture) {
      return [
        plainTensor("model.embed_tokens.weight", "embedding.tokens"),
        ...transformerBlocks(type, architecture).flatMap(blockTensors),
        ...normTensors("model.norm", "norm", false),
        ...(architecture.tie ? [] : [{ name: "lm_head.weight", parts: ["head.weight"], transposed: true }]),
      ];
    },
    ties(before, after) {
      const [old, now] = [before, after].map(
        (each) => commonBlock(type, transformerBlocks(type, each)).attention,
      );
      const followed = valuesFollowKeys(type, after);
      const wasWhole = old!.heads * old!.headWidth === before.width;
      const isWhole = now!.heads * now!.headWidth === after.width;
      const why = `head_dim is written: ${now!.headWidth}, where hidden_size / num_attention_heads is ${after.width / now!.heads}`;
      return [...followed, ...(wasWhole && !isWhole ? [{ why }] : [])];
    },
  };
}

function layerTypes(window: number | null, layers: number): string[] {
  return new Array(layers).fill(window === null ? "full_attention" : "sliding_attention");
}

function sizesOf(type: string, architecture: Architecture) {
  const fixed = {
    positions: "rope",
    norm: "rms",
    inputs: null,
    classToken: null,
    pool: null,
    headBias: false,
  };
  requireSettings(type, architecture, fixed);
  const blocks = transformerBlocks(type, architecture);
  const { attention, feedforward } = commonBlock(type, blocks);
  requireSettings(type, attention, { causal: true, queryKeyNorm: "none", rotaryShare: 1 });
  requireSettings(type, feedforward, { primitive: "swiglu" });
  return { attention, feedforward, layers: blocks.length };
}

type RotarySettings = Pick<AttentionSettings, "rotaryBase" | "rotaryScaling">;

/** Base and scaling stand side by side, or together under `rope_parameters`. */
function rotaryOf(keys: ConfigKeys): RotarySettings {
  const together = keys.raw("rope_parameters");
  const base = isObject(together) ? (together.rope_theta ?? keys.raw("rope_theta")) : keys.raw("rope_theta");
  const key = isObject(together) ? "rope_parameters" : "rope_scaling";
  const scaling = keys.raw(key);
  if (base !== undefined && !(typeof base === "number" && base > 0))
    throw keys.wrong("rope_theta", "a number above 0");
  return { rotaryBase: (base as number | undefined) ?? 10_000, ...scalingOf(keys, key, scaling) };
}

const scalingKeys = {
  factor: "factor",
  low: "low_freq_factor",
  high: "high_freq_factor",
  length: "original_max_position_embeddings",
} as const;

function scalingOf(keys: ConfigKeys, key: string, given: unknown): Pick<RotarySettings, "rotaryScaling"> {
  if (given === undefined) return {};
  const expected = "null, or rope_type default or llama3; other ways of turning are not known here";
  if (!isObject(given)) throw keys.wrong(key, expected);
  const type = given.rope_type ?? given.type ?? "default";
  if (type === "default") return {};
  const read = ([ours, theirs]: [string, string]) => [ours, given[theirs]] as const;
  const settings = Object.fromEntries(Object.entries(scalingKeys).map(read));
  if (type === "llama3" && Object.values(settings).every((value) => typeof value === "number" && value > 0)) {
    return { rotaryScaling: settings } as unknown as Pick<RotarySettings, "rotaryScaling">;
  }
  throw keys.wrong(key, expected);
}

function writeRotary({ rotaryBase, rotaryScaling }: RotarySettings, before: Config): Config {
  const written =
    rotaryScaling === undefined
      ? null
      : {
          rope_type: "llama3",
          ...Object.fromEntries(
            Object.entries(scalingKeys).map(([ours, theirs]) => [
              theirs,
              rotaryScaling[ours as keyof typeof scalingKeys],
            ]),
          ),
        };
  const { rope_parameters: together } = before;
  if (isObject(together)) {
    return { rope_parameters: { ...together, ...(written ?? {}), rope_theta: rotaryBase } };
  }
  return { rope_theta: rotaryBase, rope_scaling: written };
}

function blockTensors(block: TransformerBlock, i: number): LayoutTensor[] {
  const { attentionPrefix: a, feedforwardPrefix: f, attention, feedforward } = block;
  const { bias, outputBias = bias } = attention;
  const at = `model.layers.${i}`;
  return [
    ...normTensors(`${at}.input_layernorm`, `${a}norm`, false),
    ...linearTensors(`${at}.self_attn.q_proj`, `${a}query`, bias),
    ...linearTensors(`${at}.self_attn.k_proj`, `${a}key`, bias),
    ...linearTensors(`${at}.self_attn.v_proj`, `${a}value`, bias),
    ...linearTensors(`${at}.self_attn.o_proj`, `${a}output`, outputBias),
    ...normTensors(`${at}.post_attention_layernorm`, `${f}norm`, false),
    ...linearTensors(`${at}.mlp.gate_proj`, `${f}gate`, feedforward.bias),
    ...linearTensors(`${at}.mlp.up_proj`, `${f}up`, feedforward.bias),
    ...linearTensors(`${at}.mlp.down_proj`, `${f}down`, feedforward.bias),
  ];
}
