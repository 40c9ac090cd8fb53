// Attention in PyTorch.
import type { RotaryScaling } from "../../tensor/composites/rotary.ts";
import type { NormName } from "../norm.ts";
import type { Surroundings } from "../primitive.ts";
import { biasArgument, keywords, linearHelper, type PyTorchForm, type PythonHelper, python } from "./form.ts";
import { normModule } from "./norm.ts";

const frequenciesHelper: PythonHelper = {
  name: "rotary_frequencies",
  text: `def rotary_frequencies(base, width):
    """By what angles pairs of features turn from token to token."""
    return base ** (-2 / width * torch.arange(width // 2))`,
};

const slowedHelper: PythonHelper = {
  name: "slowed",
  text: `def slowed(frequencies, factor, low, high, length):
    """Slow frequencies made slower, as in Llama 3.1: those that turn less than low times in length tokens."""
    turns = frequencies * length / (2 * math.pi)
    kept = ((turns - low) / (high - low)).clamp(0, 1)
    return frequencies * (1 / factor + kept * (1 - 1 / factor))`,
};

/** Turns heads by their positions. */
export const rotaryHelper: PythonHelper = {
  name: "rotary",
  text: `def rotary(x, frequencies):
    """Turns pairs of features (i, i + n) of x [B, H, T, d] by position * frequency i of n; others stay."""
    half = len(frequencies)
    angles = torch.arange(x.shape[-2], device=x.device)[:, None] * frequencies
    cosines, sines = angles.cos(), angles.sin()
    first, second, rest = x.split([half, half, x.shape[-1] - 2 * half], dim=-1)
    return torch.cat((first * cosines - second * sines, second * cosines + first * sines, rest), dim=-1)`,
  uses: [frequenciesHelper],
};

const slopesHelper: PythonHelper = {
  name: "alibi_slopes",
  text: `def alibi_slopes(heads):
    """A slope for each head: powers of 2^(-8/n) for n a power of two; heads left over get those between."""
    whole = 2 ** int(math.log2(heads))
    slopes = [2 ** (-8 * (i + 1) / whole) for i in range(whole)]
    return torch.tensor(slopes + [2 ** (-4 * (2 * i + 1) / whole) for i in range(heads - whole)])`,
};

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

/** A class whose text has only what the settings ask for. */
export function attentionInPyTorch(settings: Settings, { width }: Surroundings): PyTorchForm {
  const { causal, positions, queryKeyNorm, baseHeadWidth, rotaryScaling: scaling } = settings;
  const [heads, kvHeads, headWidth] = [settings.heads!, settings.kvHeads!, settings.headWidth!];
  const values = settings.valueWidth ?? headWidth;
  const isGrouped = kvHeads !== heads;
  const isAlibi = positions === "alibi";
  const isTurned = positions === "rope";
  const turned = 2 * Math.floor((headWidth * settings.rotaryShare) / 2);
  const isWindowed = settings.window !== null;
  const given = {
    heads,
    kv_heads: isGrouped ? kvHeads : null,
    head_width: headWidth * heads === width ? null : headWidth,
    value_width: values === headWidth ? null : values,
    window: settings.window,
    rotary_base: isTurned ? settings.rotaryBase : null,
  };
  const names = keywords(given).map((argument) => argument.slice(0, argument.indexOf("=")));
  const [keyHeads, valueWidth] = [
    isGrouped ? "kv_heads" : "heads",
    values === headWidth ? "head_width" : "value_width",
  ];
  const bias = biasArgument(settings.bias);
  const scale = baseHeadWidth === undefined ? "" : `, scale=${Math.sqrt(baseHeadWidth)} / ${headWidth}`;
  const heading = (name: string, count: string) =>
    `        ${name} = self.${name}(x).view(batch, length, self.${count}, -1).transpose(1, 2)`;
  const attend = isAlibi || isWindowed ? "attn_mask=mask" : `is_causal=${causal ? "True" : "False"}`;
  return {
    name: "Attention",
    arguments: ["WIDTH", ...keywords(given)],
    uses: [
      linearHelper,
      ...(isTurned ? [rotaryHelper] : []),
      ...(isTurned && scaling !== undefined ? [slowedHelper] : []),
      ...(isAlibi ? [slopesHelper] : []),
    ],
    body: python([
      `    """Attention of several heads${causal ? ", each token over itself and those before it" : " over all tokens"}."""`,
      "",
      `    def __init__(self, width, ${names.join(", ")}):`,
      "        super().__init__()",
      given.head_width === null && "        head_width = width // heads",
      ...names.filter((name) => !/width|base/.test(name)).map((name) => `        self.${name} = ${name}`),
      `        self.query = linear(width, heads * head_width${bias})`,
      `        self.key = linear(width, ${keyHeads} * head_width${bias})`,
      `        self.value = linear(width, ${keyHeads} * ${valueWidth}${bias})`,
      `        self.output = linear(heads * ${valueWidth}, width${biasArgument(settings.outputBias ?? settings.bias)})`,
      queryKeyNorm !== "none" && [
        `        self.query_norm = ${normModule(queryKeyNorm, "head_width")}`,
        `        self.key_norm = ${normModule(queryKeyNorm, "head_width")}`,
      ],
      isTurned && [
        `        frequencies = rotary_frequencies(rotary_base, ${turned < headWidth ? turned : "head_width"})`,
        scaling !== undefined &&
          `        frequencies = slowed(${["frequencies", ...keywords({ ...scaling })].join(", ")})`,
        '        self.register_buffer("frequencies", frequencies, persistent=False)',
      ],
      isAlibi && '        self.register_buffer("slopes", alibi_slopes(heads), persistent=False)',
      "",
      "    def forward(self, x):",
      "        batch, length, _ = x.shape",
      `${heading("query", "heads")}  # [B, H, T, d]`,
      heading("key", keyHeads),
      heading("value", keyHeads),
      queryKeyNorm !== "none" && "        query, key = self.query_norm(query), self.key_norm(key)",
      isTurned && "        query, key = rotary(query, self.frequencies), rotary(key, self.frequencies)",
      isGrouped && [
        "        group = self.heads // self.kv_heads",
        "        key, value = key.repeat_interleave(group, dim=1), value.repeat_interleave(group, dim=1)",
      ],
      (isAlibi || isWindowed) && [
        "        places = torch.arange(length, device=x.device)",
        "        distance = places[:, None] - places",
        `        mask = ${seen(causal, isWindowed)}`,
      ],
      isAlibi && [
        "        biases = -self.slopes[:, None, None].to(x.dtype) * distance",
        '        mask = biases.masked_fill(~mask, float("-inf"))',
      ],
      `        read = F.scaled_dot_product_attention(query, key, value, ${attend}${scale})`,
      "        return self.output(read.transpose(1, 2).reshape(batch, length, -1))",
    ]),
  };
}

function seen(causal: boolean, isWindowed: boolean): string {
  if (!isWindowed) return "distance >= 0";
  return causal ? "(distance >= 0) & (distance < self.window)" : "distance.abs() < self.window";
}
