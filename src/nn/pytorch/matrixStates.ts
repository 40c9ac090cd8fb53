// Mixers with a matrix for a state in PyTorch: gated linear attention and the delta rule, token by token.
import type { Surroundings } from "../primitive.ts";
import { keywords, linearHelper, type PyTorchForm, type PythonHelper, python } from "./form.ts";
import {
  channelDecayHelper,
  deltaRuleHelper,
  shortConvolutionHelper,
  stepBiasHelper,
} from "./recurrences.ts";

type GatedSettings = Readonly<{
  heads: number;
  keyWidth?: number | undefined;
  valueWidth?: number | undefined;
  rank: number;
  temperature: number;
}>;

export function gatedLinearAttentionInPyTorch(settings: GatedSettings): PyTorchForm {
  const { heads, keyWidth, valueWidth, rank, temperature } = settings;
  return {
    name: "GatedLinearAttention",
    arguments: [
      "WIDTH",
      ...keywords({ heads, key_width: keyWidth, value_width: valueWidth, rank, temperature }),
    ],
    uses: [linearHelper, channelDecayHelper],
    body: `    """Linear attention whose state's rows fade by what each token decides, under a gate."""

    def __init__(self, width, heads, key_width, value_width, rank, temperature):
        super().__init__()
        self.heads, self.temperature = heads, temperature
        self.query = linear(width, key_width)
        self.key = linear(width, key_width)
        self.value = linear(width, value_width)
        self.decay_down = linear(width, rank)
        self.decay_up = linear(rank, key_width, bias=True)
        self.read_norm = nn.RMSNorm(value_width // heads, eps=1e-5)
        self.gate = linear(width, value_width)
        self.output = linear(value_width, width)

    def forward(self, x):
        heads = lambda x: x.unflatten(-1, (self.heads, -1))
        query, key, value = heads(self.query(x)), heads(self.key(x)), heads(self.value(x))
        decay = torch.exp(F.logsigmoid(self.decay_up(self.decay_down(x))) / self.temperature)
        read = matrix_recurrence(query * query.shape[-1] ** -0.5, key, value, heads(decay))
        return self.output(self.read_norm(read).flatten(-2) * F.silu(self.gate(x)))`,
  };
}

const unitHelper: PythonHelper = {
  name: "unit",
  text: `def unit(x):
    """x with length 1 along the last axis."""
    return x * torch.rsqrt(x.square().sum(-1, keepdim=True) + 1e-6)`,
};

const parts = ["query", "key", "value"] as const;

function projections(width: (part: (typeof parts)[number]) => string): string[] {
  return parts.flatMap((part) => [
    `        self.${part} = linear(width, ${width(part)})`,
    `        self.${part}_convolution = ShortConvolution(${width(part)}, taps)`,
  ]);
}

const tokens = [
  "        heads = lambda x: F.silu(x).unflatten(-1, (self.heads, -1))",
  "        query = unit(heads(self.query_convolution(self.query(x))))",
  "        key = unit(heads(self.key_convolution(self.key(x))))",
  "        value = heads(self.value_convolution(self.value(x)))",
];

type DeltaSettings = Readonly<{ heads?: number | undefined; taps: number }>;

export function deltaNetInPyTorch({ heads, taps }: DeltaSettings): PyTorchForm {
  return {
    name: "DeltaNet",
    arguments: ["WIDTH", ...keywords({ heads, taps })],
    uses: [linearHelper, shortConvolutionHelper, unitHelper, deltaRuleHelper],
    body: python([
      '    """Linear attention that writes the difference between a value and what it says of its key."""',
      "",
      "    def __init__(self, width, heads, taps):",
      "        super().__init__()",
      "        self.heads = heads",
      projections(() => "width"),
      "        self.beta = linear(width, heads)",
      "        self.read_norm = nn.RMSNorm(width // heads, eps=1e-5)",
      "        self.output = linear(width, width)",
      "",
      "    def forward(self, x):",
      tokens,
      "        read = delta_rule(query, key, value, torch.sigmoid(self.beta(x)))",
      "        return self.output(self.read_norm(read).flatten(-2))",
    ]),
  };
}

type GatedDeltaSettings = DeltaSettings &
  Readonly<{ keyWidth?: number | undefined; valueWidth?: number | undefined }>;

export function gatedDeltaNetInPyTorch(settings: GatedDeltaSettings, _: Surroundings): PyTorchForm {
  const { heads, keyWidth, valueWidth, taps } = settings;
  return {
    name: "GatedDeltaNet",
    arguments: ["WIDTH", ...keywords({ heads, key_width: keyWidth, value_width: valueWidth, taps })],
    uses: [linearHelper, shortConvolutionHelper, unitHelper, stepBiasHelper, deltaRuleHelper],
    body: python([
      '    """The delta rule with a state that fades by what each token decides, under a gate."""',
      "",
      "    def __init__(self, width, heads, key_width, value_width, taps):",
      "        super().__init__()",
      "        self.heads = heads",
      projections((part) => (part === "value" ? "value_width" : "key_width")),
      "        self.beta = linear(width, heads)",
      "        self.step = linear(width, heads, bias=True)",
      "        self.step.bias = nn.Parameter(step_bias(heads))",
      "        self.rates = nn.Parameter(torch.empty(heads).uniform_(1, 16).log())",
      "        self.read_norm = nn.RMSNorm(value_width // heads, eps=1e-5)",
      "        self.gate = linear(width, value_width)",
      "        self.output = linear(value_width, width)",
      "",
      "    def forward(self, x):",
      tokens,
      "        decay = torch.exp(-F.softplus(self.step(x)) * self.rates.exp())",
      "        read = delta_rule(query, key, value, torch.sigmoid(self.beta(x)), decay)",
      "        return self.output(self.read_norm(read).flatten(-2) * F.silu(self.gate(x)))",
    ]),
  };
}
