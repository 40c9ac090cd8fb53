// Mamba and Mamba-2 in PyTorch.
import type { Surroundings } from "../primitive.ts";
import { biasArgument, keywords, linearHelper, type PyTorchForm } from "./form.ts";
import { segmentSumsHelper, shortConvolutionHelper, stepBiasHelper } from "./recurrences.ts";

type MambaSettings = Readonly<{
  expand: number;
  state: number;
  taps: number;
  rank?: number | undefined;
  bias: boolean;
}>;

/** The selective scan token by token. */
export function mambaInPyTorch({ expand, state, taps, rank, bias }: MambaSettings): PyTorchForm {
  return {
    name: "Mamba",
    arguments: ["WIDTH", ...keywords({ expand, state, taps, rank })],
    uses: [linearHelper, shortConvolutionHelper, stepBiasHelper],
    body: `    """A selective state space: steps, and what is written and read, are each token's own choice."""

    def __init__(self, width, expand, state, taps, rank):
        super().__init__()
        inner = expand * width
        self.sizes = [rank, state, state]
        self.input = linear(width, 2 * inner${biasArgument(bias)})
        self.convolution = ShortConvolution(inner, taps, bias=True)
        self.select = nn.Linear(inner, rank + 2 * state, bias=False)
        nn.init.uniform_(self.select.weight, -(inner**-0.5), inner**-0.5)
        self.step = nn.Linear(rank, inner)
        nn.init.uniform_(self.step.weight, -(rank**-0.5), rank**-0.5)
        self.step.bias = nn.Parameter(step_bias(inner))
        self.rates = nn.Parameter(torch.arange(1.0, state + 1).log()[:, None].repeat(1, inner))
        self.skip = nn.Parameter(torch.ones(inner))
        self.output = linear(inner, width${biasArgument(bias)})

    def forward(self, x):
        inner, gate = self.input(x).chunk(2, dim=-1)
        u = F.silu(self.convolution(inner))  # [B, T, E]
        low, write, read = self.select(u).split(self.sizes, dim=-1)
        delta = F.softplus(self.step(low))
        return self.output((self.scan(u, delta, write, read) + u * self.skip) * F.silu(gate))

    def scan(self, u, delta, write, read):
        """h_t = exp(delta_t A) h_(t-1) + delta_t write_t u_t, read by read_t; token by token."""
        rates = -self.rates.exp()  # A [N, E]
        state = torch.zeros_like(u[:, :1] * write[:, 0, :, None])
        found = []
        for value, step, wrote, reads in zip(*(x.unbind(1) for x in (u, delta, write, read))):
            decay = torch.exp(step[:, None] * rates)
            state = decay * state + (step * value)[:, None] * wrote[..., None]
            found.append((state * reads[..., None]).sum(1))
        return torch.stack(found, dim=1)`,
  };
}

type Mamba2Settings = Readonly<{
  expand: number;
  headWidth?: number | undefined;
  state: number;
  taps: number;
}>;

/** State space duality: attention with decays in place of the softmax. */
export function mamba2InPyTorch(settings: Mamba2Settings, _: Surroundings): PyTorchForm {
  const { expand, headWidth, state, taps } = settings;
  return {
    name: "Mamba2",
    arguments: ["WIDTH", ...keywords({ expand, head_width: headWidth, state, taps })],
    uses: [linearHelper, shortConvolutionHelper, stepBiasHelper, segmentSumsHelper],
    body: `    """A state space whose state fades by one number for each head and token, as products of all pairs."""

    def __init__(self, width, expand, head_width, state, taps):
        super().__init__()
        inner = expand * width
        self.heads = inner // head_width
        self.sizes = [inner, state, state]
        self.input = linear(width, 2 * inner + 2 * state + self.heads)
        self.convolution = ShortConvolution(inner + 2 * state, taps, bias=True)
        self.step_bias = nn.Parameter(step_bias(self.heads))
        self.rates = nn.Parameter(torch.empty(self.heads).uniform_(1, 16).log())
        self.skip = nn.Parameter(torch.ones(self.heads))
        self.read_norm = nn.RMSNorm(inner, eps=1e-5)
        self.output = linear(inner, width)

    def forward(self, x):
        batch, length, _ = x.shape
        inner, state, _ = self.sizes
        gate, mixed, steps = self.input(x).split([inner, inner + 2 * state, self.heads], dim=-1)
        mixed = F.silu(self.convolution(mixed))
        features, write, read = mixed.split(self.sizes, dim=-1)
        u = features.view(batch, length, self.heads, -1).transpose(1, 2)  # [B, H, T, P]
        delta = F.softplus(steps + self.step_bias).transpose(1, 2)  # [B, H, T]
        decay = torch.exp(segment_sums(-delta * self.rates.exp()[:, None]))  # [B, H, T, T]
        weights = (read @ write.transpose(-1, -2))[:, None] * decay
        found = weights @ (u * delta[..., None]) + u * self.skip[:, None, None]
        found = found.transpose(1, 2).reshape(batch, length, -1)
        return self.output(self.read_norm(found * F.silu(gate)))`,
  };
}
