// Recurrences with a vector for a state in PyTorch: RG-LRU, minGRU, LSTM.
import type { Surroundings } from "../primitive.ts";
import { biasArgument, keywords, linearHelper, type PyTorchForm, python } from "./form.ts";
import { linearRecurrenceHelper, shortConvolutionHelper } from "./recurrences.ts";

type RgLruSettings = Readonly<{
  recurrentWidth?: number | undefined;
  blocks?: number | undefined;
  taps: number;
  bias: boolean;
}>;

export function rgLruInPyTorch({ recurrentWidth, blocks, taps, bias }: RgLruSettings): PyTorchForm {
  return {
    name: "RealGatedRecurrence",
    arguments: ["WIDTH", ...keywords({ inner: recurrentWidth, blocks, taps })],
    uses: [linearHelper, shortConvolutionHelper, linearRecurrenceHelper],
    body: `    """Griffin's recurrent block: an RG-LRU behind a short convolution, under a GELU gate."""

    def __init__(self, width, inner, blocks, taps):
        super().__init__()
        block = inner // blocks
        self.input = linear(width, 2 * inner${biasArgument(bias)})
        self.convolution = ShortConvolution(inner, taps, bias=True)
        self.gates_weight = nn.Parameter(torch.randn(blocks, block, 2 * block) * block**-0.5)
        self.gates_bias = nn.Parameter(torch.zeros(blocks, 2 * block))
        root = torch.empty(inner).uniform_(0.9, 0.999) ** (1 / 8)
        self.decay = nn.Parameter(torch.log(root / (1 - root)))
        self.output = linear(inner, width${biasArgument(bias)})

    def forward(self, x):
        inner, gate = self.input(x).chunk(2, dim=-1)
        u = self.convolution(inner)  # [B, T, E]
        blocks = u.unflatten(-1, (len(self.gates_weight), -1))
        both = torch.einsum("btgi,gio->btgo", blocks, self.gates_weight) + self.gates_bias
        recurrence, entry = (part.flatten(-2) for part in both.chunk(2, dim=-1))
        logarithm = -8 * torch.sigmoid(recurrence) * F.softplus(-self.decay)
        # 1 - a^2 without cancellation where a is near 1.
        scale = torch.sqrt(-torch.expm1(2 * logarithm).clamp(max=-1e-12))
        states = linear_recurrence(logarithm.exp(), scale * torch.sigmoid(entry) * u)
        return self.output(states * F.gelu(gate, approximate="tanh"))`,
  };
}

type MinGruSettings = Readonly<{
  hidden?: number | undefined;
  candidate: "positive" | "linear";
  bias: boolean;
}>;

export function minGruInPyTorch(settings: MinGruSettings, { width }: Surroundings): PyTorchForm {
  const { hidden, candidate } = settings;
  const bias = biasArgument(settings.bias);
  const isMapped = hidden !== width;
  return {
    name: "MinGRU",
    arguments: ["WIDTH", ...keywords({ hidden })],
    uses: [linearHelper, linearRecurrenceHelper],
    body: python([
      '    """A gated recurrence whose gate and candidate are made of the input alone."""',
      "",
      "    def __init__(self, width, hidden):",
      "        super().__init__()",
      `        self.input = linear(width, 2 * hidden${bias})`,
      isMapped && `        self.output = linear(hidden, width${bias})`,
      "",
      "    def forward(self, x):",
      "        gate, candidate = self.input(x).chunk(2, dim=-1)",
      candidate === "positive" &&
        "        candidate = torch.where(candidate < 0, torch.sigmoid(candidate), F.relu(candidate) + 0.5)",
      "        states = linear_recurrence(torch.sigmoid(-gate), torch.sigmoid(gate) * candidate)",
      `        return ${isMapped ? "self.output(states)" : "states"}`,
    ]),
  };
}

export function lstmInPyTorch(
  { hidden }: Readonly<{ hidden?: number | undefined }>,
  { width }: Surroundings,
): PyTorchForm {
  const isMapped = hidden !== width;
  return {
    name: "LSTM",
    arguments: ["WIDTH", ...keywords({ hidden })],
    uses: isMapped ? [linearHelper] : [],
    body: python([
      '    """Long short-term memory; gates in the order input, forget, cell, output."""',
      "",
      "    def __init__(self, width, hidden):",
      "        super().__init__()",
      "        self.hidden = hidden",
      "        bound = hidden**-0.5",
      "        self.input = nn.Linear(width, 4 * hidden)",
      "        nn.init.uniform_(self.input.weight, -bound, bound)",
      "        nn.init.zeros_(self.input.bias)",
      "        nn.init.ones_(self.input.bias[hidden : 2 * hidden])",
      "        self.recurrent = nn.Linear(hidden, 4 * hidden, bias=False)",
      "        nn.init.uniform_(self.recurrent.weight, -bound, bound)",
      isMapped && "        self.output = linear(hidden, width)",
      "",
      "    def forward(self, x):",
      "        hidden = cell = x.new_zeros(len(x), self.hidden)",
      "        states = []",
      "        for driven in self.input(x).unbind(1):  # token by token",
      "            entry, forget, proposed, output = (driven + self.recurrent(hidden)).chunk(4, dim=-1)",
      "            cell = torch.sigmoid(forget) * cell + torch.sigmoid(entry) * torch.tanh(proposed)",
      "            hidden = torch.sigmoid(output) * torch.tanh(cell)",
      "            states.append(hidden)",
      "        states = torch.stack(states, dim=1)",
      `        return ${isMapped ? "self.output(states)" : "states"}`,
    ]),
  };
}
