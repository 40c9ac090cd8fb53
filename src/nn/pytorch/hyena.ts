// Hyena, multi-head Hyena and Hyena experts in PyTorch. Long convolutions go by FFT.
import type { FilterSettings } from "../hyena/filter.ts";
import type { OperatorSettings } from "../hyena/operator.ts";
import type { Surroundings } from "../primitive.ts";
import { biasArgument, keywords, linearHelper, type PyTorchForm, type PythonHelper, python } from "./form.ts";
import { shortConvolutionHelper } from "./recurrences.ts";

const filterHelper: PythonHelper = {
  name: "Filter",
  text: `class Filter(nn.Module):
    """Long filters [T, C]: a small sine network of the position under an exponentially decaying window."""

    def __init__(self, filters, width, layers, features, frequency, length, learned):
        super().__init__()
        self.length = length
        bands = (features - 1) // 2
        slow_to_fast = torch.linspace(1e-4, bands - 1, bands) if bands > 1 else torch.tensor([1e-4])
        self.register_buffer("bands", slow_to_fast, persistent=False)
        self.positions = nn.Parameter(self.waves(torch.arange(length))) if learned else None
        self.frequency = nn.Parameter(torch.full((width,), float(frequency)))
        for i in range(layers + 1):
            self.add_module(f"layer{i}", self.dense(features if i == 0 else width, width, bias=True))
        self.layers = layers
        self.output = self.dense(width, filters, bias=False)
        rates = torch.linspace(math.log(100) / 1.5, math.log(100) / 0.3, filters)
        self.register_buffer("rates", rates, persistent=False)

    @staticmethod
    def dense(inputs, outputs, bias):
        layer = nn.Linear(inputs, outputs, bias=bias)
        nn.init.uniform_(layer.weight, -(inputs**-0.5), inputs**-0.5)
        return layer

    def waves(self, places):
        """The position, and cosines and sines of it, [T, features]."""
        angles = 2 * math.pi / self.length * places[:, None] * self.bands
        place = places[:, None] / max(1, self.length - 1)
        return torch.cat((place, angles.cos(), -angles.sin()), dim=-1)

    def forward(self, length):
        places = torch.arange(length, device=self.frequency.device)
        hidden = self.waves(places) if self.positions is None else self.positions[:length]
        for i in range(self.layers + 1):
            hidden = torch.sin(self.get_submodule(f"layer{i}")(hidden) * self.frequency)
        window = torch.exp(-self.rates * places[:, None] / max(1, self.length - 1))
        return self.output(hidden) * window`,
};

const longConvolutionHelper: PythonHelper = {
  name: "long_convolution",
  text: `def long_convolution(x, kernel):
    """y_t = sum over s <= t of kernel_s * x_(t-s): x [B, T, E], kernel [T, E], by FFT."""
    size = 2 * x.shape[1]
    product = torch.fft.rfft(x, n=size, dim=1) * torch.fft.rfft(kernel, n=size, dim=0)
    return torch.fft.irfft(product, n=size, dim=1)[:, : x.shape[1]]`,
};

/** The filter of a module, for as many filters as the text says. */
function filter(filters: string, settings: FilterSettings): string {
  const { filterWidth, filterLayers, positionFeatures, frequency, filterLength, learnedPositions } = settings;
  const given = keywords({
    width: filterWidth,
    layers: filterLayers,
    features: positionFeatures,
    frequency,
    length: filterLength,
    learned: learnedPositions ? "True" : "False",
  });
  return `        self.filter = Filter(${[filters, ...given].join(", ")})`;
}

interface Operator {
  readonly init: string[];
  readonly forward: string[];
  readonly arguments: string[];
}

/** Definition 3.1 of the Hyena paper: gates and long convolutions in turn, [B, T, E] called mixed. */
function operator(settings: OperatorSettings): Operator {
  const { order, expand, taps, projectionGroups: groups, bias } = settings;
  const repeated = groups === 1 ? "self.input(x)" : `self.input(x).repeat(1, 1, ${groups})`;
  const turns = order - 1;
  return {
    arguments: ["WIDTH", ...keywords({ expand, taps })],
    init: [
      "        inner = expand * width",
      `        self.input = linear(width, ${order + 1} * inner${groups === 1 ? "" : ` // ${groups}`}${biasArgument(bias)})`,
      `        self.convolution = ShortConvolution(${order + 1} * inner, taps, bias=True)`,
      filter(turns === 1 ? "inner" : `${turns} * inner`, settings),
      `        self.skip = nn.Parameter(torch.randn(${turns}, inner))`,
    ],
    forward:
      turns === 1
        ? [
            `        last, first, value = self.convolution(${repeated}).chunk(3, dim=-1)`,
            "        gated = value * first",
            "        mixed = (long_convolution(gated, self.filter(x.shape[1])) + gated * self.skip[0]) * last",
          ]
        : [
            `        *gates, mixed = self.convolution(${repeated}).chunk(${order + 1}, dim=-1)`,
            `        filters = self.filter(x.shape[1]).unflatten(-1, (-1, ${turns})).unbind(-1)`,
            "        for kernel, gate, skip in zip(filters, gates[:0:-1], self.skip):",
            "            gated = mixed * gate",
            "            mixed = long_convolution(gated, kernel) + gated * skip",
            "        mixed = mixed * gates[0]",
          ],
  };
}

const operatorUses = [linearHelper, shortConvolutionHelper, filterHelper, longConvolutionHelper];

export function hyenaInPyTorch(settings: OperatorSettings): PyTorchForm {
  const { init, forward, arguments: given } = operator(settings);
  return {
    name: "Hyena",
    arguments: given,
    uses: operatorUses,
    modules: ["filter"],
    body: python([
      '    """Gates and convolutions as long as the sequence, in turn."""',
      "",
      "    def __init__(self, width, expand, taps):",
      "        super().__init__()",
      init,
      `        self.output = linear(inner, width${biasArgument(settings.bias)})`,
      "",
      "    def forward(self, x):",
      forward,
      "        return self.output(mixed)",
    ]),
  };
}

type ExpertSettings = OperatorSettings &
  Readonly<{ experts: number; chosen: number; others: "out" | "zero" }>;

export function hyenaExpertsInPyTorch(settings: ExpertSettings): PyTorchForm {
  const { init, forward, arguments: given } = operator(settings);
  const { experts, chosen, others } = settings;
  const bias = biasArgument(settings.bias);
  return {
    name: "HyenaExperts",
    arguments: [...given, ...keywords({ experts, chosen })],
    uses: operatorUses,
    modules: ["filter"],
    body: python([
      '    """Hyena whose mixed features are dealt to experts, which a router weighs for every token."""',
      "",
      "    def __init__(self, width, expand, taps, experts, chosen):",
      "        super().__init__()",
      "        self.experts, self.chosen = experts, chosen",
      init,
      `        self.router = linear(width, experts${bias})`,
      `        self.output = linear(inner // experts, width${bias})`,
      "",
      "    def forward(self, x):",
      forward,
      "        logits = self.router(x)",
      "        best = logits.topk(self.chosen, dim=-1).indices",
      `        others = torch.full_like(logits, ${others === "out" ? 'float("-inf")' : "0.0"})`,
      "        weights = others.scatter(-1, best, logits.gather(-1, best)).softmax(-1)",
      "        # Neighbouring features belong to different experts.",
      "        dealt = mixed.unflatten(-1, (-1, self.experts)) * weights[..., None, :]",
      "        return self.output(dealt.sum(-1))",
    ]),
  };
}

type HeadSettings = FilterSettings &
  Readonly<{ heads: number; taps: number; projectionGroups: number; bias: boolean }>;

export function multiHeadHyenaInPyTorch(settings: HeadSettings, _: Surroundings): PyTorchForm {
  const { heads, taps, projectionGroups: groups } = settings;
  const bias = biasArgument(settings.bias);
  const repeated = groups === 1 ? "self.input(x)" : `self.input(x).repeat(1, 1, ${groups})`;
  return {
    name: "MultiHeadHyena",
    arguments: ["WIDTH", ...keywords({ heads, taps })],
    uses: [linearHelper, shortConvolutionHelper, filterHelper],
    modules: ["filter"],
    body: python([
      '    """Outer products of keys and values under one long convolution for each head, read by queries."""',
      "",
      "    def __init__(self, width, heads, taps):",
      "        super().__init__()",
      "        self.heads = heads",
      `        self.input = linear(width, 3 * width${groups === 1 ? "" : ` // ${groups}`}${bias})`,
      "        self.convolution = ShortConvolution(3 * width, taps, bias=True)",
      filter("heads", settings),
      "        self.skip = nn.Parameter(torch.randn(heads))",
      `        self.output = linear(width, width${bias})`,
      "",
      "    def forward(self, x):",
      "        batch, length, _ = x.shape",
      `        parts = self.convolution(${repeated}).chunk(3, dim=-1)`,
      "        query, key, value = (part.reshape(batch, length, self.heads, -1).transpose(1, 2) for part in parts)",
      "        kernel = F.pad(self.filter(length).T, (length, 0))  # [H, T] behind zeros: kernel[s] at length + s",
      "        places = torch.arange(length, device=x.device)",
      "        by_distance = kernel[:, length + places[:, None] - places]  # [H, T, T]",
      "        by_distance = by_distance + torch.diag_embed(self.skip[:, None].expand(-1, length))",
      "        # The query meets every value at once, so that no outer product is made.",
      "        read = (query @ value.transpose(-1, -2) * by_distance) @ key",
      "        return self.output(read.transpose(1, 2).reshape(batch, length, -1))",
    ]),
  };
}
