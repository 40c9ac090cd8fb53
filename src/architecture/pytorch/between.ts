// What stands between two applications of a block as a class of PyTorch.
import { linearHelper, type PyTorchForm, python } from "../../nn/pytorch/form.ts";
import { normModule } from "../../nn/pytorch/norm.ts";
import type { Architecture } from "../schema.ts";

/** Of a loop with projections. */
export function betweenForm({ norm, normEpsilon, dropout }: Architecture): PyTorchForm {
  const isNormed = norm !== "none";
  return {
    name: "Between",
    arguments: ["WIDTH"],
    uses: [linearHelper],
    body: python([
      `    """Between two applications of a block: a x + b MLP(${isNormed ? "norm(x)" : "x"})."""`,
      "",
      "    def __init__(self, width):",
      "        super().__init__()",
      isNormed && `        self.norm = ${normModule(norm, "width", normEpsilon)}`,
      "        self.up = linear(width, width, bias=True)",
      "        self.down = linear(width, width, bias=True)",
      "        self.kept = nn.Parameter(torch.ones(1))",
      "        self.added = nn.Parameter(torch.ones(1))",
      "",
      "    def forward(self, x):",
      `        made = self.down(F.gelu(self.up(${isNormed ? "self.norm(x)" : "x"}), approximate="tanh"))`,
      dropout > 0 && "        made = F.dropout(made, DROPOUT, self.training)",
      "        return self.kept * x + self.added * made",
    ]),
  };
}
