// Linear attention and retention in PyTorch: all pairs of tokens at once, as in their papers' parallel forms.
import type { FeatureMapName } from "../featureMap.ts";
import type { Surroundings } from "../primitive.ts";
import { rotaryHelper } from "./attention.ts";
import { biasArgument, keywords, linearHelper, type PyTorchForm, type PythonHelper, python } from "./form.ts";

const taylorHelper: PythonHelper = {
  name: "taylor",
  text: `def taylor(x):
    """Features whose products are 1 + q.k / sqrt(d) + (q.k)^2 / 2d, the exponential's first terms."""
    width = x.shape[-1]
    pairs = (x[..., :, None] * x[..., None, :]).flatten(-2)
    return torch.cat((torch.ones_like(x[..., :1]), x * width**-0.25, pairs / math.sqrt(2 * width)), dim=-1)`,
};

/** What a map makes of the queries or keys `of`, whose text is x. */
function mapped(map: FeatureMapName, of: string, x: string): string {
  switch (map) {
    case "elu":
      return `F.elu(${x}) + 1`;
    case "identity":
      return x;
    case "relu":
      return `F.relu(${x})`;
    case "squaredRelu":
      return `F.relu(${x}).square()`;
    case "exp":
      return `${x}.exp()`;
    case "taylor":
      return `taylor(${x})`;
    case "product":
      return `self.${of}_left(${x}) * self.${of}_right(${x})`;
  }
}

type Settings = Readonly<{
  heads?: number | undefined;
  featureMap: FeatureMapName;
  keyWidth?: number | undefined;
  normalised: boolean;
  epsilon: number;
  bias: boolean;
}>;

/** Softmax attention's exponential replaced by a product of features. */
export function linearAttentionInPyTorch(settings: Settings, { width }: Surroundings): PyTorchForm {
  const { heads, keyWidth, featureMap, normalised, epsilon } = settings;
  const bias = biasArgument(settings.bias);
  const isOwn = keyWidth! * heads! !== width;
  const learned = ["query_left", "query_right", "key_left", "key_right"];
  return {
    name: "LinearAttention",
    arguments: [
      "WIDTH",
      ...keywords({ heads, key_width: isOwn ? keyWidth : null, epsilon: normalised ? epsilon : null }),
    ],
    uses: [linearHelper, ...(featureMap === "taylor" ? [taylorHelper] : [])],
    body: python([
      '    """Attention with a product of features for the exponential, as products of all pairs."""',
      "",
      `    def __init__(self, width, heads${isOwn ? ", key_width" : ""}${normalised ? ", epsilon" : ""}):`,
      "        super().__init__()",
      "        self.heads = heads",
      normalised && "        self.epsilon = epsilon",
      !isOwn && "        key_width = width // heads",
      `        self.query = linear(width, heads * key_width${bias})`,
      `        self.key = linear(width, heads * key_width${bias})`,
      `        self.value = linear(width, width${bias})`,
      `        self.output = linear(width, width${bias})`,
      featureMap === "product" && [
        ...learned.map((name) => `        self.${name} = nn.Linear(key_width, key_width)`),
        `        for layer in (${learned.map((name) => `self.${name}`).join(", ")}):`,
        "            bound = key_width**-0.5",
        "            nn.init.uniform_(layer.weight, -bound, bound)",
        "            nn.init.zeros_(layer.bias)",
      ],
      "",
      "    def forward(self, x):",
      "        batch, length, _ = x.shape",
      ...["query", "key", "value"].map(
        (name) => `        ${name} = self.${name}(x).view(batch, length, self.heads, -1).transpose(1, 2)`,
      ),
      featureMap !== "identity" &&
        ["query", "key"].map((name) => `        ${name} = ${mapped(featureMap, name, name)}`),
      "        weights = (query @ key.transpose(-1, -2)).tril()  # [B, H, T, T]",
      "        read = weights @ value",
      normalised && "        read = read / (weights.sum(-1, keepdim=True) + self.epsilon)",
      "        return self.output(read.transpose(1, 2).reshape(batch, length, -1))",
    ]),
  };
}

type RetentionSettings = Readonly<{ heads?: number | undefined; valueFactor: number; rotaryBase: number }>;

/** Retention: attention with a decay of each head in place of the softmax. */
export function retentionInPyTorch({ heads, valueFactor, rotaryBase }: RetentionSettings): PyTorchForm {
  return {
    name: "Retention",
    arguments: ["WIDTH", ...keywords({ heads, value_factor: valueFactor, rotary_base: rotaryBase })],
    uses: [linearHelper, rotaryHelper],
    body: `    """Retention: products of rotated queries and keys, less by a factor of each head for every token between."""

    def __init__(self, width, heads, value_factor, rotary_base):
        super().__init__()
        self.heads = heads
        self.query = linear(width, width)
        self.key = linear(width, width)
        self.value = linear(width, value_factor * width)
        self.gate = linear(width, value_factor * width)
        self.output = linear(value_factor * width, width)
        self.register_buffer("frequencies", rotary_frequencies(rotary_base, width // heads), persistent=False)
        decays = torch.log1p(-(2.0 ** (-5 - torch.arange(heads, dtype=torch.float64))))
        self.register_buffer("log_decay", decays.to(torch.get_default_dtype()), persistent=False)

    def forward(self, x):
        batch, length, width = x.shape
        heads = lambda x: x.view(batch, length, self.heads, -1).transpose(1, 2)
        query = rotary(heads(self.query(x)), self.frequencies)
        key = rotary(heads(self.key(x)), self.frequencies) * (width // self.heads) ** -0.5
        places = torch.arange(length, device=x.device)
        distance = places[:, None] - places
        decay = torch.exp(self.log_decay[:, None, None] * distance.clamp(min=0)).tril()
        read = (query @ key.transpose(-1, -2) * decay) @ heads(self.value(x))
        read = F.layer_norm(read, read.shape[-1:], eps=1e-5).transpose(1, 2).reshape(batch, length, -1)
        return self.output(read * F.silu(self.gate(x)))`,
  };
}
