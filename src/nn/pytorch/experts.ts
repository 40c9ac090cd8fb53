// Layers of experts in PyTorch: one product after the other, each for the tokens of one expert.
import type { Surroundings } from "../primitive.ts";
import { activations } from "./feedforward.ts";
import { biasArgument, keywords, linearHelper, type PyTorchForm, python } from "./form.ts";

type Network = Readonly<{
  experts: number;
  network: "relu" | "squaredRelu" | "gelu" | "geluExact" | "swiglu" | "geglu";
  feedforward?: number | undefined;
  bias: boolean;
  sharedExperts: number;
  activationAfter: boolean;
  expertDropout: boolean;
}>;

interface Kind {
  readonly apply: (x: string) => string;
  readonly isGated: boolean;
}

function kindOf(network: Network["network"]): Kind {
  switch (network) {
    case "swiglu":
      return { apply: activations.silu, isGated: true };
    case "geglu":
      return { apply: activations.gelu, isGated: true };
    default:
      return { apply: activations[network], isGated: false };
  }
}

/** What stands in a class for its networks: constructor lines, and methods `expert` and, where there are such, `shared`. */
function networks(settings: Network): { readonly init: string[]; readonly methods: string[] } {
  const { bias, sharedExperts, activationAfter, expertDropout } = settings;
  const { apply, isGated } = kindOf(settings.network);
  const maps = [...(isGated ? ["gate"] : []), "up"];
  const drop = (x: string) => (expertDropout ? `F.dropout(${x}, DROPOUT, self.training)` : x);
  const stored = (name: string, from: string, to: string) => [
    `        self.${name}_weight = nn.Parameter(torch.randn(experts, ${from}, ${to}) * DEVIATION)`,
    ...(bias ? [`        self.${name}_bias = nn.Parameter(torch.zeros(experts, ${to}))`] : []),
  ];
  const own = (name: string, x: string) =>
    `${x} @ self.${name}_weight[number]${bias ? ` + self.${name}_bias[number]` : ""}`;
  const through = (map: (name: string, x: string) => string) => [
    ...maps.map((name) => `        ${name} = ${map(name, "x")}`),
    `        hidden = ${drop(isGated ? `${apply("gate")} * up` : apply("up"))}`,
    `        made = ${map("down", "hidden")}`,
    `        return ${drop(activationAfter ? apply("made") : "made")}`,
  ];
  const wide = `${sharedExperts} * hidden`;
  return {
    init: [
      ...maps.flatMap((name) => stored(name, "width", "hidden")),
      ...stored("down", "hidden", "width"),
      ...(sharedExperts === 0
        ? []
        : [
            ...maps.map(
              (name) => `        self.shared_${name} = linear(width, ${wide}${biasArgument(bias)})`,
            ),
            `        self.shared_down = linear(${wide}, width${biasArgument(bias)})`,
          ]),
    ],
    methods: [
      "",
      "    def expert(self, number, x):",
      ...through(own),
      ...(sharedExperts === 0
        ? []
        : ["", "    def shared(self, x):", ...through((name, x) => `self.shared_${name}(${x})`)]),
    ],
  };
}

type Choice = Network &
  Readonly<{
    chosen: number;
    prototypes: number;
    gates?: "raw" | "renormalised" | undefined;
    capacity: number | null;
    capacityRounding: "down" | "up";
    capacityGroup: "sequence" | "batch";
    order: "tokens" | "choices" | "gates";
    firstPlaceUnused: boolean;
    noise: number;
    balance: number;
    zLoss: number;
  }>;

/** Each token chooses a few experts. */
export function moeInPyTorch(settings: Choice, _: Surroundings): PyTorchForm {
  const { experts, feedforward, chosen, prototypes, capacity, noise, balance, zLoss, order } = settings;
  const { init, methods } = networks(settings);
  const limited = capacity !== null;
  const each = experts / prototypes;
  const grouped = settings.capacityGroup === "sequence" ? "len(x)" : "1";
  const losses = [
    ...(balance > 0 ? [`${balance === 1 ? "" : `${balance} * `}self.balance(probabilities, expert)`] : []),
    ...(zLoss > 0 ? [`${zLoss} * logits.logsumexp(-1).square().mean()`] : []),
  ];
  const numbered =
    prototypes === 1
      ? []
      : [`        expert = expert + ${each} * torch.arange(${prototypes}, device=x.device)[:, None]`];
  return {
    name: "Experts",
    hasLoss: losses.length > 0,
    arguments: ["WIDTH", ...keywords({ hidden: feedforward, experts, chosen, capacity })],
    uses: [linearHelper],
    body: python([
      '    """Experts of which each token chooses a few, its router\'s probabilities weighing what they make."""',
      "",
      `    def __init__(self, width, hidden, experts, chosen${limited ? ", capacity" : ""}):`,
      "        super().__init__()",
      `        self.experts, self.chosen${limited ? ", self.capacity" : ""} = experts, chosen${limited ? ", capacity" : ""}`,
      "        self.router = linear(width, experts)",
      init,
      losses.length > 0 &&
        "        self.loss = 0.0  # what is added to the loss, since the model was last asked",
      "",
      "    def forward(self, x):",
      "        tokens = x.flatten(0, -2)",
      `        logits = self.router(tokens).view(-1, ${prototypes}, ${prototypes === 1 ? "self.experts" : each})  # [N, Z, E/Z]`,
      noise > 0 && [
        "        if self.training:",
        `            logits = logits + torch.randn_like(logits) * ${noise / each}`,
      ],
      "        probabilities = logits.softmax(-1)",
      "        gate, expert = probabilities.topk(self.chosen, dim=-1)  # [N, Z, K]",
      settings.gates === "renormalised" && "        gate = gate / gate.sum(-1, keepdim=True)",
      numbered,
      losses.length > 0 && `        self.loss = self.loss + ${losses.join(" + ")}`,
      "        token = torch.arange(len(tokens), device=x.device)[:, None, None].expand_as(expert)",
      limited && [
        `        seated = self.seated(expert, gate, groups=${grouped})`,
        "        expert, gate, token = expert[seated], gate[seated], token[seated]",
      ],
      "        made = torch.zeros_like(tokens)",
      "        for number in range(self.experts):",
      "            mine = expert == number",
      "            rows = token[mine]",
      "            made = made.index_add(0, rows, gate[mine][:, None] * self.expert(number, tokens[rows]))",
      settings.sharedExperts > 0 && "        made = made + self.shared(tokens)",
      "        return made.view_as(x)",
      methods,
      balance > 0 && [
        "",
        "    def balance(self, probabilities, expert):",
        '        """1 where all experts are chosen equally often, more where they are not."""',
        "        share = F.one_hot(expert.flatten(), self.experts).to(probabilities.dtype).mean(0)",
        `        return ${prototypes === 1 ? "self.experts" : each} * (share * probabilities.mean(0).flatten()).sum()`,
      ],
      limited && seats(settings, order),
    ]),
  };
}

/** Who finds a place. */
function seats({ experts, prototypes, capacityRounding, firstPlaceUnused }: Choice, order: Choice["order"]) {
  const rounding = capacityRounding === "down" ? "math.floor" : "math.ceil";
  const share = `members * self.capacity * self.chosen${prototypes === 1 ? "" : ` * ${prototypes}`} / ${experts}`;
  const unused = firstPlaceUnused ? " - 1" : "";
  return [
    "",
    "    def seated(self, expert, gate, groups):",
    '        """Which choices [N, Z, K] find a place: an expert takes so many of each group of tokens, the first to come."""',
    "        members = len(expert) // groups",
    `        places = max(1, ${rounding}(${share})${unused})`,
    "        wanted = expert.view(groups, members, *expert.shape[1:])",
    ...(order === "gates"
      ? [
          "        sure = gate.view(groups, members, -1).amax(-1)",
          "        first = sure.sort(dim=1, descending=True, stable=True).indices",
          "        wanted = wanted.gather(1, first[..., None, None].expand_as(wanted))",
        ]
      : []),
    // Choices rank by rank, prototypes inside a rank, tokens inside a prototype.
    ...(order === "tokens" ? [] : ["        wanted = wanted.permute(0, 3, 2, 1)"]),
    "        coming = F.one_hot(wanted.reshape(groups, -1), self.experts)  # [G, S, E]",
    "        place = (coming.cumsum(1) * coming).sum(-1)  # counted from 1",
    "        seated = (place <= places).view(wanted.shape)",
    ...(order === "tokens" ? [] : ["        seated = seated.permute(0, 3, 2, 1)"]),
    ...(order === "gates"
      ? [
          "        seated = torch.zeros_like(seated).scatter(1, first[..., None, None].expand_as(seated), seated)",
        ]
      : []),
    "        return seated.reshape(expert.shape)",
  ];
}

type Chosen = Network & Readonly<{ capacity: number; capacityGroup: "sequence" | "batch"; zLoss: number }>;

/** Each expert chooses its tokens. */
export function expertChoiceInPyTorch(settings: Chosen, _: Surroundings): PyTorchForm {
  const { experts, feedforward, capacity, capacityGroup, zLoss, sharedExperts } = settings;
  const { init, methods } = networks(settings);
  return {
    name: "ExpertChoice",
    hasLoss: zLoss > 0,
    arguments: ["WIDTH", ...keywords({ hidden: feedforward, experts, capacity })],
    uses: [linearHelper],
    body: python([
      '    """Experts of which each chooses the tokens that want it most; a token may have none or several."""',
      "",
      "    def __init__(self, width, hidden, experts, capacity):",
      "        super().__init__()",
      "        self.experts, self.capacity = experts, capacity",
      "        self.router = linear(width, experts)",
      init,
      zLoss > 0 && "        self.loss = 0.0  # what is added to the loss, since the model was last asked",
      "",
      "    def forward(self, x):",
      `        groups = ${capacityGroup === "sequence" ? "x" : "x.flatten(0, -2)[None]"}`,
      "        members = groups.shape[1]",
      "        places = max(1, math.floor(self.capacity * members / self.experts))",
      "        logits = self.router(groups)",
      zLoss > 0 && `        self.loss = self.loss + ${zLoss} * logits.logsumexp(-1).square().mean()`,
      "        gate, place = logits.softmax(-1).transpose(1, 2).topk(places, dim=-1)  # [G, E, P]",
      "        first = members * torch.arange(len(groups), device=x.device)[:, None, None]",
      "        tokens, token = x.flatten(0, -2), place + first",
      "        made = torch.zeros_like(tokens)",
      "        for number in range(self.experts):",
      "            rows = token[:, number].flatten()",
      "            weights = gate[:, number].reshape(-1, 1)",
      "            made = made.index_add(0, rows, weights * self.expert(number, tokens[rows]))",
      sharedExperts > 0 && "        made = made + self.shared(tokens)",
      "        return made.view_as(x)",
      methods,
    ]),
  };
}

type MadSettings = Readonly<{
  experts: number;
  chosen: number;
  others: "zero" | "out";
  feedforward: number;
  bias: boolean;
  unusedGates: boolean;
}>;

/** mad-lab's experts. */
export function madExpertsInPyTorch(settings: MadSettings): PyTorchForm {
  const { experts, chosen, others, feedforward, unusedGates } = settings;
  const bias = biasArgument(settings.bias);
  return {
    name: "MadExperts",
    arguments: ["WIDTH", ...keywords({ hidden: feedforward, experts, chosen })],
    uses: [linearHelper],
    body: python([
      '    """mad-lab\'s experts: one gated map for all of them, its outputs dealt to experts that a router weighs."""',
      "",
      "    def __init__(self, width, hidden, experts, chosen):",
      "        super().__init__()",
      "        self.experts, self.chosen = experts, chosen",
      `        self.up = linear(width, experts * hidden${bias})`,
      `        self.gate = linear(width, experts * hidden${bias})`,
      `        self.down = linear(experts * hidden, experts * width${bias})`,
      "        self.router = linear(width, experts, bias=True)",
      unusedGates &&
        "        self.gates = nn.Parameter(torch.randn(experts, hidden))  # nothing reads it, as in mad-lab",
      "",
      "    def forward(self, x):",
      '        made = self.down(self.up(x) * F.gelu(self.gate(x), approximate="tanh"))',
      "        logits = self.router(x)",
      "        least = logits.topk(self.chosen, dim=-1).values[..., -1:]",
      `        logits = logits.masked_fill(logits < least, ${others === "zero" ? "0.0" : 'float("-inf")'})`,
      "        weights = logits.softmax(-1)[..., None, :]",
      "        # Neighbouring outputs belong to different experts.",
      "        return (made.unflatten(-1, (-1, self.experts)) * weights).sum(-1)",
    ]),
  };
}
