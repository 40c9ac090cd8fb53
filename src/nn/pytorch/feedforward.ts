// Feed-forward layers and plain activations in PyTorch.
import type { Surroundings } from "../primitive.ts";
import { biasArgument, keywords, linearHelper, type PyTorchForm, python } from "./form.ts";

/** Activation functions by the names that primitives and settings have, applied to a text. */
export const activations = {
  relu: (x: string) => `F.relu(${x})`,
  squaredRelu: (x: string) => `F.relu(${x}).square()`,
  gelu: (x: string) => `F.gelu(${x}, approximate="tanh")`,
  geluExact: (x: string) => `F.gelu(${x})`,
  silu: (x: string) => `F.silu(${x})`,
  sigmoid: (x: string) => `torch.sigmoid(${x})`,
  tanh: (x: string) => `torch.tanh(${x})`,
};

export type Activation = keyof typeof activations;

type Settings = Readonly<{ feedforward?: number | undefined; bias: boolean; activationAfter: boolean }>;

/** Up, activation, down. */
export function mlpInPyTorch(activation: "relu" | "squaredRelu" | "gelu" | "geluExact") {
  const apply = activations[activation];
  const names = { relu: "ReluMLP", squaredRelu: "SquaredReluMLP", gelu: "MLP", geluExact: "MLP" };
  const name = names[activation];
  return ({ feedforward, bias, activationAfter }: Settings, _: Surroundings): PyTorchForm => ({
    name,
    arguments: ["WIDTH", ...keywords({ hidden: feedforward })],
    uses: [linearHelper],
    body: python([
      '    """A feed-forward layer: up, activation, down."""',
      "",
      "    def __init__(self, width, hidden):",
      "        super().__init__()",
      `        self.up = linear(width, hidden${biasArgument(bias)})`,
      `        self.down = linear(hidden, width${biasArgument(bias)})`,
      "",
      "    def forward(self, x):",
      activationAfter
        ? [`        made = self.down(${apply("self.up(x)")})`, `        return ${apply("made")}`]
        : [`        return self.down(${apply("self.up(x)")})`],
    ]),
  });
}

/** Activation of a gate, times up, down. */
export function gatedInPyTorch(activation: "swiglu" | "geglu") {
  const [name, apply] =
    activation === "swiglu"
      ? (["SwiGLU", activations.silu] as const)
      : (["GeGLU", activations.gelu] as const);
  return ({ feedforward, bias }: Pick<Settings, "feedforward" | "bias">, _: Surroundings): PyTorchForm => ({
    name,
    arguments: ["WIDTH", ...keywords({ hidden: feedforward })],
    uses: [linearHelper],
    body: python([
      '    """A gated feed-forward layer."""',
      "",
      "    def __init__(self, width, hidden):",
      "        super().__init__()",
      ...["gate", "up"].map((part) => `        self.${part} = linear(width, hidden${biasArgument(bias)})`),
      `        self.down = linear(hidden, width${biasArgument(bias)})`,
      "",
      "    def forward(self, x):",
      `        return self.down(${apply("self.gate(x)")} * self.up(x))`,
    ]),
  });
}

/** An activation alone. */
export function nonlinearityInPyTorch({ function: name }: Readonly<{ function: Activation }>): PyTorchForm {
  return {
    name: "Nonlinearity",
    arguments: [],
    body: python([
      '    """An activation function alone."""',
      "",
      "    def forward(self, x):",
      `        return ${activations[name]("x")}`,
    ]),
  };
}
