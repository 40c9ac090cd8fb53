// RWKV's time mixing (4, 5, 6) and channel mixing in PyTorch.
import type { Surroundings } from "../primitive.ts";
import { keywords, linearHelper, type PyTorchForm, type PythonHelper, python } from "./form.ts";
import { channelDecayHelper, shiftHelper } from "./recurrences.ts";

const shareHelper: PythonHelper = {
  name: "share",
  text: `def share(width, power=1.0):
    """How much of its own features a token keeps of those before: few at first, most at last."""
    return nn.Parameter((torch.arange(width) / width) ** power)`,
};

const rampHelper: PythonHelper = {
  name: "ramp",
  text: `def ramp(width, first, last):
    """From first to last, the fastest at the beginning."""
    return first + (last - first) * (torch.arange(width) / max(1, width - 1)) ** 0.7`,
};

const zigzagHelper: PythonHelper = {
  name: "zigzag",
  text: `def zigzag(width, size):
    """0, size, -size, and so on."""
    return ((torch.arange(width) + 1) % 3 - 1) * size`,
};

/** A map of a token mixed with the one before it. */
const mixed = (name: string) => `self.${name}(torch.lerp(before, x, self.${name}_share))`;

export function rwkv4InPyTorch(): PyTorchForm {
  const parts = { gate: 0.5, key: 1, value: 1 };
  return {
    name: "Rwkv4Time",
    arguments: ["WIDTH"],
    uses: [linearHelper, shiftHelper, shareHelper, rampHelper, zigzagHelper],
    body: python([
      '    """An average of values weighted by exponentials of keys, fading at a rate of each feature."""',
      "",
      "    def __init__(self, width):",
      "        super().__init__()",
      Object.entries(parts).map(([name, power]) => [
        `        self.${name}_share = share(width${power === 1 ? "" : `, ${power}`})`,
        `        self.${name} = linear(width, width)`,
      ]),
      "        self.decay = nn.Parameter(ramp(width, -5, 3))",
      "        self.bonus = nn.Parameter(math.log(0.3) + zigzag(width, 0.5))",
      "        self.output = linear(width, width)",
      "",
      "    def forward(self, x):",
      "        before = shifted(x)",
      `        gate = ${mixed("gate")}`,
      `        key = ${mixed("key")}`,
      `        value = ${mixed("value")}`,
      "        return self.output(torch.sigmoid(gate) * self.average(key, value))",
      "",
      "    def average(self, key, value):",
      '        """Token by token; both sums are divided by e^top, so that no exponential overflows."""',
      "        decay = -self.decay.exp()",
      "        values = weights = torch.zeros_like(key[:, 0])",
      "        top = torch.full_like(values, -1e30)",
      "        found = []",
      "        for k, v in zip(key.unbind(1), value.unbind(1)):",
      "            now_values, now_weights, _ = self.merge(values, weights, top, k + self.bonus, v)",
      "            found.append(now_values / now_weights)",
      "            values, weights, top = self.merge(values, weights, top + decay, k, v)",
      "        return torch.stack(found, dim=1)",
      "",
      "    @staticmethod",
      "    def merge(values, weights, exponent, key, value):",
      "        top = torch.maximum(exponent, key).detach()",
      "        old, young = torch.exp(exponent - top), torch.exp(key - top)",
      "        return old * values + young * value, old * weights + young, top",
    ]),
  };
}

/** What both do with what the heads have read. */
const readHeads = [
  "        read = matrix_recurrence(heads(query), heads(key), heads(value), decay, self.bonus.view(self.heads, -1))",
  "        read = self.read_norm(read.flatten(0, 1).flatten(-2)).view_as(x)",
  "        return self.output(read * F.silu(gate))",
];

const headParameters = [
  "        self.decay = nn.Parameter(ramp(width, -6, -1))",
  "        self.bonus = nn.Parameter(zigzag(width, 0.1))",
  "        self.read_norm = nn.GroupNorm(heads, width, eps=64e-5)",
  "        self.output = linear(width, width)",
];

type TimeSettings = Readonly<{ heads?: number | undefined }>;

export function rwkv5InPyTorch({ heads }: TimeSettings): PyTorchForm {
  const parts = { receptance: 0.5, key: 1, value: 1, gate: 0.5 };
  return {
    name: "Rwkv5Time",
    arguments: ["WIDTH", ...keywords({ heads })],
    uses: [...[linearHelper, shiftHelper, shareHelper, rampHelper, zigzagHelper], channelDecayHelper],
    body: python([
      '    """Eagle: a matrix state whose rows fade at learned rates, with a bonus for the own value."""',
      "",
      "    def __init__(self, width, heads):",
      "        super().__init__()",
      "        self.heads = heads",
      Object.entries(parts).map(([name, power]) => [
        `        self.${name}_share = share(width${power === 1 ? "" : `, ${power}`})`,
        `        self.${name} = linear(width, width)`,
      ]),
      headParameters,
      "",
      "    def forward(self, x):",
      "        before = shifted(x)",
      "        heads = lambda x: x.unflatten(-1, (self.heads, -1))",
      `        query = ${mixed("receptance")}`,
      ...["key", "value", "gate"].map((name) => `        ${name} = ${mixed(name)}`),
      "        decay = heads(torch.exp(-torch.exp(self.decay.clamp(max=5)))).expand_as(heads(key))",
      readHeads,
    ]),
  };
}

type Rwkv6Settings = TimeSettings & Readonly<{ shiftRank: number; decayRank: number }>;

export function rwkv6InPyTorch(settings: Rwkv6Settings, _: Surroundings): PyTorchForm {
  const parts = { decay: 1, key: 1, value: 1, receptance: 0.5, gate: 0.5 };
  const names = Object.keys(parts);
  return {
    name: "Rwkv6Time",
    arguments: [
      "WIDTH",
      ...keywords({
        heads: settings.heads,
        shift_rank: settings.shiftRank,
        decay_rank: settings.decayRank,
      }),
    ],
    uses: [...[linearHelper, shiftHelper, shareHelper, rampHelper, zigzagHelper], channelDecayHelper],
    body: python([
      '    """Finch: as Eagle, with decays and shares of the token before that each token decides."""',
      "",
      "    def __init__(self, width, heads, shift_rank, decay_rank):",
      "        super().__init__()",
      "        self.heads = heads",
      "        up = lambda rank: nn.Parameter(torch.empty(rank, width).uniform_(-0.01, 0.01))",
      "        self.shift_share = share(width)",
      `        self.shift_down = nn.Parameter(torch.zeros(width, ${names.length} * shift_rank))`,
      Object.entries(parts).map(([name, power]) => [
        `        self.shift_${name}_up = up(shift_rank)`,
        `        self.${name}_share = share(width${power === 1 ? "" : `, ${power}`})`,
        name !== "decay" && `        self.${name} = linear(width, width)`,
      ]),
      "        self.decay_down = nn.Parameter(torch.zeros(width, decay_rank))",
      "        self.decay_up = up(decay_rank)",
      headParameters,
      "",
      "    def forward(self, x):",
      "        before = shifted(x)",
      "        heads = lambda x: x.unflatten(-1, (self.heads, -1))",
      "        first = torch.lerp(before, x, self.shift_share)",
      `        lows = torch.tanh(first @ self.shift_down).chunk(${names.length}, dim=-1)`,
      ...names.map(
        (name, i) =>
          `        for_${name} = torch.lerp(before, x, self.${name}_share - lows[${i}] @ self.shift_${name}_up)`,
      ),
      "        change = torch.tanh(for_decay @ self.decay_down) @ self.decay_up",
      "        decay = heads(torch.exp(-torch.exp((self.decay + change).clamp(max=5))))",
      "        query, key = self.receptance(for_receptance), self.key(for_key)",
      "        value, gate = self.value(for_value), self.gate(for_gate)",
      readHeads,
    ]),
  };
}

export function rwkvChannelInPyTorch({
  feedforward,
}: Readonly<{ feedforward?: number | undefined }>): PyTorchForm {
  return {
    name: "RwkvChannel",
    arguments: ["WIDTH", ...keywords({ hidden: feedforward })],
    uses: [linearHelper, shiftHelper, shareHelper],
    body: python([
      '    """RWKV\'s feed-forward layer: squared ReLU under a sigmoid gate, both mixed with the token before."""',
      "",
      "    def __init__(self, width, hidden):",
      "        super().__init__()",
      "        self.key_share = share(width)",
      "        self.key = linear(width, hidden)",
      "        self.gate_share = share(width)",
      "        self.gate = linear(width, width)",
      "        self.value = linear(hidden, width)",
      "",
      "    def forward(self, x):",
      "        before = shifted(x)",
      `        hidden = F.relu(${mixed("key")}).square()`,
      `        return torch.sigmoid(${mixed("gate")}) * self.value(hidden)`,
    ]),
  };
}
